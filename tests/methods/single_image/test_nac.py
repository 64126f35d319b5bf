"""Noisy-As-Clean: what is added is noise of the report, every orientation once, and a gain on weak noise."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from skimage import data
from skimage.metrics import peak_signal_noise_ratio as psnr

from pellucid import methods
from pellucid.methods.single_image.nac import Config, steps, turned
from pellucid.noise import synthetic
from pellucid.noise.report import NoiseReport
from pellucid.steps import Budget, Task
from pellucid.stopping import until

CPU = torch.device("cpu")


def paper(**changes: Any) -> Config:
    """The settings of the paper, changed."""
    return replace(methods.load("nac").presets["paper"], **changes)


def test_config_is_the_authors() -> None:
    config = paper()
    assert (config.iterations, config.learning_rate, config.width, config.blocks) == (1001, 0.001, 64, 10)
    assert (config.orientations, config.fresh, config.strength) == (8, False, 1.0)


def test_the_eight_orientations_differ_and_are_the_symmetries_of_a_square() -> None:
    image = torch.arange(9.0).view(1, 3, 3)
    seen = {tuple(turned(image, k).flatten().tolist()) for k in range(8)}
    assert len(seen) == 8
    mirrored = {tuple(turned(image, k).transpose(-2, -1).flatten().tolist()) for k in range(8)}
    assert mirrored == seen


def test_synthetic_noise_has_the_covariance_of_the_report() -> None:
    """Noise averaged over 2 x 1 pixels and mixed between channels, against its own formula."""
    mixing = torch.tensor([[1.0, 0.0], [0.5, 0.5]], dtype=torch.float64)
    joint = (mixing @ mixing.T).numpy() * 0.01
    kernel = torch.zeros(2, 2, 3, 3, dtype=torch.float64).numpy()
    kernel[:, :, 1, 1] = joint
    kernel[:, :, 0, 1] = kernel[:, :, 2, 1] = joint / 2
    white = NoiseReport.white(0.1, 2)
    report = NoiseReport(
        sigma=white.sigma, gain=white.gain, offset=white.offset, spectrum=white.spectrum, kernel=kernel,
        covariance=joint, correlated=True, length_px=1.0,
    )  # fmt: skip
    root = synthetic.root(report, 256, 255)
    noise = synthetic.draw(root, (2, 256, 255), torch.Generator().manual_seed(0)).double()
    for lag, expected in ((0, joint), (1, joint / 2), (2, 0 * joint)):
        moved = noise.roll(-lag, dims=1)
        measured = torch.einsum("chw,dhw->cd", noise, moved) / noise[0].numel()
        torch.testing.assert_close(measured, torch.from_numpy(expected), atol=3e-4, rtol=0)


def test_gains_on_weak_noise() -> None:
    clean = torch.from_numpy(data.astronaut()[40:88, 190:238]).permute(2, 0, 1) / 255
    noisy = clean + 10 / 255 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    what = Task(shots=noisy[None], noise=NoiseReport.white(10 / 255, 3))
    fast = methods.load("nac").presets["fast"]
    outcome = until(steps(what, fast, seed=0, device=CPU), budget=Budget(iterations=80))
    before = psnr(clean.numpy(), noisy.numpy(), data_range=1)
    assert psnr(clean.numpy(), outcome.estimate.numpy(), data_range=1) > before + 0.5


def test_the_result_is_looked_at_now_and_then() -> None:
    what = Task(shots=torch.rand(1, 1, 12, 9), noise=NoiseReport.white(0.1, 1))
    config = paper(width=2, blocks=1, iterations=28, orientations=1, ema=0.5)
    seen = list(steps(what, config, seed=0, device=CPU))
    assert [i for i in range(1, 28) if seen[i].output is not seen[i - 1].output] == [25, 27]
    assert torch.equal(seen[24].estimate(), seen[0].output)
    torch.testing.assert_close(seen[27].estimate(), 0.5 * (seen[25].output + seen[27].output))


@pytest.mark.parametrize(
    ("field", "value"),
    [("iterations", 0), ("learning_rate", 0.0), ("width", 0), ("blocks", -1), ("strength", 0.0),
     ("orientations", 9), ("ema", 1.0), ("precision", "float16")],
)  # fmt: skip
def test_bad_configuration_names_the_field(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        paper(**{field: value})
