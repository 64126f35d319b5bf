"""Fields of a method's Config: their help, and changes from text or JSON, checked against their types."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pellucid import checks


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
    Field(name='patch_size', kind='int', default=7, help='side of the compared patches, in pixels')
    """
    docs: dict[str, str] = {}
    for kind in reversed([c for c in config.__mro__ if dataclasses.is_dataclass(c)]):
        docs |= _helps(kind)
    default = config()
    return [
        Field(name=f.name, kind=str(f.type), default=getattr(default, f.name), help=docs.get(f.name, ""))
        for f in dataclasses.fields(config)
    ]


def _helps(config: type) -> dict[str, str]:
    """The docstring under each field that a class states itself; what it inherits is not looked at."""
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


def change(config: Any, changes: Mapping[str, Any]) -> Any:
    """A copy of ``config`` with some fields changed; text is read as the type of the field.

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
    hints = typing.get_type_hints(type(config))
    names = [f.name for f in dataclasses.fields(config)]
    for name in changes:
        checks.one_of("field", name, names)
    return dataclasses.replace(config, **{n: _convert(n, hints[n], v) for n, v in changes.items()})


def assignments(texts: list[str]) -> dict[str, str]:
    """``field=value`` texts of the command line as a dict.

    >>> assignments(["patch_size=5"])
    {'patch_size': '5'}
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"--set expects field=value, got {text!r}. For example --set patch_size=5.")
        if name.strip() in pairs:
            raise ValueError(f"--set names {name.strip()!r} twice. Keep one of them.")
        pairs[name.strip()] = value.strip()
    return pairs


def _convert(name: str, hint: Any, value: Any) -> Any:
    """``value`` as the type ``hint``, or a ValueError that names the field."""
    try:
        return _as(hint, value)
    except (ValueError, TypeError, SyntaxError):
        raise ValueError(f"{name} must be {_words(hint)}, got {value!r}.") from None


def _as(hint: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _first(arguments, value)
    if origin is Literal:
        return {str(a): a for a in arguments}[_known(str(value), [str(a) for a in arguments])]
    if origin is tuple:
        items = value.strip("()[] ").split(",") if isinstance(value, str) else list(value)
        items = [i for i in items if not (isinstance(i, str) and not i.strip())]
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_as(arguments[0], i) for i in items)
        if len(items) != len(arguments):
            raise ValueError
        return tuple(_as(a, i) for a, i in zip(arguments, items, strict=True))
    if hint is type(None):
        if value is None or (isinstance(value, str) and value.lower() == "none"):
            return None
        raise ValueError
    if hint is str:
        if isinstance(value, str):
            return value
        raise ValueError
    if isinstance(value, str):
        value = value.strip()
        value = {"true": True, "false": False}.get(value.lower(), value)
        value = ast.literal_eval(value) if isinstance(value, str) else value
    if hint is bool and isinstance(value, bool):
        return value
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError


def _first(hints: tuple[Any, ...], value: Any) -> Any:
    """``value`` as the first of several types that takes it; None before text."""
    for hint in sorted(hints, key=lambda h: (h is str, h is not type(None))):
        try:
            return _as(hint, value)
        except (ValueError, TypeError, SyntaxError):
            continue
    raise ValueError


def _known(text: str, allowed: list[str]) -> str:
    if text not in allowed:
        raise ValueError
    return text


def _words(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_words(a) for a in arguments)
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    if origin is tuple:
        return "values separated by commas, " + ", ".join(
            "any number of them" if a is Ellipsis else _words(a) for a in arguments
        )
    plain = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "none"}
    return plain.get(hint, str(hint))
