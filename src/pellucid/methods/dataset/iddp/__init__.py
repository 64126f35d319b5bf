"""IDDP: its settings (`config`), its equations (`equations`), the method."""
