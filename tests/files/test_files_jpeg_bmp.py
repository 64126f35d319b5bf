"""JPEG and BMP against Pillow."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as Pillow
from PIL import ImageCms

from pellucid.files import from_array, read, to_array, write

rng = np.random.default_rng(0)


def loaded(path: Path) -> Pillow.Image:
    """What Pillow reads, with the file closed."""
    with Pillow.open(path) as picture:
        picture.load()
        return picture


QUIET = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def smooth(samples: int) -> np.ndarray:
    y, x = np.mgrid[:48, :40]
    planes = [127 + 100 * np.sin(x / (7 + i) + y / (11 - i)) for i in range(samples)]
    return np.stack(planes, -1).astype(np.uint8).squeeze()


@pytest.fixture
def exif() -> bytes:
    block = Pillow.Exif()
    block[274], block[271] = 6, "Maker"
    block.get_ifd(0x8769)[37510] = b"comment of the user"
    return block.tobytes()


@pytest.mark.parametrize("samples", [1, 3])
def test_jpeg_gives_the_pixels_that_pillow_gives(tmp_path: Path, samples: int) -> None:
    Pillow.fromarray(smooth(samples)).save(tmp_path / "a.jpg", quality=80)
    image = read(tmp_path / "a.jpg")
    np.testing.assert_array_equal(to_array(image), np.asarray(loaded(tmp_path / "a.jpg")))
    assert (image.format, image.color, image.axes) == ("jpeg", samples == 3, "YX" if samples == 1 else "YXS")


def test_jpeg_metadata_survive_in_jpeg_and_in_png(tmp_path: Path, exif: bytes) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Pillow.fromarray(smooth(3)).save(
        tmp_path / "a.jpg", exif=exif, icc_profile=profile, dpi=(300, 200), xmp=b"<x/>", comment=b"hello"
    )
    image = read(tmp_path / "a.jpg")
    assert image.shape == (48, 40, 3)  # orientation 6 is not applied
    changed = image.with_pixels(image.pixels * np.float32(0.9))
    write(changed, tmp_path / "b.jpg")
    write(changed, tmp_path / "b.png")
    for name in ("b.jpg", "b.png"):
        picture = loaded(tmp_path / name)
        assert picture.size == (40, 48)
        assert picture.info["icc_profile"] == profile
        assert picture.getexif()[274] == 6
        assert picture.getexif().get_ifd(0x8769)[37510] == b"comment of the user"
        assert picture.info["dpi"] == pytest.approx((300, 200), abs=0.01)
        assert picture.info["xmp"] == b"<x/>"
    assert loaded(tmp_path / "b.jpg").info["comment"] == b"hello"
    assert loaded(tmp_path / "b.png").info["Comment"] == "hello"


def test_jpeg_out_keeps_the_chroma_and_says_that_it_loses_detail(tmp_path: Path) -> None:
    image = from_array(smooth(3), channel_axis=-1)
    notes = write(image, tmp_path / "a.jpg")
    assert "quality 95" in notes[0]
    assert "4:4:4" in notes[0]
    data = (tmp_path / "a.jpg").read_bytes()
    frame = data.index(b"\xff\xc0")
    assert [data[frame + 11 + 3 * i] for i in range(3)] == [0x11] * 3  # sampling factors 1x1
    assert np.abs(to_array(read(tmp_path / "a.jpg")).astype(int) - smooth(3)).mean() < 1.5
    with pytest.raises(ValueError, match=r"quality must be in \[95, 100\], got 80"):
        write(image, tmp_path / "b.jpg", quality=80)


@pytest.mark.parametrize("profile", [b"", b"no profile", b"sRGB"])
def test_cmyk_jpeg_is_converted_and_noted(tmp_path: Path, profile: bytes) -> None:
    """A profile that is damaged, or made for RGB, must not keep the picture from being read."""
    if profile == b"sRGB":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Pillow.fromarray(smooth(3)).convert("CMYK")
    picture.save(tmp_path / "a.jpg", quality=95, icc_profile=profile)
    image = read(tmp_path / "a.jpg")
    assert "CMYK" in image.notes[0]
    assert ("cannot be used" in image.notes[0]) == bool(profile)
    assert "icc" not in image.metadata
    expected = np.asarray(loaded(tmp_path / "a.jpg").convert("RGB"))
    np.testing.assert_array_equal(to_array(image), expected)


def test_a_wrong_extension_is_read_by_content_and_noted(tmp_path: Path) -> None:
    Pillow.fromarray(smooth(1)).save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").rename(tmp_path / "a.png")
    image = read(tmp_path / "a.png")
    assert image.format == "jpeg"
    assert "named like a PNG file but holds JPEG" in image.notes[-1]


@pytest.mark.parametrize("fraction", [0.02, 0.2, 0.5, 0.9])
def test_a_jpeg_cut_short_is_an_error(tmp_path: Path, fraction: float) -> None:
    Pillow.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "b.jpg").write_bytes(data[: int(len(data) * fraction)])
    with pytest.raises(ValueError, match=r"b\.jpg: the JPEG data are damaged, incomplete"):
        read(tmp_path / "b.jpg")


def test_a_jpeg_bomb_is_refused(tmp_path: Path) -> None:
    Pillow.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.jpg")
    data = bytearray((tmp_path / "a.jpg").read_bytes())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65535, 65535)
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(ValueError, match="at most 500,000,000"):
        read(tmp_path / "a.jpg")


@pytest.mark.parametrize("samples", [1, 3, 4])
@given(data=st.data())
@QUIET
def test_bmp_comes_back_bit_for_bit(tmp_path: Path, samples: int, data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    array = data.draw(hnp.arrays("uint8", (*shape, samples)))
    if samples == 1:
        image = from_array(array[..., 0])
    else:
        (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(array))
        image = read(tmp_path / "a.png")
    assert write(image, tmp_path / "a.bmp") == ()
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[samples]
    picture = loaded(tmp_path / "a.bmp")
    assert picture.mode == mode
    np.testing.assert_array_equal(np.asarray(picture).reshape(array.shape), array)
    again = read(tmp_path / "a.bmp")
    np.testing.assert_array_equal(to_array(again).reshape(array.shape), array)
    write(again, tmp_path / "b.bmp")
    assert (tmp_path / "a.bmp").read_bytes() == (tmp_path / "b.bmp").read_bytes()


@pytest.mark.parametrize("samples", [1, 3])
def test_bmp_is_what_pillow_writes(tmp_path: Path, samples: int) -> None:
    array = rng.integers(0, 256, (5, 7, samples), dtype=np.uint8).squeeze()
    buffer = io.BytesIO()
    Pillow.fromarray(array).save(buffer, "BMP", dpi=(300, 150))
    (tmp_path / "a.bmp").write_bytes(buffer.getvalue())
    image = read(tmp_path / "a.bmp")
    write(image, tmp_path / "b.bmp")
    np.testing.assert_array_equal(np.asarray(loaded(tmp_path / "b.bmp")), array)
    assert loaded(tmp_path / "b.bmp").info["dpi"] == loaded(tmp_path / "a.bmp").info["dpi"]


def test_bmp_palettes_and_bilevel_are_expanded(tmp_path: Path) -> None:
    picture = Pillow.fromarray(rng.integers(0, 4, (5, 7), dtype=np.uint8)).convert("P")
    picture.putpalette(bytes(range(40, 52)))
    picture.save(tmp_path / "a.bmp")
    image = read(tmp_path / "a.bmp")
    assert "palette" in image.notes[0]
    np.testing.assert_array_equal(to_array(image), np.asarray(picture.convert("RGB")))
    bilevel = rng.integers(0, 2, (5, 7)).astype(bool)
    Pillow.fromarray(bilevel).save(tmp_path / "b.bmp")
    image = read(tmp_path / "b.bmp")
    assert "1-bit" in image.notes[0]
    np.testing.assert_array_equal(to_array(image), bilevel * 255)


def test_a_bmp_cut_short_is_an_error(tmp_path: Path) -> None:
    Pillow.fromarray(smooth(3)).save(tmp_path / "a.bmp")
    data = (tmp_path / "a.bmp").read_bytes()
    for length in (10, 40, 54, 60, 2000, len(data) - 1):
        (tmp_path / "b.bmp").write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"b\.bmp: the BMP data are damaged, incomplete"):
            read(tmp_path / "b.bmp")


def test_a_bmp_bomb_is_refused(tmp_path: Path) -> None:
    Pillow.fromarray(smooth(3)).save(tmp_path / "a.bmp")
    data = bytearray((tmp_path / "a.bmp").read_bytes())
    data[18:26] = struct.pack("<ii", 60000, 60000)
    (tmp_path / "a.bmp").write_bytes(data)
    with pytest.raises(ValueError, match="at most 500,000,000"):
        read(tmp_path / "a.bmp")


def test_further_pictures_of_a_jpeg_are_named(tmp_path: Path) -> None:
    """The gain map of a phone's picture was dropped without a word."""
    large, small = Pillow.fromarray(smooth(3)), Pillow.fromarray(smooth(3)).resize((20, 24))
    exif = Pillow.Exif()
    exif[270] = "with \xff\xd8\xff in it"
    large.save(tmp_path / "one.jpg", exif=exif, comment=b"\xff\xd8\xff\xe0")
    large.save(tmp_path / "progressive.jpg", progressive=True, quality=100)
    for name in ("one.jpg", "progressive.jpg"):
        assert not any("further" in note for note in read(tmp_path / name).notes)
    large.save(tmp_path / "two.jpg", format="MPO", save_all=True, append_images=[small])
    large.save(tmp_path / "three.jpg", format="MPO", save_all=True, append_images=[small, small])
    assert "1 further picture in the file is not read" in read(tmp_path / "two.jpg").notes[-1]
    assert "2 further pictures in the file are not read" in read(tmp_path / "three.jpg").notes[-1]
    plain = (tmp_path / "one.jpg").read_bytes()
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x hdrgm:Version='1.0'/>"
    segment = b"\xff\xe1" + (len(xmp) + 2).to_bytes(2, "big") + xmp
    (tmp_path / "phone.jpg").write_bytes(plain[:2] + segment + plain[2:] + b"\0" * 7 + plain)
    assert "(a gain map for bright displays)" in read(tmp_path / "phone.jpg").notes[-1]
