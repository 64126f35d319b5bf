"""Deep Image Prior: its settings and the authors' recipes (`config`), the method."""
