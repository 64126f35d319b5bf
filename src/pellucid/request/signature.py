"""The signature and the help of a verb in Python, made from its request."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING
from typing import Any, TypeVar

from pellucid.fields import options

Verb = TypeVar("Verb", bound=Callable[..., Any])
HERE = "        **options: as follows.\n"
"""the line of a docstring in whose place the help of the options goes"""


def asks(kind: type) -> Callable[[Verb], Verb]:
    """Decorate a verb that takes ``**options`` with the signature and the help of its request.

    Args:
        kind: the request; its fields that the verb does not name itself are the options.

    >>> from pellucid.request import Inspect
    >>> @asks(Inspect)
    ... def look(x, **options): ...
    >>> print(inspect.signature(look, eval_str=False).parameters["data_range"].default)
    None
    """

    def decorated(verb: Verb) -> Verb:
        signature = inspect.signature(verb)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        found = [f for f in options(kind) if f.option.python and f.name not in signature.parameters]
        more = [
            inspect.Parameter(
                f.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if f.default is MISSING else f.default,
                annotation=f.type,
            )
            for f in found
        ]
        parameters = sorted([*own, *more], key=lambda p: p.kind)
        verb.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        lines = "".join(f"        {f.name}: {f.help}\n" for f in found)
        verb.__doc__ = (verb.__doc__ or "").replace(HERE, lines)
        return verb

    return decorated
