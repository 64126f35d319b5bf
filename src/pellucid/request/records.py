"""Requests from keyword arguments and from JSON, and back; what was asked for, and what is left as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

from pellucid import checks
from pellucid.fields import options
from pellucid.values import convert

Record = TypeVar("Record")


def checked(kind: type[Record], given: Mapping[str, Any]) -> Record:
    """The record of keyword arguments.

    Raises:
        TypeError: for an argument that it does not have, with the nearest spelling.
        ValueError: for a value that is out of range.

    >>> from pellucid.request import Denoise
    >>> checked(Denoise, {"sigam": 0.1})
    Traceback (most recent call last):
    ...
    TypeError: denoise has no argument 'sigam'. Did you mean 'sigma'?
    """
    names = [f.name for f in options(kind) if f.option.python]
    for name in given:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(names)}."
            raise TypeError(f"{getattr(kind, 'verb', kind.__name__)} has no argument {name!r}. {hint}")
    return kind(**given)


def stated(record: Any) -> list[str]:
    """The names of the fields whose values are not the defaults: what was asked for.

    >>> from pellucid.request import Denoise
    >>> stated(Denoise(method="nlm", set={}))
    ['method']
    """
    return [f.name for f in fields(record) if not _same(getattr(record, f.name), f.default)]


def _same(value: Any, default: Any) -> bool:
    """Whether a value is the default; a picture is never compared."""
    if value is default or (isinstance(value, Mapping) and not value):
        return True
    return isinstance(value, str | int | float | tuple) and type(value) is type(default) and value == default


def to_json(record: Any) -> str:
    """One line of JSON that says what was asked for; `from_json` makes an equal record of it.

    Raises:
        ValueError: for what JSON cannot hold: a picture, a Config, weights.

    >>> from pellucid.request import Denoise
    >>> to_json(Denoise(method="nlm", sigma=25, data_range=255))
    '{"data_range": 255, "method": "nlm", "sigma": 25}'
    """
    told = {name: _plain(name, getattr(record, name)) for name in stated(record)}
    return json.dumps(told, sort_keys=True, allow_nan=False)


def from_json(kind: type[Record], text: str) -> Record:
    """The record that `to_json` wrote, or that a person did: fields that are left out have their defaults.

    Raises:
        ValueError: for a text that is no JSON object, a field that does not exist or is missing, or a
            value that is wrong.

    >>> from pellucid.request import Denoise
    >>> from_json(Denoise, '{"method": "nlm", "iterations": "many"}')
    Traceback (most recent call last):
    ...
    ValueError: iterations must be a whole number or none, got 'many'.
    """
    try:
        told = json.loads(text)
    except ValueError as error:
        raise ValueError(f"a request must be JSON, got {text[:40]!r}.") from error
    if not isinstance(told, dict):
        raise ValueError(f"a request must be a JSON object, got {type(told).__name__}.")
    types = {f.name: f.type for f in options(kind)}
    for name in told:
        checks.one_of("field", name, list(types))
    missing = [f.name for f in options(kind) if f.default is MISSING and f.name not in told]
    if missing:
        raise ValueError(
            f"a request of {getattr(kind, 'verb', kind.__name__)} must name {', '.join(missing)}. Add it."
        )
    return kind(**{name: _read(name, types[name], value) for name, value in told.items()})


def _read(name: str, hint: Any, value: Any) -> Any:
    """A value of JSON as the type of a field; text stays text where the field takes it, "none" too."""
    return value if isinstance(value, str) and str in (hint, *get_args(hint)) else convert(name, hint, value)


def _plain(name: str, value: Any) -> Any:
    """The value as JSON knows it."""
    if isinstance(value, tuple):
        return [_plain(name, item) for item in value]
    if isinstance(value, Path):
        return str(value)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} cannot be written as JSON, got {type(value).__name__}. Name a file, or use set."
        ) from None
    return value
