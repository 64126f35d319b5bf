"""pellucid in napari; nothing heavy and no Qt is loaded before it is used."""

__version__ = "0.1.0"
