"""Text and JSON as values of a type: what a command line or a file says, as a field wants it."""

from __future__ import annotations

import ast
import numbers
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal


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


def convert(name: str, hint: Any, value: Any) -> Any:
    """``value`` as the type ``hint``; text is read, e.g. "0.5" as a number.

    Raises:
        ValueError: naming the field, what it may be and what came.

    >>> convert("sizes", tuple[float, ...], "0.5,1")
    (0.5, 1.0)
    """
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
    if hint is Any or (origin is Mapping and isinstance(value, Mapping)):
        return value
    if origin is Sequence and isinstance(value, list | tuple):
        return tuple(_as(arguments[0], item) for item in value)
    if hint is Path and isinstance(value, str | Path):
        return Path(value)
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
    if hint is int and isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return int(value)
    if hint is float and isinstance(value, numbers.Real) and not isinstance(value, bool):
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
    if origin is tuple and Ellipsis in arguments:
        several = {int: "whole numbers", float: "numbers"}
        return f"{several.get(arguments[0], 'values')} separated by commas"
    if origin is tuple:
        return "values separated by commas, " + ", ".join(map(_words, arguments))
    if origin in (Mapping, Sequence):
        return "names with values" if origin is Mapping else "a list"
    plain = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "none"}
    return plain.get(hint, str(hint))
