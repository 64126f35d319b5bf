"""DICOM, through pydicom: stored values are worked on, rescale slope and intercept stay.

A result is another picture than its source: it has a new UID of its own and of its series, says DERIVED and
by what, and refers to where it came from (DICOM PS3.3, C.7.6.1.1.2 and C.12.4). UIDs are made of those of the
source, so that the slices of a series stay one series.
"""

from __future__ import annotations

import io
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid.files.decoding import check_size, decoding
from pellucid.files.sheet import Sheet
from pellucid.files.stored import Stored

GRAY = ("MONOCHROME1", "MONOCHROME2")
ROOT = "pellucid"


def read(path: Path, most: int) -> Stored:
    """The pixels of a DICOM file: gray or colour, one frame or several.

    Raises:
        ValueError: when the file is damaged, incomplete, too large, without pixels, or coloured by a palette.
    """
    import pydicom

    data = path.read_bytes()
    with decoding("DICOM"):
        held = pydicom.dcmread(io.BytesIO(data))
        if "PixelData" not in held:
            raise ValueError("it holds no pixels")
        kind, samples = str(held.PhotometricInterpretation), int(held.SamplesPerPixel)
        frames = int(held.get("NumberOfFrames", 1) or 1)
        size = (frames, int(held.Rows), int(held.Columns), samples)
    if kind not in GRAY and samples != 3:
        raise ValueError(f"the pixels must be gray or RGB, got DICOM {kind}. Convert the picture first.")
    check_size(size, most)
    with decoding("DICOM"):
        array: NDArray[Any] = np.array(held.pixel_array)
        bits = int(held.BitsStored)
        padding = held.get("PixelPaddingValue")
    lossy = str(held.get("LossyImageCompression", "00")) == "01"
    return Stored(
        array=array,
        axes="Q" * (frames > 1) + "YX" + "S" * (samples == 3),
        color=samples == 3,
        bits=bits if 8 < bits < 8 * array.dtype.itemsize else None,
        nodata=None if padding is None else float(padding),
        metadata={"dicom.file": data},
        notes=("the pixels were compressed with loss before.",) if lossy else (),
    )


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write the pixels into a copy of the file that they came from, uncompressed, as a derived picture."""
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian

    held = pydicom.dcmread(io.BytesIO(sheet.metadata["dicom.file"]))
    array = sheet.array.astype(sheet.array.dtype.newbyteorder("<"), copy=False)
    if array.dtype.itemsize * 8 != held.BitsAllocated:
        held.BitsAllocated = array.dtype.itemsize * 8
    _sized(held, array.shape[("S" in sheet.image.axes and -2) or -1] / int(held.Columns))
    data = np.ascontiguousarray(array).tobytes()
    held.PixelData = data + bytes(len(data) % 2)
    held["PixelData"].VR = "OB" if array.dtype.itemsize == 1 else "OW"
    held["PixelData"].is_undefined_length = False
    held.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if "S" in sheet.image.axes:
        held.PhotometricInterpretation, held.PlanarConfiguration = "RGB", 0
    for key, value in (("SmallestImagePixelValue", array.min()), ("LargestImagePixelValue", array.max())):
        if key in held:
            held[key].value = int(value)
    _derive(held)
    held.save_as(file, enforce_file_format=True)
    return ("DICOM: written as a derived picture with new UIDs, uncompressed.",)


def _sized(held: Any, large: float) -> None:
    """Rows, columns and distances of an enlarged picture."""
    if large == 1:
        return
    held.Rows, held.Columns = round(int(held.Rows) * large), round(int(held.Columns) * large)
    for key in ("PixelSpacing", "ImagerPixelSpacing"):
        if key in held:
            held[key].value = [float(v) / large for v in held[key].value]


def _derive(held: Any) -> None:
    """Say that this is made of another picture, and give it names of its own."""
    from pydicom.dataset import Dataset
    from pydicom.uid import generate_uid

    source = Dataset()
    if "SOPClassUID" in held and "SOPInstanceUID" in held:
        source.ReferencedSOPClassUID = held.SOPClassUID
        source.ReferencedSOPInstanceUID = held.SOPInstanceUID
        held.SourceImageSequence = [source]
    for key in ("SOPInstanceUID", "SeriesInstanceUID"):
        if key in held:
            held[key].value = generate_uid(entropy_srcs=[ROOT, key, str(held[key].value)])
    if "SOPInstanceUID" in held:
        held.file_meta.MediaStorageSOPInstanceUID = held.SOPInstanceUID
    kinds = [str(kind) for kind in held.get("ImageType", ["ORIGINAL", "PRIMARY"])]
    held.ImageType = ["DERIVED", *kinds[1:]]
    held.DerivationDescription = f"denoised by pellucid {metadata.version('pellucid')}"
