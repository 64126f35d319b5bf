"""Flags made from records: every field of a request is an option of the command line, with its help.

A verb takes records as parameters, and the command line shows their fields:

    @app.command()
    @options.spread
    def denoise(inputs: Inputs, request: Denoise, console: Console) -> int: ...
"""

from __future__ import annotations

import inspect
import os
import sys
import traceback
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from pellucid import fields, values
from pellucid.cli import show
from pellucid.fields import OptionField

USAGE = 2
EXPECTED = (ArithmeticError, ImportError, MemoryError, OSError, TypeError, ValueError)
"""errors whose text is written for the user; any other is named by its type as well"""


SEVERAL = ("--reference", "--set", "--mask")
"""flags that take several values, as a shell writes a wildcard"""


@dataclass(frozen=True, kw_only=True)
class Console:
    """How a verb talks."""

    json: bool = fields.option(False)
    """Print JSON: an object for one input, a list for several."""
    debug: bool = fields.option(False)
    """Show the traceback of errors."""


def spread(verb: Callable[..., int], *, without: Sequence[str] = ()) -> Callable[..., None]:
    """The verb as a command: records among its parameters become options, what it returns the exit code.

    What a record refuses is wrong usage: one line on stderr and exit code 2, with ``--debug`` a traceback.

    Args:
        verb: a function whose parameters are arguments of Typer and dataclasses of fields.
        without: fields that this verb does not offer.
    """
    hints = typing.get_type_hints(verb, include_extras=True)
    records = {name: kind for name, kind in hints.items() if is_dataclass(kind) and isinstance(kind, type)}
    offered = {
        name: [f for f in fields.options(kind) if f.option.cli and f.name not in without]
        for name, kind in records.items()
    }

    def command(**typed: Any) -> None:
        debug = bool(typed.get("debug"))  # before the records take what is theirs
        try:
            made = {
                name: records[name](**{f.name: _value(f, typed.pop(f.name)) for f in offered[name]})
                for name in records
            }
        except (ValueError, TypeError) as error:
            if debug:
                traceback.print_exc(file=sys.stderr)
            show.error(str(error))
            raise typer.Exit(USAGE) from None
        raise typer.Exit(verb(**typed, **made))

    flags = {f"`{f.name}`": flag_of(f) for found in offered.values() for f in found}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(verb).parameters.items():
        if name in records:
            parameters += [_parameter(f, flags) for f in offered[name]]
        else:
            parameters.append(parameter.replace(annotation=hints[name], kind=parameter.KEYWORD_ONLY))
    parameters.sort(key=lambda p: p.default is not inspect.Parameter.empty)
    command.__name__, command.__doc__ = verb.__name__, verb.__doc__
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command


def flag_of(field: OptionField) -> str:
    """The flag of a field.

    >>> from pellucid.request import Denoise
    >>> [flag_of(f) for f in fields.options(Denoise) if f.name == "data_range"]
    ['--data-range']
    """
    return (field.option.flag or "--" + field.name.replace("_", "-")).split(",")[0]


def _parameter(field: OptionField, names: Mapping[str, str]) -> inspect.Parameter:
    """A field as a parameter of Typer; names of fields in its help become flags."""
    help = field.help
    for name, flag in names.items():
        help = help.replace(name, flag)
    if field.option.flag == "":
        argument = typer.Argument(metavar=field.option.metavar, help=help)
        return inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[_kind(field.type), argument]
        )
    flags = (field.option.flag or "--" + field.name.replace("_", "-")).split(",")
    if field.type is bool and field.default is True:
        flags = [f"{flags[0]}/--no-{flags[0].removeprefix('--')}"]
    several = _several(field)
    kind = list[_kind(field.type)] if several else _kind(field.type)  # type: ignore[misc]
    choices = field.option.allowed()
    shown = typer.Option(
        *flags,
        metavar=field.option.metavar or ("|".join(choices) or None),
        help=help,
        show_default=field.default not in (None, MISSING, "", ()) and field.type is not bool,
    )
    default = inspect.Parameter.empty if field.default is MISSING else field.default
    if default is not inspect.Parameter.empty and (several or default is None):
        kind, default = kind | None, None
    elif isinstance(default, tuple):
        default = ",".join(f"{item:g}" if isinstance(item, float) else str(item) for item in default)
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, shown]
    )


def _several(field: OptionField) -> bool:
    """Whether a flag may be given several times, or with several values."""
    return "..." in (field.option.metavar or "") or _is_mapping(field.type)


def _is_mapping(hint: Any) -> bool:
    return any(typing.get_origin(part) is Mapping for part in _parts(hint))


def _parts(hint: Any) -> list[Any]:
    """What a type admits besides None."""
    parts = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return [part for part in parts if part is not type(None)]


def _kind(hint: Any) -> Any:
    """The type in which the parser reads a field: paths and numbers as such, all else as text."""
    found = _parts(hint)
    if found == [Any]:  # a picture, of which the command line knows the file
        return Path
    if len(found) == 1 and typing.get_origin(found[0]) is tuple and Path in typing.get_args(found[0]):
        return Path
    return found[0] if len(found) == 1 and found[0] in (bool, int, float, Path) else str


def _value(field: OptionField, typed: Any) -> Any:
    """What was typed, as the field wants it."""
    if typed is None or typed == []:
        return None if field.default is MISSING else field.default
    if _is_mapping(field.type):
        return values.assignments(typed)
    if isinstance(typed, list):
        return tuple(typed)
    listed = isinstance(typed, str) and any(typing.get_origin(part) is tuple for part in _parts(field.type))
    return values.convert(field.name, field.type, typed) if listed else typed


def _named_like_an_option(word: str) -> bool:
    """Whether a word that begins with a dash is a picture of that name: no option has an ending."""
    return word.startswith("-") and "=" not in word and bool(Path(word).suffix) and Path(word).is_file()


def repeated(arguments: Sequence[str]) -> list[str]:
    """Repeat such a flag before each of its values, which is how the parser wants it; -photo.png is a file.

    >>> repeated(["denoise", "a.png", "--reference", "x.png", "y.png", "--json"])
    ['denoise', 'a.png', '--reference', 'x.png', '--reference', 'y.png', '--json']
    """
    arguments = [f".{os.sep}{word}" if _named_like_an_option(word) else word for word in arguments]
    result: list[str] = []
    flag: str | None = None
    fresh = False
    for position, argument in enumerate(arguments):
        if argument == "--":
            return [*result, *arguments[position:]]
        if argument in SEVERAL:
            flag, fresh = argument, True
        elif argument.startswith("-") and len(argument) > 1:
            flag = None
        elif flag is not None and not fresh:
            result.append(flag)
        else:
            fresh = False
        result.append(argument)
    return result
