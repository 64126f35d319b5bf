"""TIFF: every kind we promise, written by tifffile and Pillow, read back by tifffile."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as Pillow

from pellucid.files import from_array, read, to_array, write
from pellucid.image import Image

rng = np.random.default_rng(0)
INTEGERS = ["uint8", "uint16", "uint32", "int8", "int16", "int32"]
DTYPES = [*INTEGERS, "float16", "float32", "float64"]


def values(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    if np.dtype(dtype).kind == "f":
        return rng.random(shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def there_and_back(folder: Path, array: np.ndarray, **options: Any) -> tuple[Image, tifffile.TiffFile]:
    """Write with tifffile, read and write with us, and check pixels, axes and tags with tifffile."""
    source, out = folder / "in.tif", folder / "out.tif"
    tifffile.imwrite(source, array, **options)
    image = read(source)
    write(image, out)
    with tifffile.TiffFile(source) as a, tifffile.TiffFile(out) as b:
        first, second = a.series[0], b.series[0]
        got = second.asarray()
        assert got.dtype == first.dtype
        assert got.tobytes() == first.asarray().tobytes()
        assert (second.axes, second.shape, second.kind) == (first.axes, first.shape, first.kind)
        assert len(b.pages) == max(len(a.pages), len(b.pages))
        for name in (
            "photometric",
            "planarconfig",
            "extrasamples",
            "tile",
            "is_tiled",
            "predictor",
            "compression",
        ):
            assert getattr(b.pages.first, name) == getattr(a.pages.first, name), name
        assert (a.byteorder, a.is_bigtiff) == (b.byteorder, b.is_bigtiff)
    again = read(out)
    np.testing.assert_array_equal(to_array(again), to_array(image))
    assert (again.scale, again.color, again.dtype) == (image.scale, image.color, image.dtype)
    return image, b


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", ["gray", "pages", "rgb", "rgba", "planar rgb", "channels", "gray alpha"])
def test_every_type_and_layout_comes_back_bit_for_bit(tmp_path: Path, dtype: str, layout: str) -> None:
    shape, options, color, channels, slices = {
        "gray": ((7, 9), {}, False, 1, 1),
        "pages": ((4, 7, 9), {"photometric": "minisblack"}, False, 1, 4),
        "rgb": ((7, 9, 3), {"photometric": "rgb"}, True, 3, 1),
        "rgba": ((7, 9, 4), {"photometric": "rgb", "extrasamples": ["unassalpha"]}, True, 3, 1),
        "planar rgb": ((3, 7, 9), {"photometric": "rgb", "planarconfig": "separate"}, True, 3, 1),
        "channels": ((7, 9, 5), {"photometric": "minisblack", "planarconfig": "contig"}, False, 5, 1),
        "gray alpha": (
            (7, 9, 2),
            {"photometric": "minisblack", "planarconfig": "contig", "extrasamples": ["assocalpha"]},
            False,
            1,
            1,
        ),
    }[layout]
    image, _ = there_and_back(tmp_path, values(dtype, shape), metadata=None, **options)
    assert image.color == color
    assert image.pixels.shape == (slices, channels, 7, 9)
    assert (image.alpha is not None) == (layout in ("rgba", "gray alpha"))


@pytest.mark.parametrize("compression", ["lzw", "zlib", "adobe_deflate", "zstd", "packbits", "lzma"])
@pytest.mark.parametrize("layout", [{}, {"tile": (16, 32)}, {"rowsperstrip": 5}])
def test_compression_and_layout_are_kept(tmp_path: Path, compression: str, layout: dict[str, Any]) -> None:
    there_and_back(
        tmp_path,
        values("uint16", (4, 40, 50)),
        photometric="minisblack",
        compression=compression,
        metadata=None,
        **layout,
    )


@pytest.mark.parametrize(
    ("dtype", "predictor"), [("uint8", 2), ("uint16", 2), ("float32", 3), ("float64", 3)]
)
def test_predictors_are_kept(tmp_path: Path, dtype: str, predictor: int) -> None:
    there_and_back(
        tmp_path, values(dtype, (40, 50, 3)), compression="zlib", predictor=predictor, photometric="rgb"
    )


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
@given(data=st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_byte_order_and_big_tiff_are_kept(
    tmp_path: Path, byteorder: str, bigtiff: bool, data: st.DataObject
) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=5))
    array = data.draw(hnp.arrays("uint16", shape))
    there_and_back(tmp_path, array, byteorder=byteorder, bigtiff=bigtiff, photometric="minisblack")


@pytest.mark.parametrize("compression", ["jpeg", "webp", "jpeg2000", "jpegxl", "lerc"])
def test_codes_that_may_lose_detail_are_read_and_written_with_deflate(
    tmp_path: Path, compression: str
) -> None:
    array = values("uint8", (32, 48, 3))
    tifffile.imwrite(tmp_path / "a.tif", array, compression=compression, photometric="rgb")
    image = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(to_array(image), tifffile.imread(tmp_path / "a.tif"))
    notes = write(image, tmp_path / "b.tif")
    assert "deflate" in notes[0]
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), to_array(image))


def test_imagej_hyperstack_keeps_everything(tmp_path: Path) -> None:
    array = rng.integers(0, 4096, (2, 3, 4, 16, 18), dtype=np.uint16)
    metadata = {
        "axes": "TZCYX",
        "spacing": 3.25,
        "unit": "um",
        "finterval": 0.5,
        "Labels": [f"plane {i}" for i in range(24)],
        "Info": "taken on a Tuesday\nwith µ",
        "Ranges": (0.0, 4095.0) * 4,
        "LUTs": [np.tile(np.arange(256, dtype=np.uint8), (3, 1))] * 4,
        "mode": "composite",
    }
    image, _ = there_and_back(tmp_path, array, imagej=True, resolution=(2.5, 7.5), metadata=metadata)
    assert (image.axes, image.shape, image.color, image.scale) == ("TZCYX", array.shape, False, 4095.0)
    assert image.pixels.shape == (6, 4, 16, 18)
    np.testing.assert_allclose(image.pixels[1 * 3 + 2, 3], array[1, 2, 3] / 4095, atol=1e-7)
    changed = image.with_pixels(image.pixels * np.float32(0.5))
    write(changed, tmp_path / "changed.tif")
    with tifffile.TiffFile(tmp_path / "in.tif") as a, tifffile.TiffFile(tmp_path / "changed.tif") as b:
        assert b.is_imagej
        assert str(b.imagej_metadata) == str(a.imagej_metadata)
        assert b.pages.first.tags[282].value == a.pages.first.tags[282].value == (5, 2)
        assert b.pages.first.tags[283].value == (15, 2)
        np.testing.assert_array_equal(b.series[0].asarray(), np.rint(array * 0.5).astype(np.uint16))


def test_imagej_virtual_stack_of_one_page_is_read_whole(tmp_path: Path) -> None:
    array = values("uint8", (5, 16, 18))
    tifffile.imwrite(tmp_path / "a.tif", array, imagej=True, metadata={"axes": "ZYX"})
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages.first
        end = page.offset + 2 + 12 * len(page.tags)
    data[end : end + 4] = bytes(4)  # no further page: ImageJ finds the planes behind the first one
    (tmp_path / "b.tif").write_bytes(data)
    image = read(tmp_path / "b.tif")
    assert image.shape == (5, 16, 18)
    write(image, tmp_path / "c.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "c.tif"), array)


def test_imagej_lookup_table_is_no_palette(tmp_path: Path) -> None:
    array = values("uint8", (16, 18))
    green = np.zeros((3, 256), np.uint16)
    green[1] = np.arange(256) * 257
    tifffile.imwrite(tmp_path / "a.tif", array, imagej=True, photometric="palette", colormap=green)
    image = read(tmp_path / "a.tif")
    assert image.pixels.shape == (1, 1, 16, 18)
    write(image, tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        np.testing.assert_array_equal(file.pages.first.colormap, green)
        np.testing.assert_array_equal(file.asarray(), array)


def test_ome_keeps_its_xml_and_names_its_own_file(tmp_path: Path) -> None:
    array = rng.integers(0, 1000, (2, 3, 4, 16, 18), dtype=np.uint16)
    metadata = {
        "axes": "TCZYX",
        "PhysicalSizeX": 0.1,
        "PhysicalSizeXUnit": "µm",
        "Channel": {"Name": ["DAPI", "GFP", "<RFP>"]},
        "SignificantBits": 12,
    }
    image, _ = there_and_back(tmp_path, array, ome=True, metadata=metadata)
    assert (image.axes, image.scale, image.color) == ("TCZYX", 4095.0, False)
    assert image.pixels.shape == (8, 3, 16, 18)
    np.testing.assert_allclose(image.pixels[1 * 4 + 3, 2], array[1, 2, 3] / 4095, atol=1e-7)
    with tifffile.TiffFile(tmp_path / "in.tif") as a, tifffile.TiffFile(tmp_path / "out.tif") as b:
        assert b.ome_metadata == a.ome_metadata
    with tifffile.TiffFile(tmp_path / "in.tif", mode="r+") as file:  # as Bio-Formats writes it
        xml = re.sub(
            r"<TiffData ([^>]*)/>",
            r'<TiffData \1><UUID FileName="in.tif">urn:uuid:1</UUID></TiffData>',
            file.ome_metadata,
        )
        xml = re.sub(r'UUID="urn:uuid:[^"]*"', 'UUID="urn:uuid:1"', xml)
        file.pages.first.tags[270].overwrite(xml.encode())
    write(read(tmp_path / "in.tif"), tmp_path / "clean & new.tif")
    with tifffile.TiffFile(tmp_path / "clean & new.tif") as file:
        assert 'FileName="clean &amp; new.tif"' in file.ome_metadata
        assert "in.tif" not in file.ome_metadata
        np.testing.assert_array_equal(file.asarray(), array)


def test_ome_planes_stored_in_another_order_go_back_where_they_were(tmp_path: Path) -> None:
    array = values("uint16", (3, 16, 18))
    tifffile.imwrite(tmp_path / "a.tif", array, ome=True, metadata={"axes": "ZYX"})
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        planes = "".join(
            f'<TiffData FirstZ="{z}" IFD="{i}" PlaneCount="1"/>' for z, i in enumerate((2, 0, 1))
        )
        xml = re.sub(r"<TiffData[^>]*/>", planes, file.ome_metadata)
        file.pages.first.tags[270].overwrite(xml.encode())
    image = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(to_array(image), array[[2, 0, 1]])
    write(image, tmp_path / "b.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), array[[2, 0, 1]])
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        np.testing.assert_array_equal(file.pages.get(0).asarray(), array[0])


def test_part_of_a_larger_ome_set_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", values("uint8", (2, 8, 8)), ome=True, metadata={"axes": "ZYX"})
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        parts = "".join(
            f'<TiffData FirstZ="{z}" IFD="0"><UUID FileName="{n}">urn:uuid:{z}</UUID></TiffData>'
            for z, n in enumerate(("a.tif", "b.tif"))
        )
        xml = re.sub(r"<TiffData[^>]*/>", parts, file.ome_metadata)
        file.pages.first.tags[270].overwrite(xml.encode())
    with pytest.raises(ValueError, match="several files"):
        read(tmp_path / "a.tif")


def test_tags_of_every_page_are_kept(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif", byteorder=">") as writer:
        for i in range(3):
            writer.write(
                values("uint16", (8, 9)),
                metadata=None,
                description=f"page {i}",
                software="scanner",
                datetime="2024:02:03 04:05:06",
                resolution=((300, 1), (301, 1)),
                resolutionunit="INCH",
                iccprofile=b"profile",
                extratags=[
                    (274, "H", 1, 6, True),
                    (700, "B", 4, b"<x/>", True),
                    (33550, "d", 3, (1.5, 2.5, 0.0), True),
                    (51123, "s", 0, f'{{"page": {i}}}', True),
                ],
            )
    image = read(tmp_path / "a.tif")
    assert image.metadata["dpi"] == (300.0, 301.0)
    assert image.metadata["icc"] == b"profile"
    write(image.with_pixels(image.pixels * 0), tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as a, tifffile.TiffFile(tmp_path / "b.tif") as b:
        for i in range(3):
            first, second = a.pages.get(i, aspage=True).tags, b.pages.get(i, aspage=True).tags
            for code in (270, 274, 282, 283, 296, 305, 306, 700, 33550, 34675, 51123):
                assert second[code].value == first[code].value, code
        assert b.pages.get(2, aspage=True).description == "page 2"
        assert not b.asarray().any()


def exif_file(path: Path) -> None:
    block = Pillow.Exif()
    block[271], block[272], block[274] = "Maker", "Model", 8
    block.get_ifd(0x8769).update({36867: "2024:02:03 04:05:06", 33434: 0.01, 37500: b"note" * 20})
    block.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 30.0)})
    array = values("uint8", (8, 9, 3))
    if path.suffix != ".tif":
        Pillow.fromarray(array).save(path, exif=block)
        return
    Pillow.fromarray(array).save(path.with_suffix(".jpg"), exif=block)  # Pillow writes no GPS table into TIFF
    write(read(path.with_suffix(".jpg")), path)


@pytest.mark.parametrize("suffix", [".tif", ".jpg", ".png"])
def test_exif_goes_into_tiff_and_out_again(tmp_path: Path, suffix: str) -> None:
    exif_file(tmp_path / f"a{suffix}")
    image = read(tmp_path / f"a{suffix}")
    for name in ("b.tif", "b.png", "b.jpg"):
        write(image, tmp_path / name)
        with Pillow.open(tmp_path / name) as picture:
            found = picture.getexif()
            assert (found[271], found[272], found[274]) == ("Maker", "Model", 8)
            assert found.get_ifd(0x8769)[36867] == "2024:02:03 04:05:06"
            assert float(found.get_ifd(0x8769)[33434]) == pytest.approx(0.01)
            assert found.get_ifd(0x8769)[37500] == b"note" * 20
            assert found.get_ifd(0x8825)[2] == (48.0, 51.0, 30.0)
    write(read(tmp_path / "b.tif"), tmp_path / "c.tif")
    with Pillow.open(tmp_path / "c.tif") as picture:
        assert picture.getexif().get_ifd(0x8825)[2] == (48.0, 51.0, 30.0)


def test_bilevel_is_expanded(tmp_path: Path) -> None:
    bilevel = rng.integers(0, 2, (9, 11)).astype(bool)
    Pillow.fromarray(bilevel).save(tmp_path / "a.tif", compression="group4")
    image = read(tmp_path / "a.tif")
    assert "1-bit" in image.notes[0]
    np.testing.assert_array_equal(to_array(image), bilevel * 255)
    write(image, tmp_path / "b.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), bilevel * 255)


def test_12_bit_files_are_read_as_12_bit(tmp_path: Path) -> None:
    array = rng.integers(0, 1000, (8, 10), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", array, bitspersample=12)
    image = read(tmp_path / "a.tif")
    assert image.scale == 4095
    assert "12-bit" in image.notes[0]
    write(image, tmp_path / "b.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), array)


@pytest.mark.parametrize("step", [257, 256, 1])
def test_palettes_are_expanded(tmp_path: Path, step: int) -> None:
    colormap = (rng.integers(0, 256, (3, 256)) * step).astype(np.uint16)
    indices = values("uint8", (7, 9))
    tifffile.imwrite(tmp_path / "a.tif", indices, photometric="palette", colormap=colormap, metadata=None)
    image = read(tmp_path / "a.tif")
    assert "palette" in image.notes[0]
    colours = np.moveaxis(colormap[:, indices], 0, -1)
    expected = colours // step if step > 1 else colours
    np.testing.assert_array_equal(to_array(image), expected)
    assert image.dtype == ("uint8" if step > 1 else "uint16")
    write(image, tmp_path / "b.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), expected)


def test_cmyk_and_miniswhite_keep_their_meaning(tmp_path: Path) -> None:
    image, _ = there_and_back(tmp_path, values("uint8", (7, 9, 4)), photometric="separated", metadata=None)
    assert (image.color, image.pixels.shape) == (False, (1, 4, 7, 9))
    there_and_back(tmp_path, values("uint8", (7, 9)), photometric="miniswhite", metadata=None)


@pytest.mark.parametrize("photometric", ["cielab", "cfa"])
def test_other_colour_models_are_refused(tmp_path: Path, photometric: str) -> None:
    shape = (8, 8, 3) if photometric == "cielab" else (8, 8)
    tifffile.imwrite(tmp_path / "a.tif", values("uint8", shape), photometric=photometric)
    with pytest.raises(ValueError, match=f"photometric {photometric.upper()}"):
        read(tmp_path / "a.tif")


def test_pages_of_different_size_are_refused_but_a_thumbnail_is_left_out(tmp_path: Path) -> None:
    for kind, name in ((0, "a.tif"), (1, "b.tif")):
        with tifffile.TiffWriter(tmp_path / name) as writer:
            writer.write(values("uint8", (32, 32)), metadata=None)
            writer.write(values("uint8", (8, 8)), metadata=None, subfiletype=kind)
    with pytest.raises(ValueError, match=r"got 2 of different size or kind \(32x32, 8x8\)"):
        read(tmp_path / "a.tif")
    image = read(tmp_path / "b.tif")
    assert image.shape == (32, 32)
    assert "thumbnail" in image.notes[0]


def test_complex_and_other_types_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 5), np.complex64))
    with pytest.raises(TypeError, match=r"a\.tif: pixels must be integers or floats.*complex64"):
        read(tmp_path / "a.tif")


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8), np.uint8), compression="zlib")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        file.pages.first.tags[256].overwrite(200_000)
        file.pages.first.tags[257].overwrite(200_000)
    with pytest.raises(ValueError, match="at most 500,000,000"):
        read(tmp_path / "a.tif")


@pytest.mark.parametrize("axes", ["YX", "QYX", "CYX", "TCYX", "YXS", "SYX", "QYXS"])
def test_arrays_become_tiff_files_that_name_their_axes(tmp_path: Path, axes: str) -> None:
    sizes = {"Y": 7, "X": 9, "C": 5, "S": 3, "Q": 4, "T": 2}
    array = values("uint16", tuple(sizes[a] for a in axes))
    place = axes.find("S") if "S" in axes else axes.find("C")
    image = from_array(array, channel_axis=place if place >= 0 else None)
    write(image, tmp_path / "a.tif")
    back = read(tmp_path / "a.tif")
    assert back.color == image.color
    np.testing.assert_array_equal(back.pixels, image.pixels)
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "a.tif"), np.moveaxis(array, 0, -1) if axes == "SYX" else array
    )


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_colours_multiplied_by_alpha_never_exceed_it(tmp_path: Path, dtype: str) -> None:
    top = 1 if dtype == "float32" else np.iinfo(dtype).max
    alpha = np.linspace(0, 1, 20)[None, :, None] * np.ones((16, 1, 1))
    colours = np.random.default_rng(0).random((16, 20, 3)) * alpha
    array = (np.concatenate([colours, alpha], -1) * top).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", extrasamples=["assocalpha"])
    image = read(tmp_path / "a.tif")
    write(image.with_pixels(image.pixels + np.float32(0.3)), tmp_path / "b.tif")
    got = tifffile.imread(tmp_path / "b.tif")
    assert (got[..., :3] <= got[..., 3:]).all()
    assert np.array_equal(got[..., 3], array[..., 3])
    assert (got[..., :3] >= array[..., :3]).all()
    if dtype != "float32":  # PNG wants colours as they are
        write(image, tmp_path / "b.png")
        straight = to_array(read(tmp_path / "b.png")).astype(float)
        seen = straight[..., :3] * straight[..., 3:] / top
        assert np.abs(seen - array[..., :3])[array[..., 3] > 0].max() <= 1


def test_the_largest_value_that_a_file_declares_is_kept_to(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 3000, (16, 20), dtype=np.uint16)
    for declared, limit in ((4095, 4095), (16383, 16383), (3000, 65535)):
        tifffile.imwrite(tmp_path / "a.tif", array, extratags=[(281, "H", 1, declared, True)])
        image = read(tmp_path / "a.tif")
        assert round(image.limits[1] * image.scale) == limit
        write(image.with_pixels(image.pixels + 99), tmp_path / "b.tif")
        assert tifffile.imread(tmp_path / "b.tif").max() == limit
