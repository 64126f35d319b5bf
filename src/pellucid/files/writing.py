"""Write an Image: the same kind of file comes back, or the one that the name asks for if it can hold it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pellucid import checks
from pellucid.files import formats
from pellucid.files.replace import replaced
from pellucid.files.sheet import refuse, sheet_of
from pellucid.image import Image

NAMES = {"icc": "colour profile", "exif": "EXIF", "xmp": "XMP", "dpi": "resolution", "comment": "comment"}


def write(
    image: Image,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    quality: int = 95,
    overwrite: bool = True,
    raw: str = "developed",
) -> tuple[str, ...]:
    """Write an Image, rounded and clipped to its stored type; the file appears whole or not at all.

    Args:
        image: what to write.
        path: where to; the extension chooses the format. Without one, the format it was read from (PNG for
            JPEG).
        format: the name of one that is written (`formats.FORMATS`), whatever the extension says.
        quality: of JPEG, 95 to 100.
        overwrite: whether a file of that name may be replaced.
        raw: of a camera's mosaic, what is written: "developed", "linear" or "mosaic".

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
        chosen = formats.TABLE[formats.of_output(path, image.format, format)]
        codec = chosen.load()
        if "raw.file" in image.metadata:
            image = formats.TABLE["raw"].load().developed(image, raw)
        sheet, notes = sheet_of(image, chosen, quality=int(quality), name=Path(path).name)
        with replaced(path, overwrite=overwrite) as file, _encoding(chosen.title):
            notes += codec.write(file, sheet)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return (*notes, *_lost(image, chosen))


def check(image: Image, path: str | os.PathLike[str], *, format: str | None = None) -> None:
    """Refuse, before the work, what `write` would: a bad name, or a format that cannot hold the picture.

    Raises:
        ValueError: naming formats that can.
    """
    chosen = formats.TABLE[formats.of_output(path, image.format, format)]
    try:
        refuse(image, chosen)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


@contextmanager
def _encoding(title: str) -> Iterator[None]:
    """Whatever a library refuses (a size, too long a block) becomes a ValueError; a failing disk does not."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        words = " ".join(str(error).split())[:200]
        raise ValueError(
            f"{title} cannot hold this picture ({type(error).__name__}: {words}). Write it as TIFF or NPY."
        ) from error


def _lost(image: Image, format: formats.Format) -> tuple[str, ...]:
    """What the picture carried and the format cannot hold."""
    if format.name == image.format:
        return ()
    lost = [NAMES[key] for key in NAMES if key in image.metadata and key not in format.holds]
    common = {"iCCP", "eXIf", "pHYs"}
    groups = image.metadata.get("png.chunks", ())
    lost += sorted({kind for group in groups for kind, _ in group} - common)
    if "tiff.pages" in image.metadata and any(image.metadata["tiff.pages"].tags):
        lost.append("TIFF tags")
    if not lost:
        return ()
    return (f"{format.title} cannot hold everything: {', '.join(lost)} left out.",)
