"""What a run refuses before anything is run, so that a slip of the pen is no folder full of skipped cells."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches

from pellucid import checks, fields, methods
from pellucid.bench import peers
from pellucid.bench.spec import Entry, shots_of, value

PRESETS = ("fast", "paper")
"""those that all methods have; for another one the methods are asked"""


def check(
    entries: Sequence[Entry],
    *,
    preset: str,
    commands: Iterable[str] = (),
    images: Sequence[str] | None = None,
    known: Collection[str] = (),
) -> None:
    """Look at what was asked for, as far as that needs no picture.

    Args:
        entries: the methods.
        preset: of all that have presets.
        commands: "name=command {in} {out}".
        images: names of pictures, or None for all.
        known: names of the pictures of all sets that are on this machine.

    Raises:
        ValueError: for a field or preset that a method does not have, a value of another kind, a peer that is
            not one, or a picture that no set holds.
    """
    for text in commands:
        peers.parse(text)
    for name in images or ():
        if known and name not in known:
            some = ", ".join(list(known)[:3])
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"images must be names as in the rows, e.g. {some}; got {name!r}.{hint}")
    for entry in entries:
        shots_of(entry)
        for name, text in entry.arguments.items():
            value(name, text)
        if entry.kind == "method" and entry.fields:
            fields.change(methods.load(entry.name).config(), entry.fields)
    _preset(preset, [e for e in entries if e.has_preset and "preset" not in e.arguments])
    for entry in entries:
        if entry.has_preset and "preset" in entry.arguments:
            _preset(entry.arguments["preset"], [entry])


def _preset(name: str, entries: Sequence[Entry]) -> None:
    """A preset that none of the methods has; one that only some have skips the others."""
    if name in PRESETS or not entries:
        return
    there = [preset for entry in entries for preset in methods.load(entry.name).presets]
    checks.one_of("preset", name, list(dict.fromkeys(there)))
