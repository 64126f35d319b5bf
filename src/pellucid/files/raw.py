"""Camera RAW and DNG, through rawpy (LibRaw): the mosaic of the sensor, and its development after denoising.

Black is the camera's own, white too; where the four colours of the mosaic have different blacks, they are
brought to one and parted again before the development. What is no mosaic of 2 x 2 pixels (X-Trans, a linear
DNG) is developed first.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import checks
from pellucid.files.decoding import check_size, decoding
from pellucid.files.stored import Stored, stored_slices, to_image
from pellucid.image import Image

WAYS = ("developed", "linear", "mosaic")
"""what is written: a picture in sRGB, the same in linear light, or the denoised mosaic as it was stored"""
MOST = 65535


def read(path: Path, most: int) -> Stored:
    """The mosaic of a RAW file, as stored, without the margins that show nothing.

    Raises:
        ValueError: when the file is damaged, incomplete, too large or of a kind that LibRaw does not read.
    """
    import rawpy

    data = path.read_bytes()
    with decoding("RAW"), rawpy.imread(io.BytesIO(data)) as held:
        sizes = held.sizes
        check_size((sizes.raw_height, sizes.raw_width, 3), most)
        metadata = _exif(path)
        if held.raw_pattern is None or held.raw_pattern.shape != (2, 2) or held.raw_image_visible.ndim != 2:
            note = "no mosaic of 2 x 2 pixels: developed first, then denoised."
            developed = _postprocess(held, "developed", turn="exif" not in metadata)
            return Stored(array=developed, axes="YXS", color=True, metadata=metadata, notes=(note,))
        mosaic: NDArray[Any] = held.raw_image_visible.copy()
        white = int(held.white_level)
        lift = _lift(held)
        mosaic = np.minimum(mosaic.astype(np.int64) + lift, MOST).astype(np.uint16) if lift.any() else mosaic
    bits = white.bit_length()
    pattern = (
        "the mosaic of the sensor is denoised, then developed by LibRaw with the camera's white balance."
    )
    return Stored(
        array=mosaic,
        axes="YX",
        color=False,
        bits=bits if 8 < bits < 16 and int(mosaic.max()) < 2**bits else None,
        metadata=metadata | {"raw.file": data, "mosaic": True},
        notes=(pattern,),
    )


def _lift(held: Any) -> NDArray[np.int64]:
    """(H, W) what the black of a pixel's colour lies below the highest black of the four."""
    black = np.array(held.black_level_per_channel, np.int64)
    colours = held.raw_colors_visible
    found: NDArray[np.int64] = (int(black[: int(colours.max()) + 1].max()) - black)[colours]
    return found


def _exif(path: Path) -> dict[str, Any]:
    """The EXIF block of a RAW file that is built like TIFF; nothing of others."""
    import tifffile

    from pellucid.files.tiff_tags import common_metadata, raw_tags, sub_tables

    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            tables = sub_tables(file, page, [])
            found = common_metadata(raw_tags(file, page), tables, None, file.byteorder)
    except (ValueError, OSError, IndexError, KeyError, AttributeError, TypeError):
        return {}
    return {"exif": found["exif"]} if "exif" in found else {}


def developed(image: Image, way: str = "developed") -> Image:
    """The picture of a denoised mosaic: 16 bits in sRGB or linear light; or the mosaic itself.

    Args:
        image: of any file; others than mosaics stay as they are.
        way: one of `WAYS`.

    Raises:
        ValueError: for another way.
    """
    import rawpy

    checks.one_of("raw", way, WAYS)
    if "raw.file" not in image.metadata:
        return image
    exif = {key: image.metadata[key] for key in ("exif",) if key in image.metadata}
    mosaic = stored_slices(image)[0, 0]
    with decoding("RAW"), rawpy.imread(io.BytesIO(image.metadata["raw.file"])) as held:
        whole = np.clip(np.rint(mosaic) - _lift(held), 0, MOST).astype(np.uint16)
        if way == "mosaic":
            stored = Stored(array=whole, axes="YX", color=False, bits=image.bits, metadata=exif)
            return to_image(stored, format="raw", name=image.name, data_range=image.scale, nodata="none")
        held.raw_image_visible[:] = whole
        pixels = _postprocess(held, way, turn="exif" not in exif)
    metadata = exif if way == "linear" else exif | {"icc": _srgb()}
    return to_image(
        Stored(array=pixels, axes="YXS", color=True, metadata=metadata),
        format="raw",
        name=image.name,
        data_range=float(MOST),
        nodata="none",
    )


def _postprocess(held: Any, way: str, *, turn: bool) -> NDArray[np.uint16]:
    """16 bits, with the white balance of the camera, as bright as it was exposed."""
    gamma = (1.0, 1.0) if way == "linear" else (2.4, 12.92)
    pixels: NDArray[np.uint16] = held.postprocess(
        output_bps=16,
        use_camera_wb=True,
        no_auto_bright=True,
        gamma=gamma,
        user_flip=None if turn else 0,
    )
    return pixels


def _srgb() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
