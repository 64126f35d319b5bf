"""Small files of the formats of pictures, by other libraries than pellucid writes with, where there are.

Each sample is (array as it must be read, bytes of the file).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms

SHAPE = (24, 33)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>"
Sample = tuple[NDArray[Any], bytes]


def pixels(*more: int, high: int = 256, seed: int = 0) -> NDArray[Any]:
    """Noise on a ramp, (H, W, …)."""
    drawn = np.random.default_rng(seed).integers(0, high, (*SHAPE, *more))
    return drawn.astype(np.uint8 if high <= 256 else np.uint16)


def exif(orientation: int = 6) -> Pillow.Exif:
    """An EXIF block with a maker and an orientation."""
    block = Pillow.Exif()
    block[271] = "Maker"
    block[274] = orientation
    return block


def through_pillow(array: NDArray[Any], kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def film(kind: str, **options: Any) -> bytes:
    """Three frames, the second and third of which change a corner only."""
    frames = [Pillow.fromarray(frame) for frame in film_frames()]
    buffer = io.BytesIO()
    options |= {"duration": [100, 250, 40], "loop": 3}
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], **options)
    return buffer.getvalue()


def film_frames() -> NDArray[np.uint8]:
    """Few colours, as a GIF wants."""
    first = np.random.default_rng(0).integers(0, 4, (*SHAPE, 3)).astype(np.uint8) * 60
    frames = np.stack([first] * 3)
    frames[1, 3:9, 4:12] = (200, 10, 10)
    frames[2, 5:20, 8:30] = (10, 10, 200)
    return frames


def _netpbm(magic: str, array: NDArray[Any], top: int) -> bytes:
    height, width = array.shape[:2]
    head = f"{magic}\n# a comment\n{width} {height}\n{top}\n".encode()
    if magic in ("P2", "P3"):
        return head + " ".join(map(str, array.ravel())).encode() + b"\n"
    return head + array.astype(">u2" if top > 255 else "u1").tobytes()


def _bitmap() -> Sample:
    shown = pixels(high=2)
    head = f"P4\n{SHAPE[1]} {SHAPE[0]}\n".encode()
    return shown * np.uint8(255), head + np.packbits(1 - shown, axis=1).tobytes()


RGB, GRAY, RGBA, DEEP = pixels(3), pixels(), pixels(4), pixels(3, high=65536)
TWELVE = pixels(3, high=4096)
SIGNED = (pixels(high=4096).astype(np.int32) - 2048).astype(np.int16)
# Several of those that no other library writes with metadata come from imagecodecs, as pellucid's own do.
SAMPLES: dict[str, Callable[[], Sample]] = {
    "webp colour": lambda: (RGB, through_pillow(RGB, "WEBP", lossless=True)),
    "webp alpha": lambda: (RGBA, through_pillow(RGBA, "WEBP", lossless=True, exact=True)),
    "avif colour": lambda: (RGB, imagecodecs.avif_encode(RGB, level=100)),
    "avif 12 bits": lambda: (TWELVE, imagecodecs.avif_encode(TWELVE, level=100, bitspersample=12)),
    "avif gray 10 bits": lambda: (
        TWELVE[..., 0] // 4,
        imagecodecs.avif_encode((TWELVE[..., 0] // 4).copy(), level=100, bitspersample=10),
    ),
    "jxl colour": lambda: (RGB, imagecodecs.jpegxl_encode(RGB, lossless=True)),
    "jxl gray": lambda: (GRAY, imagecodecs.jpegxl_encode(GRAY, lossless=True)),
    "jxl deep": lambda: (DEEP, imagecodecs.jpegxl_encode(DEEP, lossless=True)),
    "jxl alpha": lambda: (RGBA, imagecodecs.jpegxl_encode(RGBA, lossless=True)),
    "jp2 colour": lambda: (RGB, through_pillow(RGB, "JPEG2000", irreversible=False)),
    "jp2 gray": lambda: (GRAY, through_pillow(GRAY, "JPEG2000", irreversible=False)),
    "jp2 deep": lambda: (
        DEEP[..., 0],
        through_pillow(np.ascontiguousarray(DEEP[..., 0]), "JPEG2000", irreversible=False),
    ),
    "jp2 12 bits": lambda: (TWELVE, imagecodecs.jpeg2k_encode(TWELVE, level=0, bitspersample=12)),
    "jp2 signed": lambda: (
        SIGNED,
        imagecodecs.jpeg2k_encode(SIGNED, level=0, bitspersample=12, codecformat="j2k"),
    ),
    "pnm gray": lambda: (GRAY, through_pillow(GRAY, "PPM")),
    "pnm colour": lambda: (RGB, through_pillow(RGB, "PPM")),
    "pnm deep colour": lambda: (DEEP, _netpbm("P6", DEEP, 65535)),
    "pnm 12 bits": lambda: (TWELVE, _netpbm("P6", TWELVE, 4095)),
    "pnm in words": lambda: (GRAY // 3, _netpbm("P2", GRAY // 3, 100)),
    "pnm bitmap": _bitmap,
    "tga colour": lambda: (RGB, through_pillow(RGB, "TGA")),
    "tga alpha, packed": lambda: (RGBA, through_pillow(RGBA, "TGA", compression="tga_rle")),
    "tga gray": lambda: (GRAY, through_pillow(GRAY, "TGA")),
    "gif": lambda: (film_frames()[0], through_pillow(film_frames()[0], "GIF")),
}

TESTED = {
    "png": "Pillow, imagecodecs",
    "jpeg": "Pillow",
    "bmp": "Pillow",
    "tiff": "tifffile",
    "npy": "NumPy",
    "slide": "tifffile",
    "webp": "Pillow",
    "avif": "imagecodecs",
    "jxl": "imagecodecs",
    "jp2": "Pillow, imagecodecs",
    "gif": "Pillow",
    "pnm": "Pillow, by hand",
    "tga": "Pillow",
    "heic": "pillow-heif",
    "raw": "tifffile (DNG)",
    "fits": "astropy",
    "mrc": "mrcfile",
    "dicom": "pydicom",
    "micrograph": "pylibCZIrw (CZI, where it is installed); LIF and ND2 untested",
}
"""who wrote the files that the reader of a format is tested with; a format that is not here is untested"""
