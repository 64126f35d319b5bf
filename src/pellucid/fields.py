"""Fields of a configuration: their limits, choices and help, and changes from text or JSON.

What a field may be stands at the field, once:

    width: float = option(1.0, low=0, low_open=True)

and `check` in ``__post_init__`` holds every field to it.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
import numbers
import sys
import textwrap
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pellucid import checks
from pellucid.values import convert

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
    given = Option(
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
    made: T = dataclasses.field(default=default, metadata={"option": given})
    return made


def check(config: Any) -> None:
    """Raise a ValueError for the first field that is not what it may be; for ``__post_init__``.

    A field that a class gives another default keeps what its base class says of it. None passes where the
    type of the field admits it; of a tuple every item is checked. Values that mean the same become the same
    first, so that equal records are equal: numbers of NumPy are Python's, lists are tuples, an empty mapping
    is none.
    """
    kind: type = type(config)
    for name, (field, given) in _given(kind).items():
        value = _settled(getattr(config, name), str(getattr(field.type, "__name__", field.type)))
        object.__setattr__(config, name, value)  # these records are frozen for everybody else
        if not (value is None and "None" in str(field.type)):
            given.check(name, value)


def _settled(value: Any, kind: str) -> Any:
    """A value as records keep it, by the text of its type; all that is unknown stays as it is."""
    if isinstance(value, str) and "Path" in kind and "str" not in kind:
        return Path(value)
    if isinstance(value, Path) and (kind == "Any" or "str" in kind):
        return str(value)
    if kind == "Any":
        return _number(value)
    settled = _plain(value)
    return None if settled == {} and "None" in kind else settled


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
def _given(kind: type) -> dict[str, tuple[dataclasses.Field[Any], Option]]:
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


@dataclass(frozen=True, kw_only=True)
class OptionField:
    """One field with all that is known of it.

    Attributes:
        name: of the field.
        type: its type; the text of it where that names what is imported for type checkers only.
        default: `dataclasses.MISSING` where it must be given.
        help: the docstring under it.
        option: what it may be.
    """

    name: str
    type: Any
    default: Any
    help: str
    option: Option


def options(kind: type) -> list[OptionField]:
    """The fields of a dataclass with type, default, help and option, inherited ones too.

    >>> from pellucid.methods.filters.nlm import Config
    >>> options(Config)[0].type
    <class 'int'>
    """
    helps, found = _all_helps(kind), []
    for name, (field, given) in _given(kind).items():
        default = field.default
        if default is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        hint = _hint(kind, name)
        found.append(
            OptionField(name=name, type=hint, default=default, help=helps.get(name, ""), option=given)
        )
    return found


def _hint(kind: type, name: str) -> Any:
    """The type of a field, or its text where a name in it is known to type checkers only."""
    owner = next(c for c in kind.__mro__ if name in vars(c).get("__annotations__", {}))
    text = owner.__annotations__[name]
    if not isinstance(text, str):
        return text
    try:
        return eval(text, vars(sys.modules[owner.__module__]), dict(vars(owner)))
    except NameError:
        return text


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a Config: its name, its type as text, its default and the docstring under it."""

    name: str
    kind: str
    default: Any
    help: str


def describe(config: type) -> list[Field]:
    """The fields of a Config class with the docstring under each as help, inherited ones too.

    >>> from pellucid.methods.filters.nlm import Config
    >>> describe(Config)[0]
    Field(name='patch_size', kind='int', default=5, help='side of the compared patches, in pixels')
    """
    docs, default = _all_helps(config), config()
    # Types are text in a file that puts off annotations, and classes in another.
    kinds = {
        f.name: f.type.__name__ if isinstance(f.type, type) else str(f.type)
        for f in dataclasses.fields(config)
    }
    return [
        Field(name=name, kind=kind, default=getattr(default, name), help=docs.get(name, ""))
        for name, kind in kinds.items()
    ]


def _all_helps(config: type) -> dict[str, str]:
    """The docstring under each field, that of the nearest class that states one."""
    docs: dict[str, str] = {}
    for kind in reversed([c for c in config.__mro__ if dataclasses.is_dataclass(c)]):
        docs |= _helps(kind)
    return docs


@cache
def _helps(config: type) -> dict[str, str]:
    """The docstring under each field that a class states itself; what it inherits is not looked at."""
    body = _classes(config.__module__).get(config.__qualname__)
    if body is None:  # within a function, or typed in
        body = ast.parse(textwrap.dedent(inspect.getsource(config))).body[0]
    docs: dict[str, str] = {}
    if isinstance(body, ast.ClassDef):
        for field, below in zip(body.body, body.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
            ):
                docs[field.target.id] = " ".join(str(below.value.value).split())
    return docs


@cache
def _classes(module: str) -> dict[str, ast.stmt]:
    """The classes of a module as parsed, all at once: `pellucid --help` asks for a dozen of them."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError):  # no file
        return {}
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


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

    >>> @dataclass(frozen=True, kw_only=True)
    ... class Config:
    ...     ema: float = option(0.9, aliases=("average",))
    >>> current(Config, {"average": 0.5})
    ({'ema': 0.5}, ('average is now called ema.',))
    """
    known = _given(kind)
    old = {alias: name for name, (_, given) in known.items() for alias in given.aliases}
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

    >>> @dataclass(frozen=True, kw_only=True)
    ... class Config:
    ...     ema: float = option(0.9, aliases=("average",))
    ...     match: bool = option(True, absent=False)
    >>> kept(Config, {"average": 0.5})
    {'match': False, 'ema': 0.5}
    """
    missing = {name: given.absent for name, (_, given) in _given(kind).items() if given.absent is not None}
    return {**missing, **current(kind, record)[0]}
