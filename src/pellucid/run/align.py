"""align: the shots of a scene in register, and their average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pellucid import shots
from pellucid.image import Image
from pellucid.run.state import State


def align(state: State) -> State:
    """Lay every shot on the first, at its brightness; what works on one picture gets their average.

    Raises:
        ValueError: when a shot shows another scene or lies too far off.
    """
    aligned = shots.align(state.shots, _names(state.images))
    return replace(
        state,
        shots=aligned.shots,
        aligned=aligned,
        noisy=aligned.average(),
        notes=(*state.notes, *aligned.warnings),
    )


def _names(images: Sequence[Image]) -> list[str] | None:
    """What to call the shots in messages; arrays are all called alike, and are numbered."""
    names = [image.name for image in images]
    return names if len(set(names)) == len(names) else None
