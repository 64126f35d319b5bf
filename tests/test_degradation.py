"""The operators against a direct sum, against scipy, and against the rules of a linear operator."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from scipy.signal import correlate2d

from pellucid.degradation import Downsample, Mask, lanczos2


def picture(height, width, channels=1):
    return torch.rand(channels, height, width, generator=torch.Generator().manual_seed(height * 100 + width))


def direct(plane, factor):
    """D(x) as a double loop over the definition."""

    def weight(d):
        return 1.0 if d == 0 else math.sin(math.pi * d) / (math.pi * d)

    height, width = plane.shape
    result = np.zeros((height // factor, width // factor))
    for n, m in np.ndindex(*result.shape):
        above = below = 0.0
        for i in range(-2 * factor, height + 2 * factor):
            for j in range(-2 * factor, width + 2 * factor):
                dy, dx = (
                    (i - n * factor - (factor - 1) / 2) / factor,
                    (j - m * factor - (factor - 1) / 2) / factor,
                )
                if abs(dy) < 2 and abs(dx) < 2:
                    w = weight(dy) * weight(dy / 2) * weight(dx) * weight(dx / 2)
                    above += w * plane[min(max(i, 0), height - 1), min(max(j, 0), width - 1)]
                    below += w
        result[n, m] = above / below
    return result


@pytest.mark.parametrize("factor", [2, 4])
def test_downsample_is_its_definition(factor):
    image = picture(3 * factor, 4 * factor)
    ours = Downsample(factor).apply(image)[0].numpy()
    assert np.abs(ours - direct(image[0].numpy(), factor)).max() < 1e-6


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_downsample_is_correlation_and_decimation(factor):
    image = picture(6 * factor, 5 * factor, 2)
    taps = lanczos2(factor).numpy()
    margin = len(taps) // 2 - factor // 2
    padded = np.pad(image.numpy().astype(float), ((0, 0), (margin, margin), (margin, margin)), mode="edge")
    expected = [correlate2d(p, np.outer(taps, taps), mode="valid")[::factor, ::factor] for p in padded]
    assert np.abs(Downsample(factor).apply(image).numpy() - expected).max() < 1e-6


def test_downsample_neither_shifts_nor_dims():
    ramp = torch.linspace(0, 1, 64).expand(1, 64, 64)
    small = Downsample(4).apply(ramp)
    centres = ramp[..., ::4, :].reshape(1, 16, 16, 4).mean(-1)
    assert float((small - centres)[..., 3:-3].abs().max()) < 1e-4


@given(st.integers(1, 5), st.integers(1, 6), st.sampled_from([2, 4, 8]))
def test_downsample_is_linear_and_has_an_adjoint(height, width, factor):
    operator = Downsample(factor)
    x = picture(height * factor, width * factor).double().requires_grad_(True)
    y = picture(height, width).double()
    assert operator.apply(x).shape == y.shape
    (adjoint,) = torch.autograd.grad((operator.apply(x) * y).sum(), x)
    x = x.detach()
    assert float((operator.apply(x) * y).sum()) == pytest.approx(float((x * adjoint).sum()), rel=1e-9)
    assert torch.allclose(operator.apply(2 * x + 1), 2 * operator.apply(x) + 1)


def test_enlarge_is_pillows_bicubic():
    image = picture(9, 7)
    large = np.asarray(Pillow.fromarray(image[0].numpy()).resize((28, 36), Pillow.Resampling.BICUBIC))
    assert np.abs(Downsample(4).enlarge(image)[0].numpy() - large).max() < 1e-5


def test_batches_are_images_one_by_one():
    images = torch.stack([picture(8, 12, 3), picture(8, 12, 3) ** 2])
    both = Downsample(2).apply(images)
    assert both.shape == (2, 3, 4, 6)
    assert torch.allclose(both[1], Downsample(2).apply(images[1]), atol=1e-6)


def test_bad_factors_and_sizes_say_so():
    with pytest.raises(ValueError, match="factor must be 2, 4 or 8, got 3"):
        Downsample(3)
    with pytest.raises(ValueError, match=r"multiples of 4, got 8 x 9"):
        Downsample(4).apply(picture(8, 9))
    with pytest.raises(ValueError, match="mask must have the shape"):
        Mask(torch.zeros(3, 3, dtype=torch.bool)).apply(picture(8, 9))
