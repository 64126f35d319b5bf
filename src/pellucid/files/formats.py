"""Which format a file has: by its first bytes when read, by its name when written."""

from __future__ import annotations

import os
from pathlib import Path

from pellucid import checks

FORMATS = ("png", "jpeg", "bmp", "tiff", "npy")

SUFFIXES: dict[str, str] = {
    ".png": "png",
    ".apng": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".bmp": "bmp",
    ".dib": "bmp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".btf": "tiff",
    ".tf8": "tiff",
    ".npy": "npy",
}

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\x93NUMPY", "npy"),
)

# Formats that are recognised, to say what they are.
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GIF8", "GIF"),
    (8, b"WEBP", "WebP"),
    (4, b"ftyp", "HEIF, AVIF or video"),
    (4, b"jP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (4, b"JXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"%PDF", "PDF"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\x89HDF", "HDF5"),
    (0, b"PK\x03\x04", "ZIP (NPZ, Zarr or an office document)"),
    (128, b"DICM", "DICOM"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"ZISRAWFILE", "Zeiss CZI"),
    (0, b"\xda\xce\xbe\x0a", "Nikon ND2"),
    (0, b"\x70\0\0\0", "Leica LIF"),
    (0, b"<?xml", "XML (SVG or metadata)"),
    (0, b"<svg", "SVG"),
)


def of_content(head: bytes) -> str:
    """The format that the first bytes (132 are enough) of a file tell.

    Raises:
        ValueError: when there are none, or they are of no format that pellucid reads.

    >>> of_content(b"BM....")
    'bmp'
    """
    if not head:
        raise ValueError("the file is empty (0 bytes). Copy or save it again.")
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    kind = next((name for at, magic, name in _OTHERS if head[at : at + len(magic)] == magic), None)
    got = f"a {kind} file" if kind else f"a file that starts with the bytes {head[:8].hex(' ')}"
    raise ValueError(
        f"the file must be a PNG, JPEG, BMP, TIFF or NPY image, got {got}. Convert it to PNG or TIFF."
    )


def of_name(path: str | os.PathLike[str]) -> str | None:
    """The format that the extension of a file name tells, or None.

    >>> of_name("scan.ome.tif"), of_name("scan")
    ('tiff', None)
    """
    return SUFFIXES.get(Path(path).suffix.lower())


def of_output(path: str | os.PathLike[str], source: str, format: str | None = None) -> str:
    """The format to write: ``format``, else by the extension, else that of the source, lossless.

    Args:
        path: where to.
        source: format of the picture read ("array" for an array).
        format: the user's wish.

    Raises:
        ValueError: for an unknown format or extension.

    >>> of_output("clean.jpg", "png"), of_output("clean", "jpeg"), of_output("clean.jpg", "jpeg", "png")
    ('jpeg', 'png', 'png')
    """
    if format is not None:
        wish = format.lower().removeprefix(".")
        return checks.one_of("format", SUFFIXES.get(f".{wish}", wish), FORMATS)
    named = of_name(path)
    if named is not None:
        return named
    if Path(path).suffix:
        raise ValueError(
            f"output must end in {', '.join(SUFFIXES)}, or its format be given; got {os.fspath(path)}. "
            "Choose an extension that pellucid writes."
        )
    return lossless(source)


def lossless(source: str) -> str:
    """The format for a picture read from ``source`` when nobody chose one: the same, PNG for JPEG, NPY for an
    array.

    >>> lossless("jpeg"), lossless("tiff")
    ('png', 'tiff')
    """
    return {"jpeg": "png", "array": "npy"}.get(source, source)
