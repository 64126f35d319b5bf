"""FITS, through astropy: the first picture of the file; its header and the other parts of the file are kept.

Stored integers are worked on; BSCALE and BZERO stay in the header, so physical values follow. BLANK is no
measurement. The world coordinates (WCS) are in the header.

Source: FITS Standard 4.0, sections 4.4 and 5.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid.files.decoding import check_size, decoding
from pellucid.files.sheet import Sheet
from pellucid.files.stored import Stored, channel_axis

SUMS = ("CHECKSUM", "DATASUM")
SIZED = ("CRPIX1", "CRPIX2")
SCALED = ("CDELT1", "CDELT2", "CD1_1", "CD1_2", "CD2_1", "CD2_2")
UNSIGNED = {16: 2**15, 32: 2**31, 64: 2**63}
"""BZERO by which FITS, which knows no unsigned integers, stores them"""


def read(path: Path, most: int) -> Stored:
    """The first picture of a FITS file, of any number of axes from two.

    Raises:
        ValueError: when the file is damaged, incomplete, too large or holds no picture.
    """
    from astropy.io import fits

    data = path.read_bytes()
    with decoding("FITS"), fits.open(io.BytesIO(data), do_not_scale_image_data=True) as parts:
        pictures = [i for i, part in enumerate(parts) if part.is_image and len(part.shape) >= 2]
        sizes = [parts[i].shape for i in pictures]
        others = [str(part.name or "PRIMARY") for i, part in enumerate(parts) if [i] != pictures[:1]]
        empty = not pictures or (0 in pictures[:1] and parts[0].size == 0)
    if empty:
        raise ValueError(
            "the FITS file must hold a picture of at least two axes, got none. Check how it was saved."
        )
    check_size(sizes[0], most)
    with decoding("FITS"), fits.open(io.BytesIO(data), do_not_scale_image_data=True) as parts:
        part = parts[pictures[0]]
        header = part.header.copy()
        array: NDArray[Any] = np.array(part.data)
    notes = []
    zero, factor = float(header.get("BZERO", 0)), float(header.get("BSCALE", 1))
    blank = header.get("BLANK")
    bits = 8 * array.dtype.itemsize
    if array.dtype.kind == "i" and factor == 1 and zero == UNSIGNED.get(bits):
        array = (array.view(f">u{bits // 8}") ^ np.array(UNSIGNED[bits], f">u{bits // 8}")).astype(
            f"u{bits // 8}"
        )
        blank = None if blank is None else blank + zero
    elif array.dtype == np.uint8 and factor == 1 and zero == -128:
        array = (array ^ np.uint8(128)).view(np.int8)
        blank = None if blank is None else blank + zero
    elif (zero, factor) != (0.0, 1.0):
        notes.append(
            f"the stored numbers are worked on; BSCALE = {factor:g} and BZERO = {zero:g} stay as they are."
        )
    if others:
        notes.append(f"other parts of the file are kept: {', '.join(others)}.")
    return Stored(
        array=array,
        axes="Q" * (array.ndim - 2) + "YX",
        color=False,
        nodata=None if blank is None else float(blank),
        metadata={"fits.file": data, "fits.part": pictures[0]},
        notes=tuple(notes),
    )


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write an array into the file that it came with, or into a new one; samples become planes."""
    from astropy.io import fits

    kept = sheet.metadata.get("fits.file")
    array = sheet.array.astype(sheet.array.dtype.newbyteorder("="), copy=False)
    if kept is None:
        place = channel_axis(sheet.image.axes)
        planes = array if place is None else np.moveaxis(array, place, -3)
        buffer = io.BytesIO()
        fits.PrimaryHDU(np.ascontiguousarray(planes)).writeto(buffer)
        file.write(buffer.getvalue())
        return ()
    with fits.open(io.BytesIO(kept), do_not_scale_image_data=True) as parts:
        index = sheet.metadata["fits.part"]
        part = parts[index]
        header = part.header.copy()
        array = _as_stored(array, header)
        for key in SUMS:
            header.remove(key, ignore_missing=True)
        _sized(header, array.shape[-1] / part.shape[-1])
        kind = fits.PrimaryHDU if index == 0 else fits.ImageHDU
        scaling = {key: header[key] for key in ("BSCALE", "BZERO", "BLANK") if key in header}
        parts[index] = kind(array, header, do_not_scale_image_data=True)
        parts[index].header.update(scaling)
        buffer = io.BytesIO()  # astropy takes no file that is open for reading, too
        parts.writeto(buffer, output_verify="silentfix")
        file.write(buffer.getvalue())
    return ()


def _as_stored(array: NDArray[Any], header: Any) -> NDArray[Any]:
    """Values of an Image as the header wants them stored; floats that were integers in physical units."""
    zero, factor = float(header.get("BZERO", 0)), float(header.get("BSCALE", 1))
    bits = 8 * array.dtype.itemsize
    if array.dtype.kind == "u" and bits > 8:
        signed: NDArray[Any] = (array ^ np.array(UNSIGNED[bits], array.dtype)).view(f"i{bits // 8}")
        return signed
    if array.dtype == np.int8:
        return array.view(np.uint8) ^ np.uint8(128)
    if array.dtype.kind == "f" and int(header["BITPIX"]) > 0:
        for key in ("BZERO", "BSCALE", "BLANK"):
            header.remove(key, ignore_missing=True)
        unsigned = factor == 1 and zero in (-128, *UNSIGNED.values())
        return array if unsigned else (array.astype(np.float64) * factor + zero).astype(array.dtype)
    return array


def _sized(header: Any, large: float) -> None:
    """World coordinates of an enlarged picture."""
    if large == 1:
        return
    for key in SIZED:
        if key in header:
            header[key] = (float(header[key]) - 0.5) * large + 0.5
    for key in SCALED:
        if key in header:
            header[key] = float(header[key]) / large
