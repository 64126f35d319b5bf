"""Holes: what is taken for no measurement, what is not, and that it comes back bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.files import enlarged, from_array, read, to_array, write


def land(dtype: str = "float32", low: float = 300, span: float = 200) -> np.ndarray:
    """(24, 32) noisy heights."""
    return (low + span * np.random.default_rng(0).random((24, 32))).astype(dtype)


def holes_of(array: np.ndarray, **options) -> np.ndarray:
    found = from_array(array, **options).holes
    return np.zeros(array.shape, bool) if found is None else found[0]


@given(
    value=st.sampled_from(
        [np.nan, np.inf, -np.inf, -9999.0, -32768.0, -99999.0, 1e20, -3.4028235e38, 9.96921e36]
    ),
    factor=st.sampled_from([1.0, 0.01, 3.0]),
    rows=st.integers(2, 22),
    dtype=st.sampled_from(["float32", "float64"]),
)
@settings(max_examples=80, deadline=None)
def test_what_is_obviously_no_measurement_stays_and_changes_nothing_else(value, factor, rows, dtype) -> None:
    array = land(dtype) * np.asarray(factor, dtype)
    plain = from_array(array[rows:])
    array[:rows] = value
    image = from_array(array)
    assert image.holes is not None
    assert image.holes[0, :rows].all()
    assert not image.holes[0, rows:].any()
    assert np.isclose(image.scale, plain.scale, rtol=0.02)
    assert image.pixels.min() >= plain.pixels.min()
    assert image.pixels.max() <= plain.pixels.max()
    other = image.with_pixels(image.pixels * 0 + np.float32(0.5))
    assert to_array(image).tobytes() == array.tobytes()
    assert to_array(other)[:rows].tobytes() == array[:rows].tobytes()
    assert not np.array_equal(to_array(other)[rows:], array[rows:])


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint16", "float32"])
def test_a_repeated_extreme_far_from_the_rest_is_none(dtype: str) -> None:
    array = land(dtype, 29000, 300)
    array[:5] = 0
    assert np.array_equal(holes_of(array), array == 0)
    assert not holes_of(array, nodata="none").any()


@pytest.mark.parametrize(
    "array",
    [
        np.where(land() > 490, 65535, land()).astype(np.uint16),  # hot pixels stand alone
        np.where(land() > 400, 255, 0).astype(np.uint8),
        np.where(land() > 400, 65535, 0).astype(np.uint16),  # a page
        np.where(np.arange(32) < 9, 0, land(low=1000, span=60000)).astype(np.uint16),  # a dark border
        np.where(np.arange(32) < 9, -1000, land(low=-900, span=2000)).astype(np.int16),  # air
        np.zeros((8, 8), np.float32),
        np.full((8, 8), -9999, np.float32),
    ],
)
def test_ordinary_values_are_measurements(array: np.ndarray) -> None:
    assert not holes_of(array).any()


def test_who_names_a_value_is_obeyed() -> None:
    array = land("uint8", 10, 200)
    array[3, 4:6] = 0
    array[5, 5] = 255
    assert np.array_equal(holes_of(array, nodata=0), array == 0)
    assert np.array_equal(holes_of(array, nodata=255), array == 255)
    assert not holes_of(array, nodata=-1).any()
    assert "no pixel holds the nodata value -1" in from_array(array, nodata=-1).notes[-1]
    largest = np.where(array == 0, -np.finfo(np.float32).max, array).astype(np.float32)
    assert np.array_equal(holes_of(largest, nodata=-3.4e38), array == 0)
    assert not holes_of(array, nodata=0.5).any()


def test_a_colour_is_a_hole_where_all_its_channels_are() -> None:
    array = np.random.default_rng(0).integers(1, 255, (8, 8, 3), dtype=np.uint8)
    array[0, 0] = 0
    array[1, 1, 2] = 0
    found = from_array(array, channel_axis=-1, nodata=0).holes
    assert found is not None
    assert np.argwhere(found[0]).tolist() == [[0, 0]]
    nan = array.astype(np.float32)
    nan[1, 1, 2] = np.nan
    found = from_array(nan, channel_axis=-1).holes
    assert found is not None
    assert np.argwhere(found[0]).tolist() == [[1, 1]]


def test_a_channel_or_slice_that_is_empty_throughout_stays_so() -> None:
    array = np.stack([land(), np.full((24, 32), np.nan, np.float32)])
    for axis in (None, 0):  # a stack, channels
        image = from_array(array, channel_axis=axis)
        assert (image.holes is None) == (axis == 0)
        assert np.isfinite(image.pixels).all()
        assert to_array(image).tobytes() == array.tobytes()
        changed = to_array(image.with_pixels(image.pixels * 0))
        assert np.isnan(changed[1]).all()
        assert (changed[0] == 0).all()


def test_the_value_that_a_tiff_file_declares(tmp_path: Path) -> None:
    array = land("int16")
    array[4:9, 7:30] = -77
    tags = [(42113, "s", 0, "-77", True)]
    tifffile.imwrite(tmp_path / "a.tif", array, extratags=tags)
    image = read(tmp_path / "a.tif")
    assert image.holes is not None
    assert np.array_equal(image.holes[0], array == -77)
    assert read(tmp_path / "a.tif", nodata="none").holes is None
    write(image.with_pixels(image.pixels * 0 + np.float32(0.1)), tmp_path / "b.tif")
    written = tifffile.imread(tmp_path / "b.tif")
    assert np.array_equal(written == -77, array == -77)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.pages.first.tags[42113].value == "-77"


def test_holes_of_an_enlarged_picture_are_enlarged() -> None:
    array = land()
    array[2, 3] = np.nan
    image = from_array(array)
    large = to_array(enlarged(image, image.pixels.repeat(2, -1).repeat(2, -2), 2))
    assert np.argwhere(np.isnan(large)).tolist() == [[4, 6], [4, 7], [5, 6], [5, 7]]


def test_the_filling_lies_within_what_is_around_it_and_is_calm() -> None:
    array = land()
    array[:, 10:20] = np.nan
    pixels = from_array(array).pixels[0, 0]
    assert pixels[:, 10:20].std() < 0.4 * pixels[:, 20:].std()
