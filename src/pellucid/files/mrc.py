"""MRC and CCP4, through mrcfile: maps, stacks and volumes of electron microscopes; the head stays.

Source of the header: Cheng et al., Journal of Structural Biology 192, 2015 (MRC2014).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid.files.decoding import check_size, decoding
from pellucid.files.sheet import Sheet
from pellucid.files.stored import Stored

HEAD = 1024
MODES = {0: "int8", 1: "int16", 2: "float32", 6: "uint16", 12: "float16"}
AXES = {2: "YX", 3: "ZYX", 4: "QZYX"}


def read(path: Path, most: int) -> Stored:
    """The content of an MRC file: 8- and 16-bit integers and floats of 16 and 32 bits, in two to four axes.

    Raises:
        ValueError: when the file is damaged, incomplete, too large, or of complex or packed numbers.
    """
    import mrcfile

    with decoding("MRC"), mrcfile.open(path, permissive=False, header_only=True) as held:
        head = held.header
        sizes = (int(head.nz), int(head.ny), int(head.nx))
        mode = int(head.mode)
        extended = int(head.nsymbt)
    if mode not in MODES:
        raise ValueError(
            f"the pixels must be of mode {', '.join(map(str, MODES))}, got {mode}. Convert the file."
        )
    check_size(sizes, most)
    with decoding("MRC"), mrcfile.open(path, permissive=False) as held:
        array: NDArray[Any] = np.array(held.data)
    with path.open("rb") as opened:
        kept = opened.read(HEAD + extended)
    return Stored(array=array, axes=AXES[array.ndim], color=False, metadata={"mrc.head": kept})


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write an array: under the head that it came with, with new statistics, or under a new head."""
    import mrcfile
    from mrcfile.dtypes import HEADER_DTYPE

    array, kept = sheet.array, sheet.metadata.get("mrc.head")
    if kept is None:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "a.mrc"
            native = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False))
            mrcfile.write(place, native)
            file.write(place.read_bytes())
        return ()
    order = ">" if array.dtype.byteorder == ">" else "<"
    head: Any = np.frombuffer(bytearray(kept[:HEAD]), HEADER_DTYPE.newbyteorder(order), 1)
    large = array.shape[-1] / head["nx"][0]
    head["nx"], head["ny"] = array.shape[-1], array.shape[-2]
    head["mx"], head["my"] = (
        head["mx"] * large,
        head["my"] * large,
    )  # an enlarged picture is as wide as it was
    head["mode"] = next(mode for mode, kind in MODES.items() if kind == array.dtype.newbyteorder("=").name)
    values = array.astype(np.float64)
    head["dmin"], head["dmax"], head["dmean"] = values.min(), values.max(), values.mean()
    head["rms"] = values.std()
    file.write(head.tobytes() + kept[HEAD:] + np.ascontiguousarray(array).tobytes())
    return ()
