"""MS-DIP: its settings (`config`), its equations (`equations`), the noise of the scales, the method."""
