"""PNG: every kind there is, against Pillow, imagecodecs and the raw chunks."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as Pillow

from pellucid.files import png, read, to_array, write

rng = np.random.default_rng(0)


def loaded(path: Path) -> Pillow.Image:
    """What Pillow reads, with the file closed."""
    with Pillow.open(path) as picture:
        picture.load()
        return picture


def raw_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """A parser of its own, so that the one under test is not its own judge."""
    found, at = [], 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        body = data[at + 4 : at + 8 + length]
        assert zlib.crc32(body) == struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0]
        found.append((body[:4], body[4:]))
        at += 12 + length
    return found


Chunks = list[tuple[bytes, bytes]]


def with_chunks(data: bytes, before: Chunks, after: Chunks | None = None) -> bytes:
    def pack(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    parts = raw_chunks(data)
    chunks = [parts[0], *before, *parts[1:-1], *(after or []), parts[-1]]
    return data[:8] + b"".join(pack(*chunk) for chunk in chunks)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
@given(data=st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_layout_comes_back_bit_for_bit(
    tmp_path: Path, dtype: str, samples: int, data: st.DataObject
) -> None:
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    array = data.draw(hnp.arrays(dtype, (*shape, samples)))
    array = array[..., 0] if samples == 1 else array
    source, out = tmp_path / "in.png", tmp_path / "out.png"
    source.write_bytes(imagecodecs.png_encode(array))
    image = read(source)
    assert image.dtype == dtype
    assert image.color == (samples >= 3)
    assert (image.alpha is not None) == (samples in (2, 4))
    assert image.pixels.shape == (1, samples - (samples in (2, 4)), *shape)
    assert write(image, out) == ()
    np.testing.assert_array_equal(imagecodecs.png_decode(out.read_bytes()).reshape(array.shape), array)
    assert raw_chunks(source.read_bytes())[0] == raw_chunks(out.read_bytes())[0]  # size, depth, colour type


def test_16_bit_colour_is_read_in_full(tmp_path: Path) -> None:
    array = rng.integers(0, 65536, (5, 6, 3), dtype=np.uint16)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(array))
    image = read(tmp_path / "a.png")
    np.testing.assert_allclose(image.pixels[0].transpose(1, 2, 0), array / 65535, atol=1e-7)


def test_alpha_is_not_touched_when_the_pixels_change(tmp_path: Path) -> None:
    array = rng.integers(0, 256, (5, 6, 4), dtype=np.uint8)
    Pillow.fromarray(array).save(tmp_path / "a.png")
    image = read(tmp_path / "a.png")
    write(image.with_pixels(image.pixels * 0), tmp_path / "b.png")
    back = np.asarray(loaded(tmp_path / "b.png"))
    assert not back[..., :3].any()
    np.testing.assert_array_equal(back[..., 3], array[..., 3])


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_come_back_as_colours(tmp_path: Path, bits: int, transparent: bool) -> None:
    indices = rng.integers(0, 2**bits, (5, 7), dtype=np.uint8)
    picture = Pillow.fromarray(indices).convert("P")
    picture.putpalette(rng.integers(0, 256, 3 * 2**bits, dtype=np.uint8).tobytes())
    extra = {"transparency": bytes(range(2**bits))} if transparent else {}
    picture.save(tmp_path / "a.png", bits=bits, **extra)
    assert raw_chunks((tmp_path / "a.png").read_bytes())[0][1][8:10] == bytes((bits, 3))
    image = read(tmp_path / "a.png")
    assert "palette" in image.notes[0]
    mode = "RGBA" if transparent else "RGB"
    expected = np.asarray(loaded(tmp_path / "a.png").convert(mode))
    np.testing.assert_array_equal(to_array(image), expected)
    write(image, tmp_path / "b.png")
    assert loaded(tmp_path / "b.png").mode == mode
    np.testing.assert_array_equal(np.asarray(loaded(tmp_path / "b.png")), expected)


def test_short_gray_is_expanded_to_8_bits(tmp_path: Path) -> None:
    bilevel = rng.integers(0, 2, (5, 7)).astype(bool)
    Pillow.fromarray(bilevel).save(tmp_path / "a.png")
    assert raw_chunks((tmp_path / "a.png").read_bytes())[0][1][8:10] == b"\1\0"
    image = read(tmp_path / "a.png")
    assert "1-bit" in image.notes[0]
    np.testing.assert_array_equal(to_array(image), bilevel * 255)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_transparent_colour_becomes_alpha(tmp_path: Path, mode: str) -> None:
    array = rng.integers(0, 3, (5, 7) if mode == "L" else (5, 7, 3), dtype=np.uint8)
    key = 1 if mode == "L" else (1, 1, 1)
    Pillow.fromarray(array).save(tmp_path / "a.png", transparency=key)
    image = read(tmp_path / "a.png")
    assert "transparent" in image.notes[0]
    hidden = array == 1 if mode == "L" else (array == 1).all(-1)
    assert image.alpha is not None
    np.testing.assert_array_equal(image.alpha[0] == 0, hidden)


def test_interlaced_files_are_read(tmp_path: Path) -> None:
    """Adam7 written by hand for one pixel: all passes but the first are empty."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 1)
    plain = imagecodecs.png_encode(np.array([[77]], np.uint8))
    parts = raw_chunks(plain)
    data = with_chunks(plain, [])
    data = data.replace(parts[0][1], header)
    data = data[:29] + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + data[33:]
    (tmp_path / "a.png").write_bytes(data)
    assert to_array(read(tmp_path / "a.png")).tolist() == [[77]]


def test_every_known_chunk_is_kept_in_its_place(tmp_path: Path) -> None:
    array = rng.integers(0, 4096, (4, 5, 3), dtype=np.uint16)
    exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"  # orientation 6
    before = [
        (b"sBIT", b"\x0c\x0c\x0c"),
        (b"gAMA", struct.pack(">I", 45455)),
        (b"iCCP", b"name\0\0" + zlib.compress(b"profile" * 9)),
        (b"pHYs", struct.pack(">IIB", 11811, 11812, 1)),
        (b"bKGD", bytes(6)),
        (b"eXIf", exif),
        (b"teSt", b"safe to copy"),
    ]
    after = [(b"tEXt", b"Author\0me"), (b"tIME", bytes(7)), (b"zTXt", b"a\0\0" + zlib.compress(b"b"))]
    unsafe = [(b"teST", b"depends on the pixels")]
    (tmp_path / "a.png").write_bytes(with_chunks(imagecodecs.png_encode(array), before + unsafe, after))
    image = read(tmp_path / "a.png")
    assert image.scale == 4095  # sBIT
    assert "teST" in image.notes[0]
    assert image.metadata["icc"] == b"profile" * 9
    assert image.metadata["exif"] == exif
    assert image.metadata["dpi"] == pytest.approx((300, 300.02), abs=0.01)
    changed = image.with_pixels(image.pixels * np.float32(0.5))
    write(changed, tmp_path / "b.png")
    parts = [chunk for chunk in raw_chunks((tmp_path / "b.png").read_bytes()) if chunk[0] != b"IDAT"]
    assert parts[1:-1] == before + after
    picture = loaded(tmp_path / "b.png")
    assert picture.info["icc_profile"] == b"profile" * 9
    assert picture.getexif()[274] == 6


def test_sbit_that_the_values_exceed_is_full_scale(tmp_path: Path) -> None:
    """The specification scales 12 bits up to 16; then white is 65535."""
    array = np.array([[0, 65535]], np.uint16)
    (tmp_path / "a.png").write_bytes(with_chunks(imagecodecs.png_encode(array), [(b"sBIT", b"\x0c")]))
    assert read(tmp_path / "a.png").scale == 65535


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    plain = imagecodecs.png_encode(np.zeros((1, 1), np.uint8))
    header = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 6, 0, 0, 0)
    data = plain[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + plain[33:]
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.png: .*at most 500,000,000 values.*PELLUCID_MAX_PIXELS"):
        read(tmp_path / "a.png")


def test_a_profile_bomb_is_refused(tmp_path: Path) -> None:
    bomb = b"x\0\0" + zlib.compress(bytes(65 * 2**20))
    data = with_chunks(imagecodecs.png_encode(np.zeros((1, 1), np.uint8)), [(b"iCCP", bomb)])
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ValueError, match="64 MiB"):
        read(tmp_path / "a.png")


def test_the_limit_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Pillow.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "a.png")
    assert read(tmp_path / "a.png", max_pixels=20).shape == (4, 5)
    with pytest.raises(ValueError, match=r"at most 19 values .* got 4 x 5 x 1 = 20"):
        read(tmp_path / "a.png", max_pixels=19)
    monkeypatch.setenv("PELLUCID_MAX_PIXELS", "19")
    with pytest.raises(ValueError, match="at most 19"):
        read(tmp_path / "a.png")
    monkeypatch.setenv("PELLUCID_MAX_PIXELS", "many")
    with pytest.raises(ValueError, match="positive integer, got 'many'"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("place", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_a_flipped_byte_is_found_by_its_checksum(tmp_path: Path, place: float) -> None:
    buffer = io.BytesIO()
    Pillow.fromarray(rng.integers(0, 256, (20, 20), dtype=np.uint8)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[int(len(data) * place)] ^= 0x55
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.png: .*(checksum|ends early|header)"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["grain", "pattern"])
def test_large_pictures_are_packed_by_what_is_in_them(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 16, (1000, 1024), np.uint8)
    picture = noise if kind == "grain" else np.tile(noise[:, :16], 64)  # repeats, but never a value in a row
    packing = png._packing(picture)
    assert ("strategy" in packing) == (kind == "grain")
    packed = imagecodecs.png_encode(picture, **packing)
    np.testing.assert_array_equal(imagecodecs.png_decode(packed), picture)
    assert len(packed) <= 1.02 * len(imagecodecs.png_encode(picture, level=6))
