"""Arrays in and out of Image: exact for every type, layout and rule of the working range."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pellucid.files import from_array, to_array
from pellucid.files.stored import from_slices, to_slices
from pellucid.files.working_range import from_working, to_working, white

INTEGERS = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
FLOATS = ["float16", "float32", "float64"]


def arrays(dtype: str, low_dim: int = 2, high_dim: int = 4) -> st.SearchStrategy[np.ndarray]:
    shapes = hnp.array_shapes(min_dims=low_dim, max_dims=high_dim, min_side=1, max_side=6)
    if np.dtype(dtype).kind == "f":
        width = np.dtype(dtype).itemsize * 8
        return hnp.arrays(dtype, shapes, elements=st.floats(-0.5, 1.5, width=width))
    return hnp.arrays(dtype, shapes)


@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_every_array_comes_back_bit_for_bit(dtype: str, data: st.DataObject) -> None:
    array = data.draw(arrays(dtype, 3))
    axis = data.draw(st.integers(-array.ndim, array.ndim - 1))
    before = array.copy()
    image = from_array(array, channel_axis=axis)
    back = to_array(image)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()
    assert image.pixels.shape[1] == array.shape[axis]
    np.testing.assert_array_equal(array, before)


def test_every_uint16_value_comes_back_under_every_bit_depth() -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(1, 1, 256, 256)
    for scale in (255, 1023, 4095, 16383, 65535, 1000.0, 40000.0):
        np.testing.assert_array_equal(from_working(to_working(values, scale), scale, values.dtype), values)


def test_all_24_bit_values_come_back_without_the_exact_copy() -> None:
    values = np.arange(2**24 - 2**20, 2**24, dtype=np.uint32).reshape(1, 1, 1024, 1024)
    image = from_array(values[0, 0])
    assert image.scale == 2**24 - 1
    assert "exact" not in image.metadata


def test_what_changes_follows_the_pixels_and_what_does_not_stays_exact() -> None:
    array = np.array([[0.1, 0.2, 0.3]])
    image = from_array(array)
    assert "float32" in image.notes[0]
    pixels = image.pixels.copy()
    pixels[0, 0, 0, 1] = 0.5
    np.testing.assert_array_equal(to_array(image.with_pixels(pixels)), [[0.1, 0.5, 0.3]])


@pytest.mark.parametrize(
    ("dtype", "largest", "bits", "scale"),
    [
        ("uint8", 3, None, 255),
        ("uint16", 200, None, 1023),
        ("uint16", 1023, None, 1023),
        ("uint16", 1024, None, 4095),
        ("uint16", 4096, None, 16383),
        ("uint16", 16384, None, 65535),
        ("uint16", 700, 12, 4095),
        ("uint16", 4096, 12, 16383),
        ("uint32", 65536, None, 2**24 - 1),
        ("uint32", 2**24, None, 2**32 - 1),
        ("int8", 5, None, 127),
        ("int16", 1024, None, 4095),
        ("int16", 32767, None, 32767),
        ("int32", 32769, None, 2**24 - 1),
    ],
)
def test_white_is_the_smallest_depth_that_holds_the_stack(
    dtype: str, largest: int, bits: int | None, scale: float
) -> None:
    stack = np.zeros((3, 2, 2), dtype)
    stack[2, 1, 1] = largest
    found, notes = white(stack, bits=bits)
    assert found == scale
    assert bool(notes) == (bits is not None and largest >= 2**bits)


def test_the_most_negative_value_counts() -> None:
    assert white(np.array([-32768], np.int16))[0] == 32767
    assert white(np.array([-1025], np.int16))[0] == 4095


def test_floats_of_any_range_are_taken() -> None:
    array = np.full((10, 10), 3000.0, np.float32)
    assert from_array(array).scale == 3000
    image = from_array(array, data_range=4095)
    assert image.scale == 4095
    np.testing.assert_allclose(image.pixels, 3000 / 4095, rtol=1e-7)
    assert to_array(image).tobytes() == array.tobytes()


def test_a_few_hot_pixels_have_no_say_in_the_range() -> None:
    array = np.linspace(0, 1, 2500, dtype=np.float32).reshape(50, 50)
    array[0, :2] = 40.0
    assert from_array(array).scale == 1.0
    array[0, :] = 40.0
    assert from_array(array).scale == 40.0


def test_floats_near_zero_fill_the_range() -> None:
    assert from_array(np.full((2, 2), 1e-4, np.float32)).scale == np.float32(1e-4)


def test_writing_rounds_and_clips_integers_only() -> None:
    image = from_array(np.zeros((1, 4), np.uint8))
    pixels = np.array([[[[-0.3, 1.4, 100.49 / 255, 100.51 / 255]]]], np.float32)
    assert to_array(image.with_pixels(pixels)).tolist() == [[0, 255, 100, 101]]
    floats = from_array(np.zeros((1, 4), np.float32)).with_pixels(pixels)
    assert to_array(floats).tobytes() == pixels.tobytes()


@pytest.mark.parametrize("dtype", INTEGERS)
def test_excursions_clip_to_the_limits_of_the_type(dtype: str) -> None:
    info = np.iinfo(dtype)
    image = from_array(np.array([[info.max, info.max]], dtype))
    low = info.min if info.min < 0 else 0
    assert to_array(image.with_pixels(image.pixels * 0 + np.float32(4.0))).tolist() == [[info.max] * 2]
    assert to_array(image.with_pixels(image.pixels * 0 - np.float32(4.0))).tolist() == [[low] * 2]


def test_half_floats_do_not_overflow() -> None:
    image = from_array(np.zeros((1, 1), np.float16))
    assert to_array(image.with_pixels(image.pixels + np.float32(1e6)))[0, 0] == np.finfo(np.float16).max


def test_big_endian_arrays_come_back_big_endian() -> None:
    array = np.arange(6, dtype=">u2").reshape(2, 3)
    back = to_array(from_array(array))
    assert back.dtype == np.dtype(">u2")
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(
    ("axes", "shape"),
    [("TZCYX", (2, 3, 4, 5, 6)), ("ZYXS", (2, 5, 6, 3)), ("CYXS", (4, 5, 6, 3)), ("XY", (5, 6))],
)
def test_slices_follow_the_axes(axes: str, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape)).reshape(shape)
    slices = to_slices(array, axes)
    np.testing.assert_array_equal(from_slices(slices, axes, shape), array)
    if axes == "TZCYX":
        np.testing.assert_array_equal(slices[1 * 3 + 2, 3], array[1, 2, 3])
    if axes == "CYXS":
        np.testing.assert_array_equal(slices[2, 1], array[2, :, :, 1])


def test_colour_is_three_channels_only() -> None:
    assert from_array(np.zeros((4, 5, 3), np.uint8), channel_axis=-1).color
    assert from_array(np.zeros((3, 4, 5), np.uint8), channel_axis=0).color
    assert not from_array(np.zeros((4, 5, 2), np.uint8), channel_axis=-1).color
    assert not from_array(np.zeros((4, 5), np.uint8)).color


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_pixels_are_holes_and_no_result(bad: float) -> None:
    array = np.zeros((2, 4, 5), np.float32)
    array[1, 2, 3] = array[1, 3, 0] = bad
    image = from_array(array)
    assert image.holes is not None
    assert np.argwhere(image.holes).tolist() == [[1, 2, 3], [1, 3, 0]]
    assert "2 of 40 pixels are NaN or infinite" in image.notes[0]
    assert np.isfinite(image.pixels).all()
    assert to_array(image).tobytes() == array.tobytes()
    with pytest.raises(ValueError, match="every pixel is NaN"):
        from_array(np.full((4, 5), bad))
    image = from_array(np.zeros((4, 5), np.uint8))
    with pytest.raises(ValueError, match="must be finite"):
        to_array(image.with_pixels(np.full((1, 1, 4, 5), bad, np.float32)))


@pytest.mark.parametrize("dtype", ["bool", "complex64", "object", "U1", "datetime64[s]"])
def test_other_types_are_an_error(dtype: str) -> None:
    with pytest.raises(TypeError, match="integers or floats"):
        from_array(np.zeros((2, 2), dtype))


def test_shapes_that_are_no_image_are_an_error() -> None:
    with pytest.raises(ValueError, match="at least 2 axes"):
        from_array(np.zeros(5, np.uint8))
    with pytest.raises(ValueError, match="at least 3 axes"):
        from_array(np.zeros((5, 5), np.uint8), channel_axis=-1)
    with pytest.raises(ValueError, match="no pixels"):
        from_array(np.zeros((0, 5), np.uint8))
    with pytest.raises(ValueError, match="channel_axis=-1"):
        from_array(np.zeros((5, 5, 3), np.uint8))
    with pytest.raises(ValueError, match=r"\[-3, 2\]"):
        from_array(np.zeros((5, 5, 3), np.uint8), channel_axis=3)
    with pytest.raises(TypeError, match="plain NumPy array"):
        from_array([[1, 2]])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="plain NumPy array"):
        from_array(np.ma.masked_array(np.zeros((2, 2))))
    with pytest.raises(ValueError, match=r"data_range must be greater than 0, got -1"):
        from_array(np.zeros((2, 2)), data_range=-1)


def test_an_image_is_read_only_and_leaves_the_caller_alone() -> None:
    array = np.ones((1, 1, 2, 2), np.float32)
    image = from_array(np.zeros((2, 2), np.float32))
    changed = image.with_pixels(array)
    array[:] = 7  # neither frozen nor followed
    assert float(changed.pixels.max()) == 1.0
    with pytest.raises(ValueError, match="read-only"):
        changed.pixels[:] = 0
    with pytest.raises(ValueError, match="shape"):
        image.with_pixels(np.zeros((1, 1, 2, 3), np.float32))


def test_an_image_can_be_sent_to_another_process() -> None:
    image = from_array(np.array([[0.1, 0.7]]))
    np.testing.assert_array_equal(to_array(pickle.loads(pickle.dumps(image))), [[0.1, 0.7]])
