"""Read an image file, whatever its name says, or explain in one sentence why not."""

from __future__ import annotations

import os
from pathlib import Path

from pellucid.files import formats, signatures
from pellucid.files.decoding import limit
from pellucid.files.stored import to_image
from pellucid.image import Image


def read(
    path: str | os.PathLike[str],
    *,
    data_range: float | None = None,
    nodata: float | str = "auto",
    max_pixels: int | None = None,
) -> Image:
    """The picture or stack in an image file (`formats.TABLE`), with what it takes to write it back.

    Args:
        path: the file; its content decides the format, not its name.
        data_range: the stored value that white stands for; else found from the type and the values.
        nodata: the stored value of no measurement, "auto" (what the file declares or is obvious) or "none";
            NaN and infinite values always are none.
        max_pixels: how many values (pixels x channels x slices) may be decoded; default the environment
            variable PELLUCID_MAX_PIXELS, else 500 million.

    Raises:
        FileNotFoundError: when there is no such file.
        IsADirectoryError: for a folder.
        PermissionError: when the file may not be read.
        OSError: when the system fails to read it.
        MissingExtra: when the package that reads such files is not installed.
        TypeError: for bool, complex or object pixels.
        ValueError: for everything that is wrong inside the file. Every message names the path.

    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/a.npy", np.zeros((2, 3), "uint8"))
    ...     read(f"{folder}/a.npy").pixels.shape
    (1, 1, 2, 3)
    """
    file = Path(path)
    _check_file(file)
    try:
        format = signatures.of_file(file)
        stored = formats.TABLE[format].load().read(file, limit(max_pixels))  # loaded on use: codecs are slow
        image = to_image(stored, format=format, name=file.name, data_range=data_range, nodata=nodata)
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{path}: {error}") from error
    except PermissionError as error:
        raise PermissionError(f"{path} may not be read. Check its permissions.") from error
    except OSError as error:
        raise OSError(f"{path} could not be read: {error.strerror or error}. Check the disk.") from error
    named = formats.of_name(file)
    if named is not None and formats.TABLE[named].module != formats.TABLE[format].module:
        said, held = formats.TABLE[named].title, formats.TABLE[format].title
        image = image.with_notes(
            f"{file.name} is named like a {said} file but holds {held}; it was read as {held}."
        )
    return image


def _check_file(file: Path) -> None:
    try:
        if file.is_dir():
            raise IsADirectoryError(f"{file} is a folder. Give an image file, or the files in it.")
        if not file.exists():
            if file.is_symlink():
                raise FileNotFoundError(f"{file} is a link to {os.readlink(file)}, which does not exist.")
            raise FileNotFoundError(f"{file} does not exist. Check the path.")
        if not file.is_file():
            raise ValueError(f"{file} is no regular file. Give an image file.")
    except PermissionError as error:
        raise PermissionError(f"{file} may not be reached. Check the permissions of its folder.") from error
