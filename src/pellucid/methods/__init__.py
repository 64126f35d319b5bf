"""Methods by name: pellucid's own from the table, those of other packages by entry point."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from pellucid import checks
from pellucid.methods import plugins
from pellucid.methods.info import MethodInfo
from pellucid.methods.table import METHODS

if TYPE_CHECKING:
    from pellucid.steps import Method

__all__ = ["METHODS", "MethodInfo", "known", "load", "loaded", "names", "of_packages", "plugins", "remarks"]


def of_packages() -> plugins.Found:
    """The methods that other installed packages announce; none is loaded for it."""
    return plugins.find(METHODS)


def names() -> list[str]:
    """The methods there are: those of the table, then those of other packages; none is loaded for it."""
    return [*METHODS, *of_packages().methods]


def known(name: str, argument: str = "method", also: Sequence[str] = ()) -> str:
    """Return ``name`` when there is such a method; none is loaded for it.

    Args:
        name: what was typed.
        argument: what it was typed for, for the message.
        also: other names that may stand there, e.g. "auto".

    Raises:
        ValueError: naming the methods there are, and the nearest spelling; or why a plug-in is left out.
    """
    if name in METHODS or name in also:
        return name
    found = of_packages()
    if name in found.refused:
        raise ValueError(found.refused[name])
    return checks.one_of(argument, name, [*also, *METHODS, *found.methods])


def load(name: str) -> Method:
    """The method called ``name``.

    Raises:
        ValueError: naming the methods there are, and the nearest spelling; or the package whose method
            cannot be loaded, and why.

    >>> load("nlm").needs
    'one image'
    """
    if name not in METHODS:
        return _of_package(name)
    module, attribute = METHODS[name].target.split(":")
    method: Method = getattr(import_module(module), attribute)
    return method


def loaded() -> tuple[dict[str, Method], list[str]]:
    """All methods, and a sentence for each method of another package that cannot be loaded or used."""
    found = of_packages()
    working, complaints = {name: load(name) for name in METHODS}, list(found.refused.values())
    for name in found.methods:
        try:
            working[name] = load(name)
        except ValueError as error:
            complaints.append(str(error))
    return working, complaints


def remarks(name: str) -> tuple[str, ...]:
    """What the user of a method should know about plug-ins of that name."""
    refused = of_packages().refused
    return (refused[name],) if name in refused else ()


def _of_package(name: str) -> Method:
    plugin = of_packages().methods[known(name)]
    what = f"method {name!r} of {plugin.package} ({plugin.target})"
    try:
        module, attribute = plugin.target.split(":")
        method = getattr(import_module(module), attribute)
    except Exception as error:  # code of others may raise anything
        raise ValueError(
            f"{what} cannot be loaded: {type(error).__name__}: {error}. Update or uninstall that package."
        ) from error
    from pellucid.steps import Method  # here, so that listing loads no torch

    if not isinstance(method, Method) or method.name != name:
        named = isinstance(method, Method)
        got = f"the method {method.name!r}" if named else f"something of type {type(method).__name__}"
        raise ValueError(f"{what} must be a pellucid.Method named {name!r}, got {got}. Update that package.")
    return method
