"""Deep Image Prior: its equations, its settings and the authors' recipes (`config`), the method."""
