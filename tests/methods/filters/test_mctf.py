"""Films in a hurry: what neighbouring frames gain, what moves, blinks and fades, and what must not change."""

import pytest
import test_vbm3d as made
import torch

import pellucid
from pellucid import devices
from pellucid.methods.filters import mctf
from pellucid.methods.filters.mctf import Config, restore
from pellucid.noise.report import NoiseReport
from pellucid.steps import Task


def both(film: torch.Tensor, level: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Each frame alone by the same network, and all together."""
    sigma = torch.full((len(film), film.shape[1]), level)
    return tuple(restore(film, sigma, Config(reach=reach), color=False) for reach in (0, 3))


@pytest.mark.parametrize(("sigma", "least"), [(10, 0.8), (25, 1.2), (50, 1.5)])
@pytest.mark.parametrize("name", made.MADE)
def test_neighbouring_frames_gain_over_frame_by_frame_bm3d_and_over_the_network(name, sigma, least):
    clean, level = made.film(name), sigma / 255
    noisy = made.drawn(clean, level)
    alone, ours = (made.psnr(clean, found) for found in both(noisy, level))
    assert ours - made.psnr(clean, made.by_frames(noisy, made.white(level))) > least
    assert ours > alone + 1.0


def test_what_stands_still_is_averaged_to_the_level_that_is_told():
    """The noise of the mean against its definition: a flat film, whose mean is known."""
    flat = torch.full((1, 7, 64, 64), 0.5)
    noisy = made.drawn(flat, 0.1)
    mean, level = list(mctf.averaged(noisy, torch.full((1, 7), 0.1), Config()))[3]
    assert float((mean - 0.5).std()) == pytest.approx(0.1 * float(level.mean()), rel=0.05)
    assert float(level.mean()) < 0.45  # seven frames: 0.38


@pytest.mark.parametrize(("sigma", "height"), [(10, 0.25), (25, 0.5), (50, 1.0)])
def test_what_blinks_and_what_moves_stays(sigma, height):
    clean, blinking, moving = made.spots(1.3, height)
    level = sigma / 255
    noisy = made.drawn(clean, level)
    bm3d = made.by_frames(noisy, made.white(level))
    alone, ours = both(noisy, level)
    for other in (bm3d, alone):
        assert made.peaks(ours, blinking) > 0.9 * made.peaks(other, blinking)
        assert made.peaks(ours, moving) > 0.9 * made.peaks(other, moving)
    ghosts = [(t + 1, y, x) for t, y, x in blinking if (t + 1, y, x) not in blinking]
    assert made.peaks(ours, ghosts) < 0.05 * height + made.peaks(clean, ghosts)


def test_bleaching_and_flicker_stay_and_neighbours_help_all_the_same():
    light = torch.tensor([1, 0.95, 0.7, 0.86, 0.81, 0.77, 0.9, 0.6, 0.55])
    clean, level = made.film("panned") * light.view(1, -1, 1, 1), 0.1
    alone, ours = both(made.drawn(clean, level), level)
    assert made.psnr(clean, ours) > made.psnr(clean, alone) + 1.5
    assert torch.allclose(ours.mean((2, 3)), clean.mean((2, 3)), atol=0.004)


def test_noisier_frames_gain_most():
    clean, level = made.film("carried"), 15 / 255
    levels = torch.tensor([1.0, 1, 1, 3, 1, 1, 1, 1, 1])
    noisy = clean + level * levels.view(1, -1, 1, 1) * made.drawn(torch.zeros_like(clean), 1.0)
    told = restore(noisy, level * levels[None], Config(), color=False)
    alone = restore(noisy, level * levels[None], Config(reach=0), color=False)
    gains = [made.psnr(clean[:, t : t + 1], told[:, t : t + 1]) for t in (3, 4)]
    gains = [
        a - made.psnr(clean[:, t : t + 1], alone[:, t : t + 1]) for a, t in zip(gains, (3, 4), strict=True)
    ]
    assert gains[0] > gains[1] > 0


def test_the_method_keeps_the_units_of_what_it_is_given():
    """Values between other ends, as a change of values makes them, give the same picture."""
    film = made.drawn(made.film("zoomed")[:, :3], 0.1)
    report = NoiseReport.white(0.1, 1)

    def estimate(shots: torch.Tensor, noise: NoiseReport) -> torch.Tensor:
        task = Task(shots=shots[None], noise=noise, color=False)
        (step,) = mctf.steps(task, Config(precision="float32"), seed=0, device=torch.device("cpu"))
        return step.estimate()

    plain = estimate(film, report)
    scaled = NoiseReport.white(2.0, 1)
    scaled = type(scaled)(**{**vars(scaled), "low": -20.0, "span": 20.0})
    assert torch.allclose(estimate(20 * film - 20, scaled) / 20 + 1, plain, atol=1e-4)


def test_a_constant_film_stays_and_no_noise_is_no_work():
    flat = torch.full((1, 4, 20, 17), 0.25)
    task = Task(shots=flat[None], noise=NoiseReport.white(0.0, 1), color=False)
    (step,) = mctf.steps(task, Config(), seed=0, device=torch.device("cpu"))
    assert torch.equal(step.estimate(), flat)
    told = restore(flat, torch.full((1, 4), 0.1), Config(), color=False)
    assert torch.allclose(told, flat, atol=0.01)


def test_colours_and_other_channels():
    from skimage import data

    picture = torch.from_numpy(data.chelsea()[100:180, 150:230].copy()).permute(2, 0, 1).float() / 255
    clean = torch.stack([picture[:, t : t + 64, 2 * t : 2 * t + 64] for t in range(5)], 1)
    noisy, sigma = made.drawn(clean, 0.1), torch.full((3, 5), 0.1)
    color = restore(noisy, sigma, Config(), color=True)
    alone = restore(noisy, sigma, Config(reach=0), color=True)
    assert made.psnr(clean, color) > made.psnr(clean, alone) + 0.8
    two = restore(noisy[:2], sigma[:2], Config(), color=False)
    assert made.psnr(clean[:2], two) > made.psnr(clean[:2], noisy[:2]) + 8


def test_by_name_in_python():
    frames = (255 * made.drawn(made.film("panned"), 0.1)[0]).clamp(0, 255).round().byte().numpy()
    clean = pellucid.denoise(frames, "mctf", sigma=0.1, axes="TYX")
    assert clean.shape == frames.shape
    with pytest.raises(ValueError, match="unlike must be above alike"):
        Config(alike=3.0, unlike=2.0)


@pytest.mark.parametrize("reach", [0, 1, 3])
def test_frames_that_are_worked_out_side_by_side_are_those_one_after_the_other(monkeypatch, reach):
    noisy = made.drawn(made.film("panned"), 0.1)[:, :5]
    sigma, config = torch.full(noisy.shape[:2], 0.1), Config(reach=reach, precision="float32")
    wide = restore(noisy, sigma, config, color=False)
    pools = []

    def spread(function, items, device):
        pools.append(len(items))
        with devices.workers(3) as pool:
            yield from list(pool.map(function, items))

    monkeypatch.setattr(mctf.devices, "spread", spread)
    assert torch.equal(restore(noisy, sigma, config, color=False), wide)
    assert pools.count(5) >= 1  # the frames
    assert pools.count(4) >= 2 * (reach > 0)  # the motions from each to the next, and back
