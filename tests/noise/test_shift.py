"""The shift of brightness against a numerical integral, and against the camera that made it."""

import numpy as np
import pytest
import torch

from pellucid import seeds
from pellucid.noise.colour import to_display
from pellucid.noise.shift import Light, light_of, lit, shift, steepness


def noise(shape) -> torch.Tensor:
    return torch.randn(shape, generator=seeds.generator(0, "noise"))


@pytest.mark.parametrize(("light", "sigma"), [(0.2, 0.06), (0.5, 0.1), (0.05, 0.012)])
def test_agrees_with_the_integral_over_the_noise(light, sigma):
    z = np.linspace(-6, 6, 4001)
    weight = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    developed = to_display(torch.from_numpy(light + sigma * z)).numpy()
    wanted = float(to_display(torch.tensor(light))) - float((developed * weight).sum())
    noisy = to_display(light + sigma * noise((1, 300, 300)))
    found = float(shift(noisy, noisy.mean().expand(1, 300, 300)).mean())
    assert wanted > 0.002
    assert found == pytest.approx(wanted, rel=0.06)


def test_follows_the_brightness_of_each_channel():
    light = torch.linspace(0.05, 0.8, 200).expand(3, 200, 200).clone()
    light[1:] *= torch.tensor([0.8, 0.5]).view(2, 1, 1)
    clean, noisy = to_display(light), to_display(light + 0.03 * noise(light.shape))
    means = (clean - shift(noisy, clean)).mean(1), noisy.mean(1)
    assert float((means[0] - means[1]).abs().mean()) < 0.004  # the noise itself leaves 0.003
    dark, bright = shift(noisy, clean)[..., :20].mean(), shift(noisy, clean)[..., -20:].mean()
    assert float(dark) > 5 * float(bright)


def test_edges_hardly_count():
    step = torch.full((3, 64, 64), 0.2)
    step[..., 32:] = 0.8
    blurred = step.clone()
    blurred[..., 31:33] = 0.5
    assert float(shift(step, blurred).abs().max()) < 0.03


def test_nothing_is_missing_without_noise():
    clean = torch.rand((3, 40, 40), generator=seeds.generator(0, "clean"))
    assert float(shift(clean, clean).abs().max()) < 1e-6
    assert float(shift(torch.full((1, 9, 9), 0.3), torch.full((1, 9, 9), 0.3)).abs().max()) < 1e-6


def test_steepness_of_a_plane_is_twice_its_slope_squared():
    y, x = torch.meshgrid(torch.arange(8.0), torch.arange(9.0), indexing="ij")
    found = steepness((3 * y + x)[None])[1:-1, 1:-1]
    assert torch.allclose(found, torch.full_like(found, 4 * (9 + 1)))


def test_parts_of_a_picture_get_the_light_that_all_of_it_has():
    light = torch.linspace(0.03, 0.4, 256).expand(3, 128, 256)
    clean, noisy = to_display(light), to_display(light + 0.03 * noise(light.shape))
    known = light_of(noisy, clean)
    assert known.surely > 0.9
    whole = lit(noisy, clean, "auto", developed=True)
    halves = [
        lit(noisy[..., part], clean[..., part], "auto", developed=True, known=known)
        for part in (slice(0, 128), slice(128, None))
    ]
    assert torch.equal(torch.cat(halves, -1), whole)
    assert lit(noisy, clean, "auto", developed=True, known=Light()) is clean
