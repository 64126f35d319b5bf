"""The Image of integers as one of floats, which are neither rounded nor cut off when they are written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pellucid.files.tiff_tags import Pages
from pellucid.image import Image


def as_floats(image: Image) -> Image:
    """The same picture in the same units, to be stored as float32; what is stored as floats stays as it is.

    >>> from pellucid.files import from_array, to_array
    >>> counts = from_array(np.array([[0, 1], [2, 1]], np.uint16))
    >>> to_array(as_floats(counts).with_pixels(counts.pixels / 2)).round(2).tolist()
    [[0.0, 0.5], [1.0, 0.5]]
    """
    if np.dtype(image.dtype).kind == "f":
        return image
    metadata = dict(image.metadata)
    if "exact" in metadata:
        metadata["exact"] = metadata["exact"].astype(np.float32)
    pages = metadata.get("tiff.pages")
    if isinstance(pages, Pages) and pages.predictor == 2:
        metadata["tiff.pages"] = replace(pages, predictor=3)  # the second is for integers
    alpha = None if image.alpha is None else image.alpha.astype(np.float32)
    return replace(image, dtype="float32", bits=None, alpha=alpha, metadata=metadata)
