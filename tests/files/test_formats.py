"""Every format of pictures: read as another library wrote it, written back whole, read by another library."""

from __future__ import annotations

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from format_samples import (
    GRAY,
    PROFILE,
    RGB,
    RGBA,
    SAMPLES,
    TESTED,
    TWELVE,
    XMP,
    exif,
    film,
    film_frames,
    through_pillow,
)
from PIL import Image as Pillow
from PIL import ImageOps

from pellucid.files import FORMATS, TABLE, from_array, of_output, read, to_array, write
from pellucid.files.sheet import orientation_of, turned


def saved(folder: Path, kind: str, data: bytes) -> Path:
    path = folder / f"a{TABLE[kind].suffixes[0]}"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", SAMPLES)
def test_pixels_are_read_as_they_are_and_come_back_so(tmp_path: Path, name: str) -> None:
    array, data = SAMPLES[name]()
    kind = name.split()[0]
    path = saved(tmp_path, kind, data)
    image = read(path)
    assert (image.format, image.dtype) == (kind, str(array.dtype))
    assert np.array_equal(to_array(image), array)
    if "bits" in name:
        assert image.scale == 2 ** int(name.split()[-2]) - 1
    for out in {kind, TABLE[kind].back or kind, "tiff"}:
        again = tmp_path / f"out{TABLE[out].suffixes[0]}"
        write(image, again)
        back = to_array(read(again))
        if out == "webp" and array.ndim == 2:
            back = back[..., 0]
        assert back.dtype == array.dtype
        assert np.array_equal(back, array)
    if "bits" in name and TABLE[kind].back == "":
        assert read(tmp_path / f"out{TABLE[kind].suffixes[0]}").bits == image.bits


@pytest.mark.parametrize("name", SAMPLES)
def test_the_name_may_lie_and_half_a_file_is_an_error(tmp_path: Path, name: str) -> None:
    array, data = SAMPLES[name]()
    kind = name.split()[0]
    if kind != "tga":  # which nothing but the name tells
        (tmp_path / "lie.bmp").write_bytes(data)
        image = read(tmp_path / "lie.bmp")
        assert image.format == kind
        assert any("named like a BMP file" in note for note in image.notes)
        assert np.array_equal(to_array(image), array)
    short = saved(tmp_path, kind, data[: len(data) // 3])
    with pytest.raises(ValueError, match=r"damaged|incomplete") as caught:
        read(short)
    assert str(caught.value).startswith(str(short))
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="at most 100 values"):
        read(saved(tmp_path, kind, data), max_pixels=100)


@pytest.mark.parametrize("kind", ["webp", "jp2", "jxl", "avif", "png", "tiff"])
def test_profile_exif_and_xmp_go_from_a_jpeg_into_other_formats_and_back(tmp_path: Path, kind: str) -> None:
    data = through_pillow(RGB, "JPEG", icc_profile=PROFILE, exif=exif(1), xmp=XMP)
    (tmp_path / "a.jpg").write_bytes(data)
    image = read(tmp_path / "a.jpg")
    out = tmp_path / f"out{TABLE[kind].suffixes[0]}"
    notes = write(image, out)
    again = read(out)
    for key in TABLE[kind].holds & {"icc", "exif", "xmp"}:
        if key == "exif":
            assert b"Maker" in again.metadata["exif"]
        else:
            assert again.metadata[key] == image.metadata[key]
    missing = {"icc", "exif", "xmp"} - TABLE[kind].holds
    assert bool(missing) == any("cannot hold everything" in note for note in notes)
    if kind in ("webp", "avif"):
        with Pillow.open(out) as picture:
            assert picture.info["icc_profile"] == PROFILE
            assert picture.getexif()[271] == "Maker"
    if kind == "jp2":  # Pillow opens it, but reads no profile from it
        assert PROFILE in out.read_bytes()
        with Pillow.open(out) as picture:
            assert picture.size == RGB.shape[1::-1]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_turn_is_that_of_pillow(orientation: int) -> None:
    block = exif(orientation)
    picture = Pillow.fromarray(RGB)
    picture.getexif()[274] = orientation
    assert np.array_equal(turned(RGB, orientation), np.asarray(ImageOps.exif_transpose(picture)))
    assert orientation_of(block.tobytes().removeprefix(b"Exif\0\0")) == orientation


def test_a_format_that_takes_no_notice_of_orientation_gets_the_pixels_turned(tmp_path: Path) -> None:
    (tmp_path / "a.webp").write_bytes(through_pillow(RGB, "WEBP", lossless=True, exif=exif(6)))
    write(read(tmp_path / "a.webp"), tmp_path / "b.jxl")
    again = read(tmp_path / "b.jxl")
    assert np.array_equal(to_array(again), turned(RGB, 6))
    assert orientation_of(again.metadata["exif"]) == 1
    assert b"Maker" in again.metadata["exif"]


@pytest.mark.parametrize(("kind", "options"), [("GIF", {}), ("PNG", {}), ("WEBP", {"lossless": True})])
def test_an_animation_is_a_film(tmp_path: Path, kind: str, options: dict[str, bool]) -> None:
    path = tmp_path / f"a.{kind.lower()}"
    path.write_bytes(film(kind, **options))
    image = read(path)
    assert image.axes == "TYXS"
    assert np.array_equal(to_array(image), film_frames())
    assert image.metadata["film.durations"] == pytest.approx((100, 250, 40), abs=0.5)
    assert any("animated: its 3 frames" in note for note in image.notes)
    for out in ("b.png", "b.webp", "b.gif", "b.tif"):
        write(image, tmp_path / out)
        again = read(tmp_path / out)
        assert np.array_equal(to_array(again), film_frames()), out
        if out != "b.tif":
            assert again.metadata["film.durations"] == pytest.approx((100, 250, 40), abs=0.5)
            with Pillow.open(tmp_path / out) as picture:
                assert picture.n_frames == 3
                picture.seek(2)
                assert np.array_equal(np.asarray(picture.convert("RGB")), film_frames()[2])
    assert write(image, tmp_path / "b.jxl") == ()
    assert np.array_equal(to_array(read(tmp_path / "b.jxl")), film_frames())


def test_deep_films_and_films_that_are_none(tmp_path: Path) -> None:
    frames = np.stack([TWELVE, TWELVE[::-1]]) * np.uint16(16)
    (tmp_path / "a.png").write_bytes(imagecodecs.apng_encode(frames, delay=100))
    image = read(tmp_path / "a.png")
    assert np.array_equal(to_array(image), frames)
    write(image, tmp_path / "b.png")
    assert np.array_equal(imagecodecs.apng_decode((tmp_path / "b.png").read_bytes()), frames)
    with pytest.raises(ValueError, match=r"GIF cannot hold uint16 pixels\. Write it as TIFF or NPY"):
        write(image, tmp_path / "b.gif")
    stack = from_array(np.stack([GRAY, GRAY]))
    with pytest.raises(ValueError, match="PNG cannot hold a stack of 2 slices"):
        write(stack, tmp_path / "c.png")


def test_a_hidden_first_picture_is_no_frame(tmp_path: Path) -> None:
    frames = [Pillow.fromarray(np.full((4, 4), v, np.uint8)) for v in (10, 100, 200)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], default_image=True)
    assert to_array(read(tmp_path / "a.png"))[:, 0, 0].tolist() == [100, 200]


def test_what_a_format_loses_is_said(tmp_path: Path) -> None:
    many = from_array(RGB, channel_axis=-1)
    assert any("256 colours" in note for note in write(many, tmp_path / "a.gif"))
    assert any("no gray" in note for note in write(from_array(GRAY), tmp_path / "a.webp"))
    (tmp_path / "a.png").write_bytes(through_pillow(RGBA, "PNG", exif=exif(1)))
    assert any("loses a little" in note for note in write(read(tmp_path / "a.png"), tmp_path / "a.avif"))
    with Pillow.open(tmp_path / "a.avif") as picture:
        shown = np.asarray(picture.convert("RGBA")).astype(int)
    assert np.abs(shown - RGBA).max() <= 4


def test_a_largest_value_of_its_own_is_kept(tmp_path: Path) -> None:
    array = np.minimum(TWELVE[..., 0], 1000)
    (tmp_path / "a.pgm").write_bytes(b"P5 33 24 1000\n" + array.astype(">u2").tobytes())
    image = read(tmp_path / "a.pgm")
    assert any("white is 1000" in note for note in image.notes)
    write(image.with_pixels(image.pixels * np.float32(1.01)), tmp_path / "b.pgm")
    again = (tmp_path / "b.pgm").read_bytes()
    assert again.split(b"\n")[2] == b"1000"
    assert np.frombuffer(again.split(b"\n", 3)[3], ">u2").max() == 1000


def test_a_large_picture_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    for height, width in ((3000, 5000), (256, 256), (900, 1600), (7, 1000)):
        data = imagecodecs.jpegxl_encode(np.zeros((height, width), np.uint8), lossless=True, effort=1)
        (tmp_path / "a.jxl").write_bytes(bytes(data)[: max(24, len(data) // 2)])  # all of it is damaged
        with pytest.raises(ValueError, match=f"at most 1,000 values .* got {height} x {width}"):
            read(tmp_path / "a.jxl", max_pixels=1000)


def test_gray_with_alpha_becomes_colour_in_a_bmp(tmp_path: Path) -> None:
    both = np.dstack([GRAY, GRAY[::-1]])
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(both))
    write(read(tmp_path / "a.png"), tmp_path / "a.bmp")
    assert np.array_equal(to_array(read(tmp_path / "a.bmp")), both[..., [0, 0, 0, 1]])


def test_the_main_picture_of_a_slide(tmp_path: Path) -> None:
    """As an Aperio scanner lays them out: picture, thumbnail, a smaller copy, the label."""
    main = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    words = "Aperio Image Library v11.2.1 \r\n64x64 [0,0 64x64] (16x16)"
    with tifffile.TiffWriter(tmp_path / "a.svs") as file:
        file.write(main, tile=(16, 16), description=f"{words} |MPP = 0.499", metadata=None)
        file.write(main[:16, :16].copy(), description=f"{words} -> 16x16 - ", metadata=None)
        file.write(main[::4, ::4].copy(), tile=(16, 16), description=f"{words} -> 16x16", metadata=None)
        file.write(main[:8, :16].copy(), description="Aperio Image Library\r\nlabel 16x8", subfiletype=1)
    image = read(tmp_path / "a.svs")
    assert np.array_equal(to_array(image), main)
    assert image.notes[0] == "the main picture of a slide is read: thumbnail, label, pyramid left out."
    write(image, tmp_path / "b.tif")
    assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), main)
    with pytest.raises(ValueError, match=r"whole-slide TIFF is only read\. Name \.tif"):
        of_output("b.svs", "tiff")


def test_every_written_format_names_what_comes_back() -> None:
    for name in FORMATS:
        back = of_output("", name)
        assert back in FORMATS
        assert not TABLE[back].loses
    with pytest.raises(ValueError, match="output must end in"):
        of_output("a.xyz", "png")


def test_a_file_without_signature_is_told_by_its_name(tmp_path: Path) -> None:
    data = io.BytesIO()
    Pillow.fromarray(RGB).save(data, "TGA")
    (tmp_path / "a.dat").write_bytes(data.getvalue())
    with pytest.raises(ValueError, match="starts with the bytes"):
        read(tmp_path / "a.dat")


def test_no_row_of_the_table_claims_a_test_that_is_not_there() -> None:
    """Older formats have files of their own."""
    elsewhere = {"png", "jpeg", "bmp", "tiff", "npy", "slide"}
    elsewhere |= {"heic", "raw", "fits", "mrc", "dicom", "micrograph"}
    assert set(TESTED) - elsewhere == {name.split()[0] for name in SAMPLES}
    assert set(TESTED) <= set(TABLE)
