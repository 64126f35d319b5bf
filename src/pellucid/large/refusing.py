"""What a store cannot be asked: all that needs the whole picture at once, each with one line."""

from __future__ import annotations

from pathlib import Path

from pellucid.request import Denoise, Output, stated
from pellucid.steps import Method

WHOLE = {
    "shots": "shots are laid on each other whole",
    "noise_region": "the noise is measured on a sample of all of it",
    "near_clean": "it is made of the whole picture",
    "adapt": "a model is fitted to a whole picture",
    "mask": "a mask is as large as the whole picture",
    "guide": "a guide is as large as the whole picture",
    "initial": "it is of a fit to a whole picture",
    "warm_start": "a fit is to a whole picture",
    "keep_brightness": "the mean of a channel is that of the whole picture",
    "tile": "the regions are chosen by the memory",
    "stop": "methods that iterate see the whole picture",
    "iterations": "methods that iterate see the whole picture",
    "seconds": "methods that iterate see the whole picture",
}
BESIDE = ("reference", "report", "uncertainty")


def options(request: Denoise, output: Output) -> None:
    """Refuse what was asked for and needs the whole picture.

    Raises:
        ValueError: naming it.
    """
    for name in stated(request):
        if name in WHOLE:
            raise ValueError(f"{name} does not apply region by region: {WHOLE[name]}. Leave it out.")
    if isinstance(request.sigma, str | Path) or getattr(request.sigma, "ndim", 0) > 1:
        raise ValueError("sigma must be one level, or one per channel, region by region. Leave the map out.")
    for name in BESIDE:
        if getattr(output, name):
            raise ValueError(
                f"{name} does not apply region by region: it is of whole pictures. Leave it out."
            )


def method(method: Method, request: Denoise) -> None:
    """Refuse a method that cannot work region by region.

    Raises:
        ValueError: naming it, and what can.
    """
    tiling = method.tiling
    local = tiling.kind != "whole" or tiling.reach > 0
    if method.iterative or not local or (method.takes_shots and method.needs == "shots of a scene"):
        why = "is fitted to the picture" if method.iterative else "must see the whole picture"
        raise ValueError(
            f"{method.name} {why}, and this is done region by region. Choose another method, e.g. bm3d, or "
            "one trained on such pictures (--model)."
        )
