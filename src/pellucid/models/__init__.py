"""Model files: one safetensors file with its card inside; loading one never runs code.

>>> isinstance(names(), dict)
True
"""

from pellucid.models.applying import factors, steps_of
from pellucid.models.card import ORIGINS, Card, page
from pellucid.models.exported import is_exported
from pellucid.models.file import is_model, of_others, read, read_card, write
from pellucid.models.keeping import install, verify
from pellucid.models.loading import Model, config_of, fill, load, shared
from pellucid.models.shelf import cards, folder, locate, names

__all__ = [
    "ORIGINS",
    "Card",
    "Model",
    "cards",
    "config_of",
    "factors",
    "fill",
    "folder",
    "install",
    "is_exported",
    "is_model",
    "load",
    "locate",
    "names",
    "of_others",
    "page",
    "read",
    "read_card",
    "shared",
    "steps_of",
    "verify",
    "write",
]
