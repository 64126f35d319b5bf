"""`--uncertainty FILE`: the map of how unsure a method is, in the units of the input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from pellucid import files, methods
from pellucid.image import Image
from pellucid.run.settings import Settings
from pellucid.steps import Result

WRITTEN = ("tiff", "npy", "png")
"""formats that hold it: floats, or 16 bits scaled to the largest value"""


def check(settings: Settings, path: Path, outputs: int) -> None:
    """Refuse what cannot be done, before any work.

    Raises:
        ValueError: when the method gives no such map, or the name cannot be written to.
    """
    if settings.method is None or not settings.method.uncertainty:
        able = [name for name, method in methods.loaded()[0].items() if method.uncertainty]
        name = "auto" if settings.method is None else settings.method.name
        raise ValueError(
            f"--uncertainty needs a method that gives a map of it, got {name}. Name one: --method "
            f"{' or '.join(able)}."
        )
    format = files.of_name(path)
    if outputs == 1 and format not in WRITTEN:
        raise ValueError(f"--uncertainty must end in .tif, .npy or .png, got {path}. TIFF holds it exactly.")
    if outputs > 1 and format is not None:
        raise ValueError(f"--uncertainty must be a folder for {outputs} outputs, got {path}. Name a folder.")


def write(path: Path, image: Image, result: Result, *, overwrite: bool) -> tuple[str, ...]:
    """Write the map of a Result: floats as TIFF or NPY, or a PNG of 16 bits whose white is the largest value.

    Args:
        path: where to.
        image: the input, for its axes and its units.
        result: with ``uncertainty`` among its extras, one per slice for a stack.
        overwrite: whether a file of that name may be replaced.

    Returns:
        notes for the user, also where there is no map to write.
    """
    names = [name for name in result.extras if name.split(" (")[0] == "uncertainty"]
    if len(names) != len(image.pixels):
        return (f"{path.name} was not written: nothing was denoised, or it was interrupted",)
    spread = np.stack([result.extras[name] for name in names]) * np.float32(image.scale)
    plain = replace(
        image,
        pixels=spread,
        dtype="float32",
        scale=1.0,
        offset=0.0,
        bits=None,
        holes=None,
        alpha=None,
        format="array",
        metadata={},
        notes=(),
    )
    if files.of_name(path) != "png":
        return files.write(plain, path, overwrite=overwrite)
    largest = float(spread.max()) or 1.0
    notes = files.write(
        replace(plain, pixels=spread / np.float32(largest), dtype="uint16", scale=65535.0),
        path,
        overwrite=overwrite,
    )
    return (f"{path.name}: white stands for a standard deviation of {largest:.4g}", *notes)
