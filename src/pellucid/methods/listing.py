"""What a list of the methods says, read from the source of their records; importing them takes seconds."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pellucid import methods


@dataclass(frozen=True)
class Listed:
    """The fields of a `pellucid.steps.Method` that a list shows; they mean the same.

    Attributes:
        name: what the user types.
        title: one line.
        needs: what kind of data it wants.
        cost: what a 512x512 colour image costs, in words.
        denoises: whether it is for noise.
        trained: whether it is trained on many images.
        restores: what it undoes beside noise.
    """

    name: str
    title: str
    needs: str
    cost: str
    denoises: bool
    trained: bool
    restores: tuple[str, ...]


def listed(name: str) -> Listed:
    """A method of pellucid's own table.

    Where the source is not there, or its record is not written out in literals, the method is loaded, which
    takes longer and says the same.

    >>> listed("nlm").needs
    'one image'
    """
    return of_source(name) or of_record(name)


def of_record(name: str) -> Listed:
    """The method, loaded."""
    method = methods.load(name)
    return Listed(
        method.name,
        method.title,
        method.needs,
        method.cost,
        method.denoises,
        method.learning is not None,
        tuple(method.restores),
    )


def of_source(name: str) -> Listed | None:
    """The method as its source says, or None where that cannot be read."""
    module, attribute = methods.METHODS[name].split(":")
    given = _records(module).get(attribute)
    if given is None:
        return None
    try:
        restores = given["restores"].keys if "restores" in given else []
        learning = given.get("learning", ast.Constant(None))
        return Listed(
            name=_literal(given["name"]),
            title=_literal(given["title"]),
            needs=_literal(given["needs"]),
            cost=_literal(given.get("cost", ast.Constant(""))),
            denoises=_literal(given.get("denoises", ast.Constant(True))),
            trained=not (isinstance(learning, ast.Constant) and learning.value is None),
            restores=tuple(map(_literal, restores)),
        )
    except (KeyError, ValueError, AttributeError):
        return None


@cache
def _records(module: str) -> dict[str, dict[str, Any]]:
    """The arguments of every `NAME = Method(...)` at the top of a module, as syntax, by NAME."""
    spec = find_spec(module)  # loads the packages above the module, which are empty
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        return {}
    try:
        tree = ast.parse(Path(spec.origin).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return {}
    found = {}
    for line in tree.body:
        if (
            isinstance(line, ast.Assign)
            and isinstance(line.targets[0], ast.Name)
            and isinstance(line.value, ast.Call)
            and isinstance(line.value.func, ast.Name)
            and line.value.func.id == "Method"
        ):
            found[line.targets[0].id] = {part.arg: part.value for part in line.value.keywords if part.arg}
    return found


def _literal(node: ast.expr) -> Any:
    return ast.literal_eval(node)
