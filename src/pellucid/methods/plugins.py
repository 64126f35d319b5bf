"""Methods of other installed packages, found by entry points; looking for them runs none of their code."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import entry_points

GROUP = "pellucid.methods"


@dataclass(frozen=True)
class Plugin:
    """A method that a package announces.

    Attributes:
        name: what the user types.
        target: "module:NAME" of the Method.
        package: the package and its version, e.g. "pellucid-wiener 1.0".
    """

    name: str
    target: str
    package: str


@dataclass(frozen=True)
class Found:
    """What a look at the installed packages gave.

    Attributes:
        methods: the plug-ins that can be asked for, by name.
        refused: why others are left out, one sentence by name.
    """

    methods: dict[str, Plugin]
    refused: dict[str, str]


def find(taken: Collection[str]) -> Found:
    """The plug-ins of all installed packages, read from their metadata.

    A name of pellucid's own stays pellucid's, and a name that two packages announce belongs to neither, so
    that what a command does never hangs on the order of installation.

    Args:
        taken: the names of pellucid's own methods.
    """
    announced: dict[str, list[Plugin]] = {}
    for point in entry_points(group=GROUP):
        package = f"{point.dist.name} {point.dist.version}" if point.dist else "an unnamed package"
        announced.setdefault(point.name, []).append(Plugin(point.name, point.value, package))
    methods: dict[str, Plugin] = {}
    refused: dict[str, str] = {}
    for name, plugins in sorted(announced.items()):
        packages = " and ".join(sorted(p.package for p in plugins))
        if name in taken:
            refused[name] = (
                f"method {name!r} of {packages} is left out: pellucid has a method of its own with that "
                "name. Ask its authors for another name, or uninstall it."
            )
        elif len(plugins) > 1:
            refused[name] = (
                f"method {name!r} is announced by {packages}, and belongs to neither. Uninstall one of them."
            )
        elif "," in name or "@" in name or "+" in name or ":" in name or name in ("auto", "none", "noisy"):
            refused[name] = (
                f"method {name!r} of {packages} is left out: a name must be free of the signs , @ + : and "
                "must not be auto, none or noisy. Ask its authors for another name."
            )
        else:
            methods[name] = plugins[0]
    return Found(methods, refused)
