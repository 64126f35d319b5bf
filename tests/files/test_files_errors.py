"""Bad input and bad luck: one clear error with the path, no other kind of error, no partial file."""

from __future__ import annotations

import errno
import io
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from pellucid.files import from_array, of_output, read, tiff, to_array, write
from pellucid.files.replace import replaced

rng = np.random.default_rng(0)
PICTURE = rng.integers(0, 256, (12, 10, 3), dtype=np.uint8)


def sample(kind: str) -> bytes:
    buffer = io.BytesIO()
    if kind == "npy":
        np.save(buffer, PICTURE)
    elif kind.startswith("tiff"):
        options: dict[str, Any] = {
            "tiff": {"photometric": "rgb"},
            "tiff imagej": {"imagej": True, "metadata": {"axes": "YXS"}},
            "tiff ome": {"ome": True, "photometric": "rgb"},
            "tiff lzw tiled": {"compression": "lzw", "tile": (16, 16), "predictor": 2, "photometric": "rgb"},
            "tiff zlib": {"compression": "zlib", "photometric": "rgb", "bigtiff": True, "byteorder": ">"},
        }[kind]
        tifffile.imwrite(buffer, PICTURE, **options)
    else:
        Pillow.fromarray(PICTURE).save(buffer, kind.split()[0])
    return buffer.getvalue()


KINDS = ["png", "jpeg", "bmp", "npy", "tiff", "tiff imagej", "tiff ome", "tiff lzw tiled", "tiff zlib"]
SAMPLES = {kind: sample(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_give_a_picture_or_a_documented_error(
    tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    damaged = bytearray(SAMPLES[kind])
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(1, len(damaged) - 1)) :]
    for _ in range(data.draw(st.integers(0, 4))):
        # Most of what steers a decoder is near the start; TIFF tables may be anywhere.
        last = len(damaged) - 1 if kind.startswith("tiff") else min(len(damaged) - 1, 200)
        damaged[data.draw(st.integers(0, last))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.img"
    path.write_bytes(damaged)
    problem = None
    try:
        image = read(path, max_pixels=10_000_000)
    except (ValueError, TypeError) as error:
        problem = str(error)
    if problem is None:
        assert np.isfinite(image.pixels).all()
        assert to_array(image).size > 0
    else:
        assert "damaged.img: " in problem
        assert "\n" not in problem


@pytest.mark.parametrize("kind", ["png", "bmp", "npy", "tiff", "tiff imagej", "tiff lzw tiled", "tiff zlib"])
def test_no_cut_gives_wrong_pixels(tmp_path: Path, kind: str) -> None:
    data = SAMPLES[kind]
    (tmp_path / "whole").write_bytes(data)
    whole = to_array(read(tmp_path / "whole"))
    for length in range(1, len(data), max(1, len(data) // 60)):
        (tmp_path / "cut").write_bytes(data[:length])
        try:
            got = to_array(read(tmp_path / "cut"))
        except ValueError:
            continue
        np.testing.assert_array_equal(got, whole)  # only what follows the pixels may be missing


def test_a_page_address_beyond_any_file_is_damage(tmp_path: Path) -> None:
    data = bytearray(SAMPLES["tiff zlib"])
    data[8] = 255  # the first address of a BigTIFF file
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.tif: the TIFF file ends early"):
        read(tmp_path / "a.tif")


def test_what_tifffile_only_logs_is_noted(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(SAMPLES["tiff"])
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        entry = file.pages.first.tags[305].offset
    data[entry + 2] = 99  # no such data type
    (tmp_path / "a.tif").write_bytes(data)
    image = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(to_array(image), PICTURE)
    assert "partly damaged" in image.notes[0]
    assert capfd.readouterr().err == ""


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(ValueError, match=r"empty\.png: the file is empty"):
        read(tmp_path / "empty.png")
    with pytest.raises(FileNotFoundError, match=r"none\.png does not exist"):
        read(tmp_path / "none.png")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ValueError, match="no regular file"):
        read(tmp_path / "pipe.png")


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"8BPS", "Photoshop"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\3\4", "ZIP"),
        (b"hello", "bytes 68"),
    ],
)
def test_other_formats_are_named(tmp_path: Path, head: bytes, name: str) -> None:
    (tmp_path / "a.png").write_bytes(head + bytes(200))
    with pytest.raises(
        ValueError,
        match=rf"a\.png: the file must be an image of a format that pellucid reads .*, got .*{name}",
    ):
        read(tmp_path / "a.png")


def test_unreadable_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(SAMPLES["png"])

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PermissionError, match=r"a\.png may not be read"):
        read(tmp_path / "a.png")
    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(OSError, match=r"a\.png could not be read: Input/output error"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["png", "tiff", "npy"])
def test_a_pixel_is_an_image(tmp_path: Path, kind: str) -> None:
    write(from_array(np.array([[7]], np.uint8)), tmp_path / f"a.{kind}")
    assert to_array(read(tmp_path / f"a.{kind}")).tolist() == [[7]]


def test_no_pixels(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((0, 4), np.uint8))
    with pytest.raises(ValueError, match=r"a\.npy: the image holds no pixels \(size 0 x 4\)"):
        read(tmp_path / "a.npy")


def test_npy_of_other_kinds(tmp_path: Path) -> None:
    np.save(tmp_path / "object.npy", np.array([[None]]), allow_pickle=True)
    with pytest.raises(TypeError, match="Python objects"):
        read(tmp_path / "object.npy")
    np.save(tmp_path / "bool.npy", np.zeros((2, 2), bool))
    with pytest.raises(TypeError, match=r"bool\.npy: pixels must be integers or floats.*bool"):
        read(tmp_path / "bool.npy")
    np.save(tmp_path / "line.npy", np.zeros(4))
    with pytest.raises(ValueError, match="at least two axes"):
        read(tmp_path / "line.npy")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (10**6, 10**6)}
    )
    (tmp_path / "bomb.npy").write_bytes(header.getvalue())
    with pytest.raises(ValueError, match="at most 500,000,000"):
        read(tmp_path / "bomb.npy")


@pytest.mark.parametrize(
    "shape", [(5, 6), (5, 6, 1), (5, 6, 2), (5, 6, 3), (5, 6, 4), (4, 5, 6), (2, 5, 6, 3)]
)
@pytest.mark.parametrize("dtype", ["uint8", ">u2", "int64", "float16", "float64"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_comes_back_byte_for_byte(tmp_path: Path, shape: tuple[int, ...], dtype: str, order: str) -> None:
    array = (rng.random(shape) * (1 if np.dtype(dtype).kind == "f" else 200)).astype(dtype)
    np.save(tmp_path / "a.npy", np.asarray(array, order=order))
    image = read(tmp_path / "a.npy")
    write(image, tmp_path / "b.npy")
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()
    assert image.color == (len(shape) > 2 and shape[-1] >= 3 and shape[-1] < 5)
    assert bool(image.notes) == (len(shape) > 2 or dtype in ("float64",))


# Writing


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"what was there")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        OSError, match=r"cannot write .*a\.png: No space left on device. Free some space"
    ) as caught:
        write(from_array(PICTURE, channel_axis=-1), path)
    assert caught.value.errno == errno.ENOSPC
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert path.read_bytes() == b"what was there"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif", "npy"])
def test_a_full_disk_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """The temporary file is /dev/full, which answers every write with ENOSPC."""
    real = Path.open

    def opened(self: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        if self.name.endswith(".part"):
            os.symlink("/dev/full", self)
            return real(self, "r+b", buffering=0)
        return real(self, mode, *args, **options)

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(OSError, match="No space left"):
        write(from_array(PICTURE, channel_axis=-1), tmp_path / f"a.{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with replaced(tmp_path / "a.png") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_modes_links_and_overwriting(tmp_path: Path) -> None:
    image = from_array(PICTURE, channel_axis=-1)
    path, link = tmp_path / "a.png", tmp_path / "link.png"
    before = os.umask(0o027)
    try:
        write(image, path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    link.symlink_to(path)
    write(image.with_pixels(image.pixels * 0), link)
    assert link.is_symlink()
    assert not to_array(read(path)).any()
    assert stat.S_IMODE(path.stat().st_mode) == 0o604
    with pytest.raises(FileExistsError, match=r"a\.png exists.*--overwrite"):
        write(image, path, overwrite=False)
    assert not to_array(read(path)).any()


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    image = from_array(PICTURE, channel_axis=-1)
    with pytest.raises(FileNotFoundError, match=r"the folder of .*a\.png does not exist"):
        write(image, tmp_path / "none" / "a.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(IsADirectoryError, match="must be a file, got the folder"):
        write(image, tmp_path / "folder.png")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ValueError, match="regular file"):
        write(image, tmp_path / "pipe.png")


# Which format, and what it holds


def test_the_name_or_the_source_decides() -> None:
    assert of_output("a.tiff", "jpeg") == "tiff"
    assert of_output("a", "jpeg") == "png"
    assert of_output("a", "bmp") == "bmp"
    assert of_output("a.png", "png", "jpg") == "jpeg"
    with pytest.raises(ValueError, match=r"output must end in \.png.*got a\.xyz"):
        of_output("a.xyz", "png")
    with pytest.raises(ValueError, match=r"format must be one of png, jpeg, bmp, tiff, npy, .*; got 'pngg'"):
        of_output("a.png", "png", "pngg")


@pytest.mark.parametrize(
    ("array", "axis", "suffix", "words"),
    [
        (
            np.zeros((4, 5), np.uint16),
            None,
            "jpg",
            "JPEG cannot hold uint16 pixels. Write it as PNG, TIFF or NPY",
        ),
        (
            np.zeros((4, 5), np.uint16),
            None,
            "bmp",
            "BMP cannot hold uint16 pixels. Write it as PNG, TIFF or NPY",
        ),
        (
            np.zeros((4, 5), np.float32),
            None,
            "png",
            "PNG cannot hold float32 pixels. Write it as TIFF or NPY",
        ),
        (
            np.zeros((4, 5), np.float32),
            None,
            "jpg",
            "JPEG cannot hold float32 pixels. Write it as TIFF or NPY",
        ),
        (np.zeros((4, 5), np.int16), None, "png", "PNG cannot hold int16 pixels"),
        (
            np.zeros((3, 4, 5), np.uint8),
            None,
            "png",
            "PNG cannot hold a stack of 3 slices. Write it as TIFF or NPY",
        ),
        (np.zeros((4, 5, 7), np.uint8), -1, "png", "PNG cannot hold 7 channels"),
    ],
)
def test_what_a_format_cannot_hold(
    tmp_path: Path, array: np.ndarray, axis: int | None, suffix: str, words: str
) -> None:
    with pytest.raises(ValueError, match=rf"a\.{suffix}: {words}"):
        write(from_array(array, channel_axis=axis), tmp_path / f"a.{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_sizes_that_a_format_cannot_hold(tmp_path: Path) -> None:
    image = from_array(np.zeros((1, 65536), np.uint8))
    with pytest.raises(ValueError, match=r"a\.jpg: JPEG cannot hold this picture .*Write it as TIFF or NPY"):
        write(image, tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []
    write(image, tmp_path / "a.png")
    assert read(tmp_path / "a.png").shape == (1, 65536)


def test_alpha_goes_where_it_can(tmp_path: Path) -> None:
    clear = np.dstack([PICTURE, np.full(PICTURE.shape[:2], 255, np.uint8)])
    Pillow.fromarray(clear).save(tmp_path / "a.png")
    notes = write(read(tmp_path / "a.png"), tmp_path / "a.jpg")
    assert "opaque" in notes[0]
    clear[0, 0, 3] = 254
    Pillow.fromarray(clear).save(tmp_path / "b.png")
    with pytest.raises(ValueError, match=r"JPEG cannot hold alpha\. Write it as PNG, TIFF or NPY"):
        write(read(tmp_path / "b.png"), tmp_path / "b.jpg")
    write(read(tmp_path / "b.png"), tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert [int(e) for e in file.pages.first.extrasamples] == [2]
        np.testing.assert_array_equal(file.asarray(), clear)
    write(read(tmp_path / "b.tif"), tmp_path / "c.png")
    np.testing.assert_array_equal(to_array(read(tmp_path / "c.png")), clear)


def test_what_a_format_loses_is_said(tmp_path: Path) -> None:
    Pillow.fromarray(PICTURE).save(tmp_path / "a.jpg", icc_profile=b"profile", dpi=(300, 300))
    image = read(tmp_path / "a.jpg")
    assert write(image, tmp_path / "a.png") == ()
    assert write(image, tmp_path / "a.tif") == ()
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages.first.iccprofile == b"profile"
        assert file.pages.first.get_resolution("INCH") == (300.0, 300.0)
    assert write(image, tmp_path / "a.bmp") == ("BMP cannot hold everything: colour profile left out.",)
    assert "colour profile, resolution left out" in write(image, tmp_path / "a.npy")[0]


def test_no_heavy_import() -> None:
    heavy = ("torch", "PIL", "tifffile", "imagecodecs")
    code = f"import sys, pellucid.files; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_palette_that_is_missing_or_too_short_is_an_error() -> None:
    indices = np.array([[0, 7]], np.uint8)
    for palette in (np.asarray(None, dtype=object), np.zeros((3, 4), np.uint16), np.zeros((2, 8), np.uint16)):
        with pytest.raises(ValueError, match="palette of three rows"):
            tiff._expand_palette(indices, palette)
    assert tiff._expand_palette(indices, np.full((3, 8), 257 * 9, np.uint16)).tolist() == [[[9] * 3] * 2]
