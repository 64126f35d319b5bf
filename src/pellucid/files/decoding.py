"""What the codecs share: the size limit, and one kind of error whatever a library throws at damaged data."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

MAX_PIXELS = 500_000_000
VARIABLE = "PELLUCID_MAX_PIXELS"


def limit(max_pixels: int | None) -> int:
    """The largest number of values (pixels x channels x slices) that may be decoded.

    Args:
        max_pixels: the limit, or None for the environment variable PELLUCID_MAX_PIXELS, else 500 million.

    Raises:
        ValueError: when the limit is no positive integer.
    """
    text = os.environ.get(VARIABLE, "") if max_pixels is None else str(max_pixels)
    if not text:
        return MAX_PIXELS
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"max_pixels ({VARIABLE}) must be a positive integer, got {text!r}.")
    return int(text)


def check_size(shape: Sequence[int], most: int) -> None:
    """Raise a ValueError for no pixels, or for more than ``most`` (a decompression bomb, or a very large
    image).

    >>> check_size((4, 5, 3), 60)
    """
    count = math.prod(shape)
    size = " x ".join(map(str, shape))
    if count < 1:
        raise ValueError(f"the image holds no pixels (size {size}). Check how it was saved.")
    if count > most:
        raise ValueError(
            f"the image must hold at most {most:,} values (width x height x channels x slices), got {size} = "
            f"{count:,}. If that is right, denoise it region by region (--memory 2GB; TIFF, NPY, Zarr), or "
            f"raise max_pixels or the environment variable {VARIABLE}."
        )


@contextmanager
def decoding(kind: str) -> Iterator[None]:
    """Turn whatever a library raises on damaged data into a ValueError.

    What a library warns of or logs goes where the program that uses pellucid sends such words: to catch it
    here would mean to change the warning filters or the loggers of all threads.

    Raises:
        ValueError: saying that data of this kind are damaged or unsupported, with the library's words.

    >>> with decoding("PNG"):
    ...     {}["IHDR"]
    Traceback (most recent call last):
    ...
    ValueError: the PNG data are damaged, incomplete or of an unsupported kind (KeyError: 'IHDR'). Save ...
    """
    try:
        yield
    except Warning:
        raise  # the program has made errors of warnings
    except MemoryError as error:
        raise ValueError(f"the {kind} data do not fit into memory. Cut the image into parts.") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # the disk failed, not the data (which may lead to an invalid address)
        words = " ".join(str(error).split())[:200]
        raise ValueError(
            f"the {kind} data are damaged, incomplete or of an unsupported kind "
            f"({type(error).__name__}: {words}). Save the picture again with the program that made it."
        ) from error
