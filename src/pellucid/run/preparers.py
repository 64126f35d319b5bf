"""Preparers: who makes the near-clean images from which RS-DIP starts, and of which shot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pellucid import methods
from pellucid.networks import published
from pellucid.steps import Method


@dataclass(frozen=True, kw_only=True)
class Preparer:
    """Who makes a near-clean image, and of which shot.

    Attributes:
        name: as the user wrote it.
        method: the method, which runs with its fast preset.
        model: its file of weights, or None.
        shot: which shot it is given, from 0.
    """

    name: str
    method: Method
    model: str | None
    shot: int


def preparers(names: Sequence[str] | str, shots: int) -> tuple[Preparer, ...]:
    """Pair names with shots: in order, one name for all, or several for the one shot.

    Args:
        names: methods of the table or files with weights; a list, or text with commas.
        shots: how many there are.

    Raises:
        ValueError: for an unknown name, or a number of names that does not fit the shots.

    >>> [(one.name, one.shot) for one in preparers("bm3d,nlm", 2)]
    [('bm3d', 0), ('nlm', 1)]
    """
    given = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
    if shots == 1 and len(given) < 2:
        raise ValueError(
            f"near_clean needs two names for one shot, got {', '.join(given) or 'none'}. Name two methods, "
            "e.g. --near-clean bm3d,nlm, or give two shots."
        )
    if shots > 1 and len(given) == 1:
        given *= shots
    if shots > 1 and len(given) != shots:
        raise ValueError(
            f"near_clean needs one name for all shots or one for each of the {shots}, got {len(given)}: "
            f"{', '.join(given)}. Add or remove names."
        )
    found = []
    for place, name in enumerate(given):
        method, model = _preparer(name)
        found.append(Preparer(name=name, method=method, model=model, shot=place if shots > 1 else 0))
    for one in found:
        if shots == 1 and not one.method.stochastic and given.count(one.name) > 1:
            raise ValueError(
                f"near_clean must name different methods for one shot, got {one.name} twice, which makes the "
                "same image twice. Name another."
            )
    return tuple(found)


def _preparer(name: str) -> tuple[Method, str | None]:
    """The method called so, or the one whose weights lie in the file called so."""
    if name not in methods.METHODS and Path(name).is_file():
        return methods.load(type(published.load(name)).__name__.lower()), name
    method = methods.load(methods.known(name, "near_clean")).for_kind("noise")
    if method.needs_model:
        raise ValueError(f"near_clean={name} needs a file with weights. Name the file instead of the method.")
    if method.near_clean or not method.needs.startswith("one image"):
        raise ValueError(
            f"near_clean must name methods that denoise one image by themselves, got {name}, which needs "
            f"{'near-clean images itself' if method.near_clean else method.needs}. Name another, e.g. bm3d."
        )
    return method, None
