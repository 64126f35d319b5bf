"""Laws of the working range: every value comes back, and what changes keeps its precision anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pellucid.files import from_array, to_array

DTYPES = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)] + [
    "float16",
    "float32",
    "float64",
]


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_every_value_comes_back_bit_for_bit(dtype: str, data: st.DataObject) -> None:
    """NaN, infinities, negative zeros, subnormals and the ends of the type too."""
    array = data.draw(hnp.arrays(dtype, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8)))
    if np.dtype(dtype).kind == "f" and not np.isfinite(array).any():
        return
    image = from_array(array)
    assert np.isfinite(image.pixels).all()
    assert to_array(image).tobytes() == array.tobytes()


def ramp(dtype: str, low: float, span: float) -> np.ndarray:
    """(16, 16) values from `low` over `span`."""
    values = np.linspace(0, 1, 256).reshape(16, 16) * span
    if np.dtype(dtype).kind == "f":
        return (low + values).astype(dtype)
    return int(low) + np.rint(values).astype(dtype)


@given(
    dtype=st.sampled_from(["int32", "uint32", "int64", "uint64", "float64"]),
    low=st.floats(-(2**31), 2**31),
    span=st.floats(50, 5e3),
)
@settings(max_examples=100, deadline=None)
def test_a_change_keeps_its_precision_wherever_the_values_lie(dtype: str, low: float, span: float) -> None:
    """float32 has 24 bits: without an offset the contrast of deep data far from zero is lost."""
    low = min(abs(low), 2**31 - 6e3) if dtype[0] == "u" else max(min(low, 2**31 - 6e3), -(2**31))
    array = ramp(dtype, low, span)
    image = from_array(array)
    moved = image.with_pixels(image.pixels + np.float32(0.25 * span / image.scale))
    got = to_array(moved).astype(np.float64) - array.astype(np.float64)
    assert np.abs(got - 0.25 * span).max() <= 2e-3 * span + (dtype != "float64")


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_64_bits_near_their_end_keep_their_digits(dtype: str) -> None:
    array = np.iinfo(dtype).max // 2 + np.arange(256).reshape(16, 16).astype(dtype)
    image = from_array(array)
    assert 0 <= float(image.pixels.min()) <= float(image.pixels.max()) <= 1.1
    assert np.diff(to_array(image.with_pixels(image.pixels * np.float32(0.5))).ravel().astype(int)).max() <= 1
    far = to_array(image.with_pixels(image.pixels * np.float32(1e30)))
    assert far.max() == np.iinfo(dtype).max


@given(factor=st.floats(1e-30, 1e30), dtype=st.sampled_from(["float32", "float64"]))
@settings(max_examples=100, deadline=None)
def test_floats_of_any_size_look_alike(factor: float, dtype: str) -> None:
    """Their pixels reach between 0.06 and 1.5 of white, and what changes is in their units."""
    array = (ramp("float64", 0.0, 1.0) * factor).astype(dtype)
    image = from_array(array)
    assert 1 / 16 <= float(image.pixels.max()) <= 1.51
    half = to_array(image.with_pixels(image.pixels / 2))
    np.testing.assert_allclose(half, array / 2, rtol=1e-5)
    assert to_array(image).tobytes() == array.tobytes()


def test_bytes_as_floats_have_the_white_of_bytes() -> None:
    assert from_array(ramp("float32", 0, 255)).scale == 255
    assert from_array(ramp("float32", 0, 200)).scale == 255


def test_hounsfield_units_keep_their_zero() -> None:
    image = from_array(ramp("float32", -1000, 2100))
    assert image.offset == 0
    assert image.scale == pytest.approx(1100, rel=0.01)


@pytest.mark.parametrize(
    ("dtype", "largest", "expected"),
    [
        ("uint8", 200, (0, 255)),
        ("uint16", 3000, (0, 65535)),
        ("uint16", 4095, (0, 4095)),
        ("int16", 1100, (-32768, 32767)),
        ("float32", 1, (-np.inf, np.inf)),
    ],
)
def test_limits_are_those_of_the_type_or_of_the_bits(dtype: str, largest: int, expected: tuple) -> None:
    image = from_array(ramp(dtype, 0, largest))
    assert tuple(round(v * image.scale) if np.isfinite(v) else v for v in image.limits) == expected
    if np.isfinite(expected[1]):
        far = to_array(image.with_pixels(image.pixels * 0 + np.float32(1e6)))
        assert far.max() == expected[1]


def test_a_data_range_below_the_values_is_refused_and_a_hot_pixel_above_it_is_not() -> None:
    array = ramp("uint16", 20000, 20000)
    with pytest.raises(ValueError, match=r"data_range=30000 must be the white.*--data-range 65535"):
        from_array(array, data_range=30000)
    assert from_array(ramp("int16", -1000, 1300), data_range=500).scale == 500  # Hounsfield units
    large = np.full((64, 64), 900, np.uint16)
    large[:32] = 300
    large[5, 5] = 65535
    image = from_array(large, data_range=1023)
    assert image.scale == 1023
    assert to_array(image).tobytes() == large.tobytes()
    noisy = ramp("float32", -1.2, 3.4)  # noise may take floats beyond white, and nothing cuts it off
    assert from_array(noisy, data_range=1.0).scale == 1.0
