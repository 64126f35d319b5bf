"""Files that pellucid reads, as layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def reader(path: str | list[str]) -> Callable[[Any], list[tuple[Any, dict[str, Any], str]]] | None:
    """The function that reads a path, or None where pellucid does not know its ending."""
    from pellucid import files

    paths = [path] if isinstance(path, str) else path
    return read if all(Path(one).suffix.lower() in files.SUFFIXES for one in paths) else None


def read(path: str | list[str]) -> list[tuple[Any, dict[str, Any], str]]:
    """One image layer per file: the array, its name, colours and axes."""
    from pellucid import files

    layers = []
    for one in [path] if isinstance(path, str) else path:
        image = files.read(Path(one))
        array = files.to_array(image)
        rgb = image.color and image.axes.endswith("S") and array.shape[-1] in (3, 4)
        told: dict[str, Any] = {"name": Path(one).stem, "rgb": rgb}
        letters = image.axes[: array.ndim - int(rgb)]
        if not {"Q", "I"} & set(letters) and len(set(letters)) == len(letters):
            told["axis_labels"] = tuple(letter.lower() for letter in letters)
        layers.append((array, told, "image"))
    return layers
