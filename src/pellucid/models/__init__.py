"""Model files: one safetensors file with its card inside; loading one never runs code.

>>> isinstance(names(), dict)
True
"""

from pellucid.models.applying import steps_of
from pellucid.models.card import ORIGINS, Card
from pellucid.models.file import is_model, read, read_card, write
from pellucid.models.loading import Model, config_of, load
from pellucid.models.shelf import folder, locate, names

__all__ = [
    "ORIGINS",
    "Card",
    "Model",
    "config_of",
    "folder",
    "is_model",
    "load",
    "locate",
    "names",
    "read",
    "read_card",
    "steps_of",
    "write",
]
