"""Shots: shifts that are known, brightness that is known, other scenes; moves against exact sinc shifts."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import fourier_shift
from skimage import data

import pellucid
from pellucid.shots import align
from pellucid.shots.brightness import brightness
from pellucid.shots.moving import inside, moved

SIGMA = 25 / 255
PICTURES = {"astronaut": data.astronaut, "chelsea": data.chelsea, "coffee": data.coffee}


def scene(name: str) -> torch.Tensor:
    return torch.from_numpy(PICTURES[name]()).permute(2, 0, 1) / 255


def shot(picture: torch.Tensor, down: float = 0, across: float = 0, *, size: int = 128) -> torch.Tensor:
    """(1, C, size, size) of the middle of a picture that was moved as a whole, so that no border shows."""
    picture = moved(picture.double(), down, across).float()
    top, left = (picture.shape[1] - size) // 2, (picture.shape[2] - size) // 2
    return picture[None, :, top : top + size, left : left + size]


def noisy(*shots: torch.Tensor, sigma: float = SIGMA, seed: int = 0) -> torch.Tensor:
    draws = torch.Generator().manual_seed(seed)
    clean = torch.stack(shots)
    return clean + sigma * torch.randn(clean.shape, generator=draws)


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("shift", [(0.37, -1.42), (-2.5, 0.25), (6.2, 9.8)])
def test_shifts_are_found_within_a_tenth_of_a_pixel(name: str, shift: tuple[float, float]) -> None:
    aligned = align(noisy(shot(scene(name)), shot(scene(name), *shift)))
    found = aligned.placements[1].shift
    assert found == pytest.approx((-shift[0], -shift[1]), abs=0.1)


def test_shots_in_register_are_not_touched() -> None:
    shots = noisy(*[shot(scene("astronaut"))] * 4)
    aligned = align(shots)
    assert torch.equal(aligned.shots, shots)
    assert torch.equal(aligned.average(), shots.mean(0))
    assert aligned.words == "4 shots, in register as they were"


def test_brightness_is_matched() -> None:
    clean = shot(scene("coffee"))
    aligned = align(noisy(clean, 0.9 * clean, clean + 0.04))
    assert aligned.placements[1].gain == pytest.approx((1 / 0.9,) * 3, rel=0.01)
    assert aligned.placements[2].gain == pytest.approx((1.0,) * 3, rel=0.01)
    level = [float((s - clean).mean()) for s in aligned.shots]
    assert level == pytest.approx([0, 0, 0], abs=0.003)


def test_what_moved_has_no_say_in_the_brightness() -> None:
    clean = shot(scene("coffee"))
    spoilt = clean.clone()
    spoilt[..., 10:40, 10:40] = 1.0
    shots = noisy(clean, 0.9 * spoilt)
    gain, _ = brightness(shots[0][:, 0], shots[1][:, 0])
    assert gain == pytest.approx(1 / 0.9, rel=0.02)


def test_four_shots_leave_half_of_the_noise() -> None:
    """6 dB, moved by parts of a pixel or not; scored where all shots see the scene."""
    clean = shot(scene("astronaut"))
    shifts = [(0, 0), (0.5, 0.3), (-1.25, 0.7), (2.4, -1.6)]
    aligned = align(noisy(*(shot(scene("astronaut"), *s) for s in shifts), seed=1))
    inner = (..., slice(8, -8), slice(8, -8))
    left = float((aligned.average() - clean)[inner].square().mean())
    assert 10 * math.log10(SIGMA**2 / left) == pytest.approx(6.02, abs=0.35)


def test_borders_that_a_shot_does_not_see_are_the_first_one_s() -> None:
    shots = noisy(shot(scene("astronaut")), shot(scene("astronaut"), 5, 0), sigma=0.02)
    aligned = align(shots)
    assert aligned.placements[1].shift == (-5.0, 0.0)
    assert torch.equal(aligned.seen[1][0, 0, :, 3], torch.arange(128) < 123)
    assert torch.equal(aligned.average()[..., 123:, :], shots[0][..., 123:, :])
    assert torch.allclose(aligned.average()[..., 100, :], (shots[0][..., 100, :] + shots[1][..., 105, :]) / 2)


def test_another_scene_is_an_error_with_figures() -> None:
    shots = noisy(shot(scene("astronaut")), shot(scene("coffee")))
    with pytest.raises(
        ValueError, match=r"second\.png correlates by -?0\.\d\d with first\.png after the best shift"
    ):
        align(shots, ["first.png", "second.png"])


def test_a_shift_too_far_is_an_error_with_figures() -> None:
    shots = noisy(shot(scene("astronaut")), shot(scene("astronaut"), 0, 30))
    with pytest.raises(
        ValueError, match=r"within 16 pixels.*shift of \([+-]0\.\d\d, -(30\.0|29\.9)\d\) pixels"
    ):
        align(shots)


def test_flat_fields_are_averaged_as_they_are() -> None:
    shots = noisy(*[torch.full((1, 1, 64, 64), 0.5)] * 3)
    aligned = align(shots)
    assert torch.equal(aligned.average(), shots.mean(0))
    assert "shot 2 was not moved: it shows too little above the noise" in aligned.warnings[0]


def test_what_the_scene_does_not_tell_is_no_move() -> None:
    """A ramp says nothing about moves along it, nor, with an unknown offset, about moves down it."""
    ramp = torch.linspace(0.2, 0.8, 96).view(1, 1, 96, 1).expand(1, 1, 96, 80)
    assert align(noisy(ramp, ramp)).placements[1].shift == (0.0, 0.0)
    edge = (torch.arange(96) >= 40).float().view(1, 1, 96, 1).expand(1, 1, 96, 80)
    shift = align(noisy(edge, edge.roll(3, 2))).placements[1].shift
    assert shift == (pytest.approx(-3, abs=0.1), 0.0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (7, 5), (16, 3), (17, 16)])
def test_any_size(shape: tuple[int, int]) -> None:
    one = torch.rand(1, 2, *shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(align(torch.stack([one, one])).average(), one)
    assert torch.isfinite(moved(one, 0.5, -0.25)).all()


def test_a_move_is_the_exact_one_of_a_periodic_picture() -> None:
    """Against SciPy's Fourier shift, on a picture whose mirror image has no jump: even cosines."""
    y, x = torch.meshgrid(torch.arange(32) + 0.5, torch.arange(24) + 0.5, indexing="ij")
    picture = torch.cos(math.pi * 4 * y / 32) * torch.cos(math.pi * 6 * x / 24)
    theirs = np.fft.ifft2(fourier_shift(np.fft.fft2(picture.numpy()), (0.3, -1.7))).real
    assert np.allclose(moved(picture, 0.3, -1.7).numpy(), theirs, atol=1e-5)


def test_a_move_keeps_the_noise_as_it_is() -> None:
    noise = torch.randn(400, 400, generator=torch.Generator().manual_seed(0))
    after = moved(noise, 0.5, 0.5)[20:-20, 20:-20]
    assert float(after.std()) == pytest.approx(float(noise.std()), rel=0.01)
    assert abs(float((after[1:] * after[:-1]).mean())) < 0.01


def test_whole_pixels_are_copied() -> None:
    picture = torch.rand(6, 7)
    assert torch.equal(moved(picture, 2, -1)[2:, :-1], picture[:-2, 1:])
    assert int(inside(6, 7, 2, -1).sum()) == 4 * 6


def test_denoise_says_what_was_done_and_measures_the_average() -> None:
    first, second = (
        s[0].permute(1, 2, 0).numpy() for s in noisy(*(shot(scene("coffee"), d) for d in (0, 1.4)))
    )
    result = pellucid.denoise([first, second], shots=True, channel_axis=-1, return_result=True)
    assert result.reason.startswith("2 shots, moved by up to 1.4")
    assert result.noise.level == pytest.approx(SIGMA / math.sqrt(2), rel=0.15)
    assert result.extras["shots"][1].shift[0] == pytest.approx(-1.4, abs=0.1)
