"""The fields of a Config as people are told of them; the text under a field is its help."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import sys
import textwrap
from dataclasses import dataclass
from functools import cache
from typing import Any

from pellucid.fields.limits import Option, given


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
    for name, (field, stated) in given(kind).items():
        default = field.default
        if default is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        hint = _hint(kind, name)
        found.append(
            OptionField(name=name, type=hint, default=default, help=helps.get(name, ""), option=stated)
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
