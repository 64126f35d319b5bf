"""What a field may be, stated at the field, and the check that holds a record to it."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pellucid import checks

T = TypeVar("T")
Choices = Collection[str] | Callable[[], Collection[str]]


@dataclass(frozen=True, kw_only=True)
class Option:
    """What a field may be, and how it is asked for.

    Attributes:
        low: the least number.
        high: the greatest number.
        low_open: whether `low` itself is too low.
        high_open: whether `high` itself is too high.
        choices: the texts it may be, or a function that gives them, where a list would cost an import.
        hint: what to do when it is none of these, after the message.
        aliases: old names that `change` and `current` still understand.
        renamed: old values that `change` and `current` still understand, as text in lower case, and today's.
        absent: its value in a record that was kept before there was such a field; the default where None.
        flag: the option of the command line, where it is not ``--`` and the name, with a short one after a
            comma; "" for an argument.
        metavar: what stands for the value in the help of the command line.
        cli: whether the command line has it.
        python: whether the Python signature has it.
    """

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    choices: Choices | None = None
    hint: str = ""
    aliases: tuple[str, ...] = ()
    renamed: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    absent: Any = None
    flag: str | None = None
    metavar: str | None = None
    cli: bool = True
    python: bool = True

    def allowed(self) -> tuple[str, ...]:
        """The texts it may be; empty where there is no list."""
        found = self.choices() if callable(self.choices) else self.choices
        return tuple(found or ())

    def check(self, name: str, value: Any) -> None:
        """Raise a ValueError when ``value``, or an item of it, is none that the field may be.

        >>> Option(low=0, high=1).check("share", (0.5, 2))
        Traceback (most recent call last):
        ...
        ValueError: share must be in [0, 1], got 2.
        """
        if isinstance(value, tuple):
            for item in value:
                self.check(name, item)
            return
        if self.choices is not None:
            allowed = self.allowed()
            if value not in allowed:
                checks.one_of(name, str(value), allowed)
        if self.low is None and self.high is None:
            return
        value = _number(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} must be a number, got {value!r}. {self.hint}".strip())
        low, high = -math.inf if self.low is None else self.low, math.inf if self.high is None else self.high
        checks.in_range(
            name, value, low, high, low_open=self.low_open, high_open=self.high_open, hint=self.hint
        )


def option(
    default: T,
    *,
    low: float | None = None,
    high: float | None = None,
    low_open: bool = False,
    high_open: bool = False,
    choices: Choices | None = None,
    hint: str = "",
    aliases: tuple[str, ...] = (),
    renamed: Mapping[str, Any] | None = None,
    absent: Any = None,
    flag: str | None = None,
    metavar: str | None = None,
    cli: bool = True,
    python: bool = True,
) -> T:
    """A field of a dataclass with what it may be; the text under the field is its help.

    Args:
        default: its value where none is given.
        low: and all others: see `Option`.

    >>> @dataclass(frozen=True, kw_only=True)
    ... class Config:
    ...     width: float = option(1.0, low=0, low_open=True)
    ...     def __post_init__(self) -> None:
    ...         check(self)
    >>> Config(width=0)
    Traceback (most recent call last):
    ...
    ValueError: width must be greater than 0, got 0.
    """
    stated = Option(
        low=low,
        high=high,
        low_open=low_open,
        high_open=high_open,
        choices=choices,
        hint=hint,
        aliases=aliases,
        renamed=renamed or {},
        absent=absent,
        flag=flag,
        metavar=metavar,
        cli=cli,
        python=python,
    )
    made: T = dataclasses.field(default=default, metadata={"option": stated})
    return made


def check(config: Any) -> None:
    """Raise a ValueError for the first field that is not what it may be; for ``__post_init__``.

    A field that a class gives another default keeps what its base class says of it. None passes where the
    type of the field admits it; of a tuple every item is checked. Values that mean the same become the same
    first, so that equal records are equal: numbers of NumPy are Python's, lists are tuples, an empty mapping
    is none.
    """
    kind: type = type(config)
    for name, (field, stated) in given(kind).items():
        value = _settled(getattr(config, name), str(getattr(field.type, "__name__", field.type)))
        object.__setattr__(config, name, value)  # these records are frozen for everybody else
        if not (value is None and "None" in str(field.type)):
            stated.check(name, value)


def _settled(value: Any, kind: str) -> Any:
    """A value as records keep it, by the text of its type; all that is unknown stays as it is."""
    if isinstance(value, str) and "Path" in kind and "str" not in kind:
        return Path(value)
    if isinstance(value, Path) and (kind == "Any" or "str" in kind):
        return str(value)
    if kind == "Any":
        return _number(value)
    settled = _plain(value)
    empty = isinstance(settled, Mapping) and not settled
    return None if empty and "None" in kind else settled


def _plain(value: Any) -> Any:
    if type(value) in (list, tuple):
        return tuple(_plain(item) for item in value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return _number(value)


def _number(value: Any) -> Any:
    """A number of another library as Python's."""
    if type(value) in (bool, int, float):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else value


@cache
def given(kind: type) -> dict[str, tuple[dataclasses.Field[Any], Option]]:
    """The fields with their options, each from the nearest class that states one."""
    found = {}
    for field in dataclasses.fields(kind):
        for base in kind.__mro__:
            stated = vars(base).get("__dataclass_fields__", {}).get(field.name)
            if stated is not None and "option" in stated.metadata:
                found[field.name] = (field, stated.metadata["option"])
                break
        else:
            found[field.name] = (field, Option())
    return found
