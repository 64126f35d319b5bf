"""Changes of a record from text or JSON, under the names of today or old ones."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any

from pellucid import checks
from pellucid.fields.limits import given
from pellucid.values import convert


def change(config: Any, changes: Mapping[str, Any]) -> Any:
    """A copy of ``config`` with some fields changed; text is read as the type of the field.

    An old name of a field is understood; `current` says so in words, for whoever has a place for them.

    Raises:
        ValueError: for a field that does not exist (with the nearest name) or a value of another type.

    >>> from pellucid.methods.filters.nlm import Config
    >>> change(Config(), {"patch_size": "5"}).patch_size
    5
    >>> change(Config(), {"patch_sise": "5"})
    Traceback (most recent call last):
    ...
    ValueError: field must be one of patch_size, patch_distance, cut_off; got 'patch_sise'. ...
    """
    changes, _ = current(type(config), changes)
    hints = typing.get_type_hints(type(config))
    names = [f.name for f in dataclasses.fields(config)]
    for name in changes:
        checks.one_of("field", name, names)
    return dataclasses.replace(config, **{n: convert(n, hints[n], v) for n, v in changes.items()})


def current(kind: type, changes: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Changes under the names that fields and values have today, and a sentence for each that came under an
    old one.

    Raises:
        ValueError: when a field is named twice, by its old and by its new name.

    >>> from dataclasses import dataclass
    >>> from pellucid.fields import option
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Config:
    ...     ema: float = option(0.9, aliases=("average",))
    >>> current(Config, {"average": 0.5})
    ({'ema': 0.5}, ('average is now called ema.',))
    """
    known = given(kind)
    old = {alias: name for name, (_, stated) in known.items() for alias in stated.aliases}
    found: dict[str, Any] = {}
    remarks = []
    for name, value in changes.items():
        today = old.get(name, name)
        if today in found:
            raise ValueError(f"{today} is given twice, once by its old name. Keep one of them.")
        if name != today:
            remarks.append(f"{name} is now called {today}.")
        renamed = known[today][1].renamed if today in known else {}
        if str(value).lower() in renamed:
            remarks.append(f"{today}={str(value).lower()} is now {today}={renamed[str(value).lower()]}.")
            value = renamed[str(value).lower()]
        found[today] = value
    return found, tuple(remarks)


def kept(kind: type, record: Mapping[str, Any]) -> dict[str, Any]:
    """What a record of an earlier version says, under today's names, with the fields that it could not have.

    >>> from dataclasses import dataclass
    >>> from pellucid.fields import option
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Config:
    ...     ema: float = option(0.9, aliases=("average",))
    ...     match: bool = option(True, absent=False)
    >>> kept(Config, {"average": 0.5})
    {'match': False, 'ema': 0.5}
    """
    missing = {name: stated.absent for name, (_, stated) in given(kind).items() if stated.absent is not None}
    return {**missing, **current(kind, record)[0]}
