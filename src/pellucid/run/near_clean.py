"""Near-clean images: what other methods make of the shots, and of their average, before RS-DIP begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid import methods
from pellucid.image import Image
from pellucid.networks import published
from pellucid.steps import Method, Result


@dataclass(frozen=True, kw_only=True)
class Source:
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


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Near-clean images and what to compare with.

    Attributes:
        names: who made each of the images.
        images: (K, N, C, H, W).
        average_name: who denoised the average of the shots.
        average: (N, C, H, W) the average of several shots, denoised once; None for one shot.
        warnings: what the methods had to say.
    """

    names: tuple[str, ...]
    images: Tensor
    average_name: str
    average: Tensor | None
    warnings: tuple[str, ...] = ()

    def extras(self) -> dict[str, Any]:
        """For the Result: everything as NumPy arrays in the working range."""
        return {
            "near_clean": self.images.numpy(),
            "near_clean_methods": self.names,
            "mean": self.images.mean(0).numpy(),
            "average_then_denoise": None if self.average is None else self.average.numpy(),
            "average_then_denoise_method": self.average_name,
        }


def sources(names: Sequence[str] | str, shots: int) -> tuple[Source, ...]:
    """Pair names with shots: in order, one name for all, or several for the one shot.

    Args:
        names: methods of the table or files with weights; a list, or text with commas.
        shots: how many there are.

    Raises:
        ValueError: for an unknown name, or a number of names that does not fit the shots.

    >>> [(one.name, one.shot) for one in sources("bm3d,nlm", 2)]
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
        method, model = _found(name)
        found.append(Source(name=name, method=method, model=model, shot=place if shots > 1 else 0))
    for one in found:
        if shots == 1 and not one.method.stochastic and given.count(one.name) > 1:
            raise ValueError(
                f"near_clean must name different methods for one shot, got {one.name} twice, which makes the "
                "same image twice. Name another."
            )
    return tuple(found)


def prepare(
    shots: Sequence[Image],
    average: Image,
    chosen: Sequence[Source],
    denoise: Callable[[Image, Source, int, int], Result],
) -> Prepared:
    """Denoise every shot by its method, and the average of several by the first of them.

    Args:
        shots: in register.
        average: of the shots.
        chosen: who makes what.
        denoise: runs a source on an image as `pellucid.denoise` would. It is also told which near-clean image
            is made, from 0, and of how many shots the image is the average.
    """
    results = [denoise(shots[one.shot], one, place, 1) for place, one in enumerate(chosen)]
    averaged = denoise(average, chosen[0], 0, len(shots)).estimate if len(shots) > 1 else None
    said = [f"near-clean {one.name}: {w}" for one, r in zip(chosen, results, strict=True) for w in r.warnings]
    return Prepared(
        names=tuple(one.name for one in chosen),
        images=torch.from_numpy(np.stack([result.estimate for result in results])),
        average_name=chosen[0].name,
        average=None if averaged is None else torch.from_numpy(averaged),
        warnings=tuple(dict.fromkeys(said)),
    )


def _found(name: str) -> tuple[Method, str | None]:
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
