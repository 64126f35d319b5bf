"""RS-DIP: equations 2 to 4, what they amount to, its switches, and what stands beside its result."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from skimage import data
from skimage.metrics import peak_signal_noise_ratio as psnr

import pellucid
from pellucid import methods, seeds
from pellucid.methods.single_image.rs_dip import Config, _network, misfit, mixed, steps
from pellucid.noise.report import NoiseReport
from pellucid.request import Denoise
from pellucid.run import settle
from pellucid.steps import Budget, Step, Task
from pellucid.stopping import until

CPU = torch.device("cpu")
TINY = {"width": 4, "iterations": 3, "expansion": 1.0}
CLEAN = torch.from_numpy(data.astronaut()[40:88, 190:230]).permute(2, 0, 1) / 255


def paper(**changes: Any) -> Config:
    """The settings of the paper, changed."""
    return replace(methods.load("rs-dip").presets["paper"], **changes)


def task(near: int = 2, sigma: float = 0.04) -> Task:
    draws = torch.Generator().manual_seed(0)
    shots = CLEAN + 0.1 * torch.randn((2, *CLEAN.shape), generator=draws)
    given = CLEAN + sigma * torch.randn((near, *CLEAN.shape), generator=draws)
    return Task(shots=shots, noise=NoiseReport.white(0.1, 3), near_clean=given)


def run(what: Task, config: Config, seed: int = 0) -> list[Step]:
    return list(steps(what, config, seed=seed, device=CPU))


def arrays(*sigmas: float) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    clean = data.astronaut()[40:104, 150:214].astype(np.float32) / 255
    return [(clean + s * rng.standard_normal(clean.shape)).astype(np.float32) for s in (0, *sigmas)]


@pytest.mark.parametrize(("count", "grain"), [(2, 1), (2, 5), (3, 1)])
def test_mixing_gives_every_image_once_at_every_pixel(count: int, grain: int) -> None:
    near = torch.arange(1.0, count + 1).view(-1, 1, 1, 1) * torch.ones(count, 3, 23, 32)
    fused = mixed(near, grain, torch.Generator().manual_seed(0))
    assert torch.equal(fused.sort(dim=0).values, near)
    assert torch.equal(fused[:, :1].expand_as(fused), fused)  # the channels share the mask
    for value in range(1, count + 1):
        assert float((fused[0, 0] == value).double().mean()) == pytest.approx(1 / count, abs=0.15)
    corner = fused[0, 0, :grain, :grain]
    assert bool((corner == corner[0, 0]).all())


def test_two_targets_are_one_target_at_their_mean() -> None:
    """The gradient of L = MSE(f, I1) + MSE(f, I2) less that of 2 MSE(f, (I1 + I2) / 2) must be zero."""
    near = torch.rand(2, 3, 9, 8, generator=torch.Generator().manual_seed(0))
    with seeds.fixed(0):
        network = _network(6, 3, paper(**TINY)).double()
    output = network(near.double().flatten(0, 1)[None])[0]
    both = sum((output - image).square().mean() for image in near.double())
    mean = 2 * (output - near.double().mean(0)).square().mean()
    one, other = (
        torch.autograd.grad(loss, list(network.parameters()), retain_graph=True) for loss in (both, mean)
    )
    for a, b in zip(one, other, strict=True):
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-14)
    assert float((both - mean).detach()) == pytest.approx(
        float((near[0] - near[1]).square().mean()) / 2, rel=1e-5
    )


@pytest.mark.parametrize(("target", "expected"), [("both", 2), ("mean", 1), ("noisy", 2)])
def test_loss_is_what_the_target_says(target: str, expected: int) -> None:
    what = task()
    assert what.near_clean is not None
    step = run(what, paper(**TINY, target=target))[0]
    targets = {"both": what.near_clean, "mean": what.near_clean.mean(0)[None], "noisy": what.shots}[target]
    squares = [float((step.output - image).square().mean()) for image in targets]
    assert len(squares) == expected
    assert float(step.loss or 0) == pytest.approx(sum(squares), rel=1e-5)


@pytest.mark.parametrize("network", ["single-scale", "multi-scale", "compact"])
def test_residual_starts_at_the_mean(network: str) -> None:
    what = task()
    assert what.near_clean is not None
    first = run(what, paper(**TINY, output="residual", network=network))[0]
    assert torch.allclose(first.output, what.near_clean.mean(0), atol=0.05)
    assert not torch.equal(first.output, what.near_clean.mean(0))


@pytest.mark.parametrize(
    "change",
    [
        {"input": "code"},
        {"sampling": False},
        {"network": "multi-scale"},
        {"network": "compact"},
        {"target": "noisy"},
        {"output": "residual"},
        {"grain": 4},
        {"fold": 2},
    ],
)
def test_every_switch_changes_the_fit_and_nothing_breaks(change: dict) -> None:
    what = task()
    plain, other = run(what, paper(**TINY))[-1], run(what, paper(**TINY, **change))[-1]
    assert other.output.shape == CLEAN.shape
    assert bool(torch.isfinite(other.output).all())
    assert not torch.equal(plain.output, other.output)


def test_without_sampling_no_mask_is_drawn() -> None:
    """RS-DIP-1: the first outputs of two mask streams agree, as the weights do."""
    what = task()
    fixed, moving = (
        [run(what, paper(**TINY, sampling=s), seed=0)[0].loss for _ in range(2)] for s in (False, True)
    )
    assert torch.equal(fixed[0], fixed[1])
    assert torch.equal(moving[0], moving[1])
    assert not torch.equal(fixed[0], moving[0])


def test_fast_ends_at_the_mean_or_above_it() -> None:
    """The bar of the issue: no more than 0.05 dB below the mean after at least 100 steps."""
    what = task()
    assert what.near_clean is not None
    outcome = until(steps(what, methods.load("rs-dip").presets["fast"], seed=0, device=CPU), None)
    assert outcome.iterations >= 100
    ours, mean = (
        psnr(CLEAN.numpy(), x.numpy(), data_range=1) for x in (outcome.estimate, what.near_clean.mean(0))
    )
    assert ours > mean - 0.05


def test_saved_fit_goes_on_and_another_is_refused() -> None:
    what = task()
    last = run(what, paper(**TINY))[-1]
    assert last.state is not None
    again = Task(shots=what.shots, noise=what.noise, near_clean=what.near_clean, initial=last.state())
    first = next(iter(steps(again, paper(**TINY), seed=0, device=CPU)))
    assert float(first.loss or 0) < float(run(what, paper(**TINY))[0].loss or 0)
    with pytest.raises(ValueError, match="initial must be the saved fit of rs-dip"):
        run(again, paper(**{**TINY, "width": 8}))


def test_near_clean_images_are_asked_for() -> None:
    bare = Task(shots=CLEAN[None], noise=NoiseReport.white(0.1, 3))
    with pytest.raises(ValueError, match="rs-dip needs two or more near-clean images, got 0"):
        run(bare, paper(**TINY))


def test_near_clean_images_are_what_the_methods_give_by_themselves() -> None:
    _, one, two = arrays(0.06, 0.1)
    result = pellucid.denoise(
        [one, two],
        "rs-dip",
        shots=True,
        near_clean=("nlm", "tv"),
        iterations=2,
        return_result=True,
        channel_axis=-1,
    )
    shots = [pellucid.denoise(x, m, channel_axis=-1) for x, m in ((one, "nlm"), (two, "tv"))]
    for ours, theirs in zip(result.extras["near_clean"][:, 0], shots, strict=True):
        assert np.allclose(ours.transpose(1, 2, 0), theirs, atol=1e-6)
    average = pellucid.denoise((one + two) / 2, "nlm", channel_axis=-1)
    assert np.allclose(result.extras["average_then_denoise"][0].transpose(1, 2, 0), average, atol=1e-6)
    assert result.extras["near_clean_methods"] == ("nlm", "tv")


@pytest.mark.parametrize(
    ("names", "shots", "expected"),
    [
        ("nlm", 1, "near_clean needs two names for one shot, got nlm"),
        ("nlm,nlm", 1, "near_clean must name different methods"),
        ("nlm,tv,wavelet", 2, "one for each of the 2, got 3"),
        ("nlm,bm3dd", 2, "Did you mean 'bm3d'"),
        ("dncnn", 2, "near_clean=dncnn needs a file with weights"),
        ("rs-dip", 2, "near_clean must name methods that denoise one image by themselves"),
    ],
)
def test_wrong_names(names: str, shots: int, expected: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        settle(Denoise(method="rs-dip", near_clean=names), shots=shots)
    assert expected in str(caught.value)


def test_near_clean_does_not_apply_to_others() -> None:
    with pytest.raises(ValueError, match="near_clean does not apply to method nlm"):
        settle(Denoise(method="nlm", near_clean="bm3d"))
    with pytest.raises(ValueError, match="near_clean does not apply to method auto"):
        settle(Denoise(near_clean="bm3d"))


def test_tiles_take_their_part_of_the_near_clean_images() -> None:
    _, one, two = arrays(0.06, 0.1)
    both = {"near_clean": "nlm", "shots": True, "channel_axis": -1, "return_result": True, "iterations": 100}
    whole, cut = (pellucid.denoise([one, two], "rs-dip", tile=tile, **both) for tile in (None, 32))
    assert float(np.abs(whole.estimate - cut.estimate).mean()) < 0.002


def test_budget_is_heeded() -> None:
    assert len(run(Task(**{**task().__dict__, "budget": Budget(iterations=2)}), paper(**TINY))) == 2


def test_the_loss_is_that_of_a_fit_to_the_mean() -> None:
    """Equation 4, beside the constant."""
    draws = seeds.generator(6)
    output, pair = torch.rand(3, 8, 8, generator=draws), torch.rand(2, 3, 8, 8, generator=draws)
    expected = 2 * (output - pair.mean(0)).square().mean() + (pair[0] - pair[1]).square().mean() / 2
    torch.testing.assert_close(misfit(output, pair), expected)
