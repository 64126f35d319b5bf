"""Formats that need an extra: files by their own libraries come back with their heads, bits and signs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from format_samples import GRAY, PROFILE, RGB, RGBA, SHAPE, TWELVE, XMP, exif, through_pillow

from pellucid.files import TABLE, enlarged, from_array, read, to_array, write
from pellucid.files.raw import WAYS
from pellucid.files.sheet import orientation_of, turned
from pellucid.request import Output
from pellucid.request.picture import Output as Written

rng = np.random.default_rng(0)
SIGNED = (TWELVE[..., 0].astype(np.int32) - 2048).astype(np.int16)


def saved(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


# HEIC, by pillow-heif


def heic(array: np.ndarray, **options: Any) -> bytes:
    import pillow_heif

    samples = array.shape[-1] if array.ndim == 3 else 1
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[samples] + ";16" * (array.dtype == np.uint16)
    held = pillow_heif.from_bytes(mode, array.shape[1::-1], array.tobytes())
    if "icc" in options:
        held.info.update(icc_profile=options.pop("icc"), icc_profile_type="prof")
    buffer = io.BytesIO()
    held.save(buffer, quality=-1, chroma="444", **options)
    return buffer.getvalue()


def test_heic_comes_back_as_png_with_its_metadata_and_pixels_as_they_are_shown(tmp_path: Path) -> None:
    block = exif(6).tobytes()
    path = saved(tmp_path / "a.heic", heic(RGB, matrix_coefficients=0, exif=block, xmp=XMP))
    image = read(path)
    assert image.format == "heic"
    shown = turned(RGB, 6)  # libheif turns what is to be turned
    assert np.array_equal(to_array(image), shown)
    assert orientation_of(image.metadata["exif"]) == 1
    write(image, tmp_path / "b.png")
    again = read(tmp_path / "b.png")
    assert np.array_equal(to_array(again), shown)
    assert b"Maker" in again.metadata["exif"]
    assert again.metadata["xmp"] == XMP


def test_heic_of_ten_bits_and_alpha(tmp_path: Path) -> None:
    deep = (TWELVE // 4) << 6
    image = read(saved(tmp_path / "a.heic", heic(deep, matrix_coefficients=0)))
    assert (image.dtype, image.bits, image.scale) == ("uint16", 10, 1023.0)
    assert np.array_equal(to_array(image), TWELVE // 4)
    notes = write(image, tmp_path / "b.heic")
    assert any("quality 95" in note for note in notes)
    again = read(tmp_path / "b.heic")
    assert again.bits == 10
    image = read(saved(tmp_path / "c.heic", heic(RGBA, matrix_coefficients=0)))
    assert image.alpha is not None
    with pytest.raises(ValueError, match="at most 10 bits, not 16"):
        write(from_array(np.full((8, 8), 65535, np.uint16)), tmp_path / "d.heic")


def test_heic_is_written_as_near_as_a_jpeg_with_profile(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(64), np.arange(48)).astype(np.uint8)
    smooth = np.dstack([smooth, smooth[::-1], smooth[:, ::-1]])
    data = through_pillow(smooth, "PNG", icc_profile=PROFILE, exif=exif(6))
    image = read(saved(tmp_path / "a.png", data))
    write(image, tmp_path / "b.heic")
    again = read(tmp_path / "b.heic")
    assert again.metadata["icc"] == PROFILE
    shown = turned(smooth, 6).astype(int)
    assert np.abs(to_array(again).astype(int) - shown).max() <= 4


def test_heic_names_further_pictures(tmp_path: Path) -> None:
    import pillow_heif

    held = pillow_heif.from_bytes("RGB", SHAPE[::-1], RGB.tobytes())
    held.add_frombytes("RGB", SHAPE[::-1], RGB[::-1].tobytes())
    buffer = io.BytesIO()
    held.save(buffer)
    image = read(saved(tmp_path / "a.heic", buffer.getvalue()))
    assert any("1 further picture" in note for note in image.notes)


# FITS, by astropy


def test_fits_keeps_header_scale_blank_coordinates_and_other_parts(tmp_path: Path) -> None:
    from astropy.io import fits

    header = fits.Header()
    header["BSCALE"], header["BZERO"], header["BLANK"] = 0.5, 100.0, -32768
    header["CRPIX1"], header["CRVAL1"], header["CDELT1"], header["CTYPE1"] = 5.0, 12.5, 0.1, "RA---TAN"
    values = SIGNED.copy()
    values[3, 4] = -32768
    part = fits.PrimaryHDU(header=header, do_not_scale_image_data=True)
    part.data = values
    for key in ("BSCALE", "BZERO", "BLANK"):
        part.header[key] = header[key]
    table = fits.BinTableHDU.from_columns([fits.Column("flux", "D", array=np.arange(4.0))], name="STARS")
    part.add_checksum()
    fits.HDUList([part, table]).writeto(tmp_path / "a.fits")
    image = read(tmp_path / "a.fits")
    assert image.format == "fits"
    assert np.array_equal(to_array(image), values)
    assert image.holes is not None
    assert image.holes.sum() == 1
    assert any("BSCALE = 0.5" in note for note in image.notes)
    assert any("other parts of the file are kept: STARS" in note for note in image.notes)
    write(image.with_pixels(image.pixels[..., ::-1, :]), tmp_path / "b.fits")
    with fits.open(tmp_path / "b.fits") as parts, fits.open(tmp_path / "a.fits") as before:
        for key in ("BSCALE", "BLANK", "CRPIX1", "CRVAL1", "CDELT1", "CTYPE1"):
            assert parts[0].header.get(key, before[0].header.get(key)) == before[0].header.get(key)
        assert "CHECKSUM" not in parts[0].header
        assert np.isnan(parts[0].data[3, 4])
        expected = before[0].data[::-1].copy()
        seen = ~np.isnan(parts[0].data) & ~np.isnan(expected)
        assert np.array_equal(parts[0].data[seen], expected[seen])
        assert parts[1].data["flux"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
def test_fits_of_every_type_and_number_of_axes(tmp_path: Path, dtype: str) -> None:
    from astropy.io import fits

    values = (rng.random((3, 9, 11)) * 200).astype(dtype)
    fits.PrimaryHDU(values).writeto(tmp_path / "a.fits")
    image = read(tmp_path / "a.fits")
    assert (image.dtype, image.axes) == (dtype, "QYX")
    assert np.array_equal(to_array(image), values)
    write(image, tmp_path / "b.fits")
    with fits.open(tmp_path / "b.fits") as parts:
        assert parts[0].data.dtype.newbyteorder("=").name == dtype
        assert np.array_equal(parts[0].data, values)
    write(image, tmp_path / "c.tif")
    assert np.array_equal(tifffile.imread(tmp_path / "c.tif"), values)


def test_fits_after_an_empty_first_part_or_compressed(tmp_path: Path) -> None:
    from astropy.io import fits

    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(SIGNED, name="SCI")]).writeto(tmp_path / "a.fits")
    image = read(tmp_path / "a.fits")
    assert np.array_equal(to_array(image), SIGNED)
    write(image, tmp_path / "b.fits")
    with fits.open(tmp_path / "b.fits") as parts:
        assert [part.name for part in parts] == ["PRIMARY", "SCI"]
        assert np.array_equal(parts["SCI"].data, SIGNED)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(SIGNED, compression_type="RICE_1")]).writeto(
        tmp_path / "c.fits.fz"
    )
    image = read(tmp_path / "c.fits.fz")
    assert np.array_equal(to_array(image), SIGNED)
    write(image, tmp_path / "d.fits")
    with fits.open(tmp_path / "d.fits") as parts:
        assert np.array_equal(parts[1].data, SIGNED)
    fits.PrimaryHDU().writeto(tmp_path / "e.fits")
    with pytest.raises(ValueError, match=r"must hold a picture of at least two axes"):
        read(tmp_path / "e.fits")


def test_enlarged_fits_keeps_its_coordinates(tmp_path: Path) -> None:
    from astropy.io import fits
    from astropy.wcs import WCS

    header = fits.Header()
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN", "DEC--TAN"
    header["CRPIX1"], header["CRPIX2"], header["CRVAL1"], header["CRVAL2"] = 5.0, 7.0, 10.0, 20.0
    header["CDELT1"], header["CDELT2"] = -0.01, 0.01
    fits.PrimaryHDU(SIGNED, header).writeto(tmp_path / "a.fits")
    image = read(tmp_path / "a.fits")
    large = enlarged(image, image.pixels.repeat(2, -1).repeat(2, -2), 2)
    write(large, tmp_path / "b.fits")
    before = WCS(fits.getheader(tmp_path / "a.fits"))
    after = WCS(fits.getheader(tmp_path / "b.fits"))
    # The middle of pixel 3 (counted from 0) is the corner of four, 6 and 7.
    assert np.allclose(after.pixel_to_world_values(6.5, 8.5), before.pixel_to_world_values(3, 4))


# MRC, by mrcfile


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "float16", "float32"])
def test_mrc_of_every_type_keeps_its_head(tmp_path: Path, dtype: str) -> None:
    import mrcfile

    values = (rng.random((3, 9, 11)) * 100 - (0 if dtype[0] == "u" else 50)).astype(dtype)
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(values)
        file.voxel_size = 1.37
        file.add_label("a label")
        file.header.exttyp = b"MRCO"
        file.set_extended_header(np.arange(8, dtype="i4").view("V4"))
    image = read(tmp_path / "a.mrc")
    assert (image.dtype, image.axes, image.format) == (dtype, "ZYX", "mrc")
    assert np.array_equal(to_array(image), values)
    write(image.with_pixels(image.pixels * np.float32(0.5)), tmp_path / "b.mrc")
    words = io.StringIO()
    assert mrcfile.validate(tmp_path / "b.mrc", print_file=words), words.getvalue()
    with mrcfile.open(tmp_path / "b.mrc") as file:
        assert file.voxel_size.x == pytest.approx(1.37)
        assert b"a label" in file.header.label[1] or b"a label" in b"".join(file.header.label)
        assert file.data.dtype == dtype
        assert np.allclose(file.data, values * 0.5, atol=0.51 if dtype[0] in "iu" else 0.05)
        assert file.header.dmax == pytest.approx(file.data.max(), rel=1e-3)
    write(from_array(values), tmp_path / "c.mrc")
    with mrcfile.open(tmp_path / "c.mrc") as file:
        assert np.array_equal(file.data, values)
    short = saved(tmp_path / "d.mrc", (tmp_path / "a.mrc").read_bytes()[:1100])
    with pytest.raises(ValueError, match=r"d\.mrc: the MRC data are damaged"):
        read(short)


# DICOM, by pydicom


def dicom(array: np.ndarray, *, stored: int = 12, **more: Any) -> bytes:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    held = FileDataset("a.dcm", {}, file_meta=meta, preamble=bytes(128))
    held.SOPClassUID, held.SOPInstanceUID = CTImageStorage, "1.2.3.4"
    held.StudyInstanceUID, held.SeriesInstanceUID = "1.2.3", "1.2.3.5"
    held.Modality, held.PatientName, held.ImageType = "CT", "Nobody", ["ORIGINAL", "PRIMARY", "AXIAL"]
    colour = array.ndim == 3 and array.shape[-1] == 3
    held.Rows, held.Columns = array.shape[-3:-1] if colour else array.shape[-2:]
    if array.ndim == 3 and not colour:
        held.NumberOfFrames = len(array)
    held.SamplesPerPixel = 3 if colour else 1
    held.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        held.PlanarConfiguration = 0
    bits = 8 * array.dtype.itemsize
    held.BitsAllocated, held.BitsStored, held.HighBit = bits, min(stored, bits), min(stored, bits) - 1
    held.PixelRepresentation = int(array.dtype.kind == "i")
    for key, value in more.items():
        setattr(held, key, value)
    held.PixelData = array.tobytes()
    held["PixelData"].VR = "OW" if bits > 8 else "OB"
    buffer = io.BytesIO()
    held.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_dicom_keeps_its_meaning_and_says_what_it_is(tmp_path: Path) -> None:
    import pydicom

    more = {"RescaleSlope": 2.0, "RescaleIntercept": -1024.0, "PixelPaddingValue": -2000, "WindowCenter": 40}
    values = SIGNED.copy()
    values[0, 0] = -2000
    image = read(saved(tmp_path / "a.dcm", dicom(values, **more)))
    assert (image.format, image.dtype, image.bits) == ("dicom", "int16", 12)
    assert np.array_equal(to_array(image), values)
    assert image.holes is not None
    assert image.holes[0, 0, 0]
    brighter = image.with_pixels(image.pixels + np.float32(0.9))  # 12 bits must stay 12 bits
    notes = write(brighter, tmp_path / "b.dcm")
    assert any("derived" in note for note in notes)
    held = pydicom.dcmread(tmp_path / "b.dcm")
    assert held.pixel_array.max() == 2047
    assert held.pixel_array[0, 0] == -2000
    assert (held.RescaleSlope, held.RescaleIntercept, held.WindowCenter, held.BitsStored) == (
        2,
        -1024,
        40,
        12,
    )
    assert list(held.ImageType) == ["DERIVED", "PRIMARY", "AXIAL"]
    assert "pellucid" in held.DerivationDescription
    assert held.SOPInstanceUID == held.file_meta.MediaStorageSOPInstanceUID != "1.2.3.4"
    assert held.SeriesInstanceUID != "1.2.3.5"
    assert held.StudyInstanceUID == "1.2.3"
    assert held.SourceImageSequence[0].ReferencedSOPInstanceUID == "1.2.3.4"
    assert held.PatientName == "Nobody"


def test_slices_of_a_dicom_series_stay_one_series(tmp_path: Path) -> None:
    import pydicom

    series, names = set(), set()
    for number in range(2):
        data = dicom(SIGNED, SOPInstanceUID=f"1.2.3.4.{number}")
        write(read(saved(tmp_path / "a.dcm", data)), tmp_path / "b.dcm")
        held = pydicom.dcmread(tmp_path / "b.dcm")
        series.add(held.SeriesInstanceUID)
        names.add(held.SOPInstanceUID)
    assert (len(series), len(names)) == (1, 2)


def test_dicom_frames_colours_and_compressed_ones(tmp_path: Path) -> None:
    import pydicom
    from pydicom.uid import RLELossless

    for array in (np.stack([SIGNED, SIGNED[::-1]]), RGB):
        image = read(saved(tmp_path / "a.dcm", dicom(array, stored=16)))
        assert np.array_equal(to_array(image), array)
        assert image.color == (array is RGB)
        write(image, tmp_path / "b.dcm")
        assert np.array_equal(pydicom.dcmread(tmp_path / "b.dcm").pixel_array, array)
    held = pydicom.dcmread(io.BytesIO(dicom(SIGNED)))
    held.compress(RLELossless, generate_instance_uid=False)
    held.save_as(tmp_path / "c.dcm", enforce_file_format=True)
    write(read(tmp_path / "c.dcm"), tmp_path / "d.dcm")
    assert np.array_equal(pydicom.dcmread(tmp_path / "d.dcm").pixel_array, SIGNED)
    with pytest.raises(ValueError, match="DICOM cannot hold a picture that did not come from a DICOM file"):
        write(from_array(GRAY), tmp_path / "e.dcm")


# RAW, a DNG by tifffile


def dng(path: Path, mosaic: np.ndarray, *, black: tuple[int, ...] = (512,) * 4, white: int = 4095) -> Path:
    byte, text, short, ratio, signed = 1, 2, 3, 5, 10
    matrix = (3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.2040, 1.0570)
    numbers = [n for value in matrix for n in (round(value * 10_000), 10_000)]
    tags = [
        (50706, byte, 4, bytes([1, 4, 0, 0]), True),
        (50708, text, 0, "A camera", True),
        (33421, short, 2, (2, 2), True),
        (33422, byte, 4, bytes([0, 1, 1, 2]), True),
        (50713, short, 2, (2, 2), True),
        (50714, short, 4, black, True),
        (50717, short, 1, white, True),
        (50721, signed, 9, tuple(numbers), True),
        (50728, ratio, 3, (1, 1, 1, 1, 1, 1), True),
        (50778, short, 1, 21, True),
        (271, text, 0, "Maker", True),
        (272, text, 0, "Camera", True),
        (274, short, 1, 6, True),
    ]
    tifffile.imwrite(path, mosaic, photometric=32803, metadata=None, extratags=tags, subfiletype=0)
    return path


def scene(sigma: float = 0.0, black: tuple[int, ...] = (512,) * 4) -> np.ndarray:
    """Two halves of one colour each, seen through red, green, green, blue."""
    mosaic = np.zeros((96, 128))
    for place, (level, low) in enumerate(zip((800, 1500, 1500, 2500), black, strict=True)):
        mosaic[place // 2 :: 2, place % 2 :: 2] = level + low
    mosaic[:, 64:] -= 300
    noisy = mosaic + np.random.default_rng(0).normal(0, sigma, mosaic.shape)
    return np.rint(noisy).astype(np.uint16)


@pytest.mark.parametrize("black", [(512,) * 4, (500, 520, 512, 540)])
def test_a_raw_mosaic_is_read_as_stored_and_developed(tmp_path: Path, black: tuple[int, ...]) -> None:
    import rawpy

    clean = scene(black=black)
    image = read(dng(tmp_path / "a.dng", clean, black=black))
    assert (image.format, image.axes, image.metadata["mosaic"]) == ("raw", "YX", True)
    assert image.scale == 4095
    write(image, tmp_path / "m.tif", raw="mosaic")
    assert np.array_equal(tifffile.imread(tmp_path / "m.tif"), clean)
    with rawpy.imread(str(tmp_path / "a.dng")) as held:
        expected = held.postprocess(
            output_bps=16, use_camera_wb=True, no_auto_bright=True, gamma=(1, 1), user_flip=0
        )
    write(image, tmp_path / "l.tif", raw="linear")
    linear = read(tmp_path / "l.tif")
    assert np.array_equal(to_array(linear), expected)
    assert orientation_of(linear.metadata["exif"]) == 6  # said, and not done
    assert b"Maker" in linear.metadata["exif"]
    assert "icc" not in linear.metadata
    write(image, tmp_path / "d.tif")
    developed = read(tmp_path / "d.tif")
    assert developed.dtype == "uint16"
    assert developed.metadata["icc"]
    # The curve of sRGB lies between both.
    shown = expected[48, 20].astype(float) / 65535
    curve = np.where(shown > 0.0031308, 1.055 * shown ** (1 / 2.4) - 0.055, 12.92 * shown)
    assert to_array(developed)[48, 20] / 65535 == pytest.approx(curve, abs=0.01)


def test_noise_is_taken_off_the_mosaic_before_it_is_developed(tmp_path: Path) -> None:
    import pellucid

    image = read(dng(tmp_path / "a.tif", scene(60)))  # whatever its name
    assert image.format == "raw"
    result = pellucid.denoise(image, return_result=True)
    assert "mosaic" in result.reason
    write(image.with_pixels(result.estimate), tmp_path / "b.tif", raw="linear")
    write(image, tmp_path / "c.tif", raw="linear")
    write(read(dng(tmp_path / "d.dng", scene())), tmp_path / "e.tif", raw="linear")
    ours, noisy, clean = (tifffile.imread(tmp_path / f"{name}.tif").astype(float) for name in "bce")
    assert np.std(ours - clean) < 0.5 * np.std(noisy - clean)
    with pytest.raises(ValueError, match="is the mosaic of a camera"):
        pellucid.upscale(image, 2)


def test_ways_to_write_a_mosaic_are_those_of_the_option() -> None:
    for way in WAYS:
        assert Written(out=Path("a.tif"), raw=way).raw == way
    with pytest.raises(ValueError, match="raw must be one of"):
        Output(out=Path("a.tif"), raw="jpeg")


# Microscopes: nothing writes their files but, for CZI, a library of Zeiss that is not installed everywhere


def test_czi_is_read_with_its_axes_and_written_as_ome_tiff(tmp_path: Path) -> None:
    czi = pytest.importorskip("pylibCZIrw.czi")
    planes = rng.integers(0, 4096, (2, 40, 48)).astype(np.uint16)
    with czi.create_czi(str(tmp_path / "a.czi")) as file:
        for channel, plane in enumerate(planes):
            file.write(data=plane[..., None], plane={"C": channel})
        file.write_metadata(scale_x=0.2e-6, scale_y=0.2e-6)
    image = read(tmp_path / "a.czi")
    assert (image.format, image.axes) == ("micrograph", "CYX")
    assert np.array_equal(to_array(image), planes)
    write(image, tmp_path / "b.ome.tif")
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as file:
        assert file.is_ome
        assert file.series[0].axes == "CYX"
        assert np.array_equal(file.asarray(), planes)
        assert 'PhysicalSizeX="0.2' in file.ome_metadata


def test_axes_and_sizes_of_micrographs_go_into_ome(tmp_path: Path) -> None:
    from pellucid.files.micrograph import _stored
    from pellucid.files.stored import to_image

    array = rng.integers(0, 4096, (1, 2, 3, 20, 24)).astype(np.uint16)
    stored = _stored(array, "TCZYX", {"X": 0.2, "Y": 0.2, "Z": 0.5})
    image = to_image(stored, format="micrograph", name="a.czi", data_range=None)
    write(image, tmp_path / "a.ome.tif")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert np.array_equal(np.squeeze(file.asarray()), array[0])
        assert file.series[0].axes == "CZYX"
        assert 'PhysicalSizeZ="0.5"' in file.ome_metadata


@pytest.mark.filterwarnings("ignore:SubBlockDirectory")
@pytest.mark.parametrize(
    ("head", "package"),
    [(b"ZISRAWFILE", "czifile"), (b"\x70\0\0\0", "liffile"), (b"\xda\xce\xbe\x0a", "nd2")],
)
def test_damaged_micrographs_and_missing_packages(
    tmp_path: Path, monkeypatch: Any, head: bytes, package: str
) -> None:
    path = saved(tmp_path / "a.bin", head + bytes(400))
    with pytest.raises(ValueError, match=r"a\.bin: the (CZI|LIF|ND2) data are damaged"):
        read(path)
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(ImportError, match=rf"needs {package}.*pip install 'pellucid\[microscopes\]'"):
        read(path)


@pytest.mark.parametrize(
    "name", [name for name, format in TABLE.items() if format.extra and format.needs_all]
)
def test_a_missing_extra_is_named_when_the_file_is_there(monkeypatch: Any, name: str) -> None:
    from pellucid import extras

    for package in extras.PACKAGES[TABLE[name].extra]:
        monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(
        ImportError, match=rf"{TABLE[name].title} files needs .*pellucid\[{TABLE[name].extra}\]"
    ):
        TABLE[name].load()
