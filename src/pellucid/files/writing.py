"""Write an Image: the same kind of file comes back, or the one that the name asks for if it can hold it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid import checks
from pellucid.files import formats
from pellucid.files.arrays import to_array
from pellucid.files.replace import replaced
from pellucid.files.stored import to_slices
from pellucid.image import Image

# Shared metadata keys that each format can hold.
HOLDS: dict[str, frozenset[str]] = {
    "png": frozenset(("icc", "exif", "xmp", "dpi", "comment")),
    "jpeg": frozenset(("icc", "exif", "xmp", "dpi", "comment")),
    "tiff": frozenset(("icc", "exif", "xmp", "dpi")),
    "bmp": frozenset(("dpi",)),
    "npy": frozenset(),
}
NAMES = {"icc": "colour profile", "exif": "EXIF", "xmp": "XMP", "dpi": "resolution", "comment": "comment"}


def write(
    image: Image,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    quality: int = 95,
    overwrite: bool = True,
) -> tuple[str, ...]:
    """Write an Image, rounded and clipped to its stored type; the file appears whole or not at all.

    Args:
        image: what to write.
        path: where to; the extension chooses the format. Without one, the format it was read from (PNG for
            JPEG).
        format: "png", "jpeg", "bmp", "tiff" or "npy", whatever the extension says.
        quality: of JPEG, 95 to 100.
        overwrite: whether a file of that name may be replaced.

    Returns:
        notes for the user: what the format cannot hold, or loses.

    Raises:
        ValueError: when the format cannot hold the picture, naming formats that can; for a bad format or
            quality.
        OSError: FileExistsError, FileNotFoundError (no such folder), PermissionError, no space left …, naming
            the path.
    """
    checks.in_range("quality", quality, 95, 100)
    try:
        chosen = formats.of_output(path, image.format, format)
        array, notes = _fit(image, chosen)
        with replaced(path, overwrite=overwrite) as file, _encoding(chosen):
            notes += _encode(file, image, array, chosen, int(quality), Path(path).name)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return notes + _lost(image, chosen)


@contextmanager
def _encoding(format: str) -> Iterator[None]:
    """Whatever a library refuses (a size, too long a block) becomes a ValueError; a failing disk does not."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        words = " ".join(str(error).split())[:200]
        raise ValueError(
            f"{format.upper()} cannot hold this picture ({type(error).__name__}: {words}). "
            "Write it as TIFF or NPY."
        ) from error


def _fit(image: Image, format: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """The array as the format wants it, or an error that names the formats that hold it."""
    array = to_array(image)
    if format in ("tiff", "npy"):
        return array, ()
    slices, channels = image.pixels.shape[:2]
    types = ("uint8", "uint16") if format == "png" else ("uint8",)
    wrong = None
    if slices > 1:
        wrong = f"a stack of {slices} slices"
    elif image.dtype not in types:
        wrong = f"{image.dtype} pixels"
    elif channels not in (1, 3) or (channels == 3 and not image.color):
        wrong = f"{channels} channels that are no display colours"
    if wrong is None:
        plane = _samples_last(array, image)
        if image.alpha is None or format == "png" or (format == "bmp" and channels == 3):
            return plane, ()
        if (image.alpha == np.iinfo(image.alpha.dtype).max).all():
            return plane[..., :channels].squeeze(-1) if channels == 1 else plane[..., :3], (
                f"alpha is opaque everywhere and was left out, because {format.upper()} holds none here.",
            )
        wrong = "alpha"
    fitting = "PNG, TIFF or NPY" if _png_holds(image) else "TIFF or NPY"
    raise ValueError(f"{format.upper()} cannot hold {wrong}. Write it as {fitting}.")


def _png_holds(image: Image) -> bool:
    slices, channels = image.pixels.shape[:2]
    return (
        slices == 1
        and image.dtype in ("uint8", "uint16")
        and (channels == 1 or (channels == 3 and image.color))
    )


def _samples_last(array: NDArray[Any], image: Image) -> NDArray[Any]:
    """One picture as (H, W) or (H, W, S), alpha last."""
    plane = np.moveaxis(to_slices(array, image.axes)[0], 0, -1)
    index = image.metadata.get("alpha.index")
    if image.alpha is not None and index is not None:
        plane = np.concatenate([np.delete(plane, index, axis=-1), plane[..., index : index + 1]], axis=-1)
    plane = plane.astype(plane.dtype.newbyteorder("="), copy=False)
    if image.metadata.get("alpha.premultiplied"):
        plane = _straight(plane)
    result: NDArray[Any] = (plane[..., 0] if plane.shape[-1] == 1 else plane).copy(order="C")
    return result


def _straight(plane: NDArray[Any]) -> NDArray[Any]:
    """Integers (H, W, S), alpha last, whose colours were multiplied by it, as other formats want them."""
    top = np.iinfo(plane.dtype).max
    colours, alpha = plane[..., :-1].astype(np.float64), plane[..., -1:].astype(np.float64)
    whole = np.rint(np.clip(colours * top / np.maximum(alpha, 1), 0, top)).astype(plane.dtype)
    return np.concatenate([whole, plane[..., -1:]], axis=-1)


def _encode(
    file: BinaryIO, image: Image, array: NDArray[Any], format: str, quality: int, name: str
) -> tuple[str, ...]:
    metadata: Mapping[str, Any] = image.metadata
    if format == "tiff":
        return _encode_tiff(file, image, array, name)
    if format == "npy":
        from pellucid.files import npy

        npy.write(file, array, order=metadata.get("npy.order", "C"))
    elif format == "png":
        from pellucid.files import png

        file.write(png.encode(array, metadata))
    elif format == "bmp":
        from pellucid.files import bmp

        file.write(bmp.encode(array, metadata))
    else:
        from pellucid.files import jpeg

        jpeg.write(file, array, metadata, quality=quality)
        return (f"JPEG loses detail: written at quality {quality} without chroma subsampling (4:4:4).",)
    return ()


def _encode_tiff(file: BinaryIO, image: Image, array: NDArray[Any], name: str) -> tuple[str, ...]:
    from pellucid.files import tiff_write

    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    pages = image.metadata.get("tiff.pages")
    if pages is not None:
        return tiff_write.write_like(file, native, pages, name)
    return tiff_write.write_fresh(
        file,
        native,
        image.axes,
        color=image.color,
        alpha=image.alpha is not None,
        metadata=image.metadata,
    )


def _lost(image: Image, format: str) -> tuple[str, ...]:
    """What the picture carried and the format cannot hold."""
    if format == image.format:
        return ()
    lost = [NAMES[key] for key in NAMES if key in image.metadata and key not in HOLDS[format]]
    common = {"iCCP", "eXIf", "pHYs"}
    groups = image.metadata.get("png.chunks", ())
    lost += sorted({kind for group in groups for kind, _ in group} - common)
    if "tiff.pages" in image.metadata and any(image.metadata["tiff.pages"].tags):
        lost.append("TIFF tags")
    if not lost:
        return ()
    return (f"{format.upper()} cannot hold everything: {', '.join(lost)} left out.",)
