"""Fields of a configuration: their limits, choices and help, and changes from text or JSON.

What a field may be stands at the field, once:

    width: float = option(1.0, low=0, low_open=True)

and `check` in ``__post_init__`` holds every field to it.
"""

from pellucid.fields.changes import change, current, kept
from pellucid.fields.helps import Field, OptionField, describe, options
from pellucid.fields.limits import Choices, Option, check, option

__all__ = [
    "Choices",
    "Field",
    "Option",
    "OptionField",
    "change",
    "check",
    "current",
    "describe",
    "kept",
    "option",
    "options",
]
