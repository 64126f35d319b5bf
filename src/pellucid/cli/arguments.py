"""Flags that take several values: ``--reference a b c``, as a shell writes a wildcard."""

from __future__ import annotations

from collections.abc import Sequence

SEVERAL = ("--reference", "--set", "--mask")


def spread(arguments: Sequence[str]) -> list[str]:
    """Repeat such a flag before each of its values, which is how the parser wants it.

    >>> spread(["denoise", "a.png", "--reference", "x.png", "y.png", "--json"])
    ['denoise', 'a.png', '--reference', 'x.png', '--reference', 'y.png', '--json']
    """
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
