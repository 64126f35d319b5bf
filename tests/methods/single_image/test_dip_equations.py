"""The equations of Deep Image Prior against NumPy, SciPy, scikit-image and closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.linalg import lstsq
from scipy.signal import lfilter
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio

from pellucid.degradation import Downsample, Mask
from pellucid.methods.single_image.dip import equations
from pellucid.methods.single_image.dip.method import Config, steps
from pellucid.noise.report import NoiseReport
from pellucid.steps import Task


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@given(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.floats(-4, 4))
def test_equation_1_is_scikit_images_mean_square(
    channels: int, height: int, width: int, offset: float
) -> None:
    seen, noisy = drawn(channels, height, width), drawn(channels, height, width, seed=1)
    wanted = mean_squared_error(seen.numpy(), noisy.numpy())
    assert float(equations.energy(seen, noisy)) == pytest.approx(wanted, rel=1e-5)
    moved = equations.energy(seen + offset, noisy + offset)  # a common offset says nothing
    assert float(moved) == pytest.approx(wanted, rel=1e-3, abs=1e-6)


def test_equation_1_with_weights_and_absolute_values_is_numpys() -> None:
    seen, noisy, weight = drawn(3, 5, 7), drawn(3, 5, 7, seed=1), (drawn(5, 7, seed=2) > 0.4).float()
    apart, kept = (seen - noisy).numpy().astype(float), np.broadcast_to(weight.numpy(), (3, 5, 7))
    square, size = np.average(apart**2, weights=kept), np.average(abs(apart), weights=kept)
    for loss, wanted in (("l2", square), ("l1", size), ("l1+l2", size + square)):
        assert float(equations.energy(seen, noisy, weight, loss=loss)) == pytest.approx(wanted, rel=1e-5)
    with pytest.raises(ValueError, match="loss must be one of l2, l1"):
        equations.energy(seen, noisy, loss="l3")


def test_argmin_of_equation_1_for_a_linear_network_is_least_squares() -> None:
    """f_θ(z) = Σ_k θ_k z_k: where the gradient of E vanishes, NumPy's least squares has found θ*."""
    code, noisy = drawn(1, 4, 6, 5).double(), drawn(1, 6, 5, seed=1).double()
    wanted = lstsq(code[0].flatten(1).T.numpy(), noisy.flatten().numpy(), rcond=None)[0]
    theta = torch.from_numpy(wanted).requires_grad_()
    output = (theta.view(1, 4, 1, 1) * code).sum(1)
    (slope,) = torch.autograd.grad(equations.energy(output, noisy), theta)
    assert float(slope.abs().max()) < 1e-14
    again = code.flatten(2)[0] @ (output.detach() - noisy).flatten()  # the normal equations
    assert float(again.abs().max()) < 1e-12


def test_first_loss_of_the_method_is_equation_1_behind_each_degradation() -> None:
    """Worked out in NumPy from the output: the authors average over all pixels, the missing ones too."""
    clean, report = drawn(3, 32, 32), NoiseReport.white(0.1, 3)
    small = {"network": "compact", "code": "noise", "code_channels": 4, "iterations": 1}
    hidden = torch.zeros(32, 32, dtype=torch.bool)
    hidden[4:20, 9:30] = True
    down = Downsample(2)
    for degradation, given_ in ((Mask(hidden), clean), (down, down.apply(clean))):
        what = Task(shots=given_[None], noise=report, degradation=degradation)
        (step,) = steps(what, Config(**small), seed=0, device=torch.device("cpu"))
        apart = degradation.apply(step.output).numpy() - given_.numpy()
        if isinstance(degradation, Mask):
            apart = apart * ~hidden.numpy()
        assert float(step.loss or 0) == pytest.approx(float((apart.astype(float) ** 2).mean()), rel=1e-5)


def test_perturbation_has_the_variance_of_the_jitter_and_leaves_the_code() -> None:
    code = drawn(1, 16, 64, 64)
    before = code.clone()
    fed = [equations.perturbed(code, 0.03, torch.Generator().manual_seed(s)) for s in (0, 0, 1)]
    noise = (fed[0] - code).numpy()
    assert noise.std() == pytest.approx(0.03, rel=0.01)
    assert abs(noise.mean()) < 4 * 0.03 / noise.size**0.5
    assert torch.equal(fed[0], fed[1])
    assert not torch.equal(fed[0], fed[2])
    assert torch.equal(code, before)


@pytest.mark.parametrize("past", [0.0, 0.5, 0.97, 0.99])
def test_running_average_is_scipys_filter(past: float) -> None:
    outputs = drawn(40, 1, 2, 3).double()
    mean = outputs[0]
    for output in outputs[1:]:
        mean = equations.averaged(mean, output, past)
    start = past * outputs[0].numpy()[None]  # as if the first output had been there always
    wanted, _ = lfilter([1 - past], [1, -past], outputs.numpy(), axis=0, zi=start)
    np.testing.assert_allclose(mean.numpy(), wanted[-1], rtol=1e-10)


@given(st.floats(1e-6, 1.0), st.floats(1e-6, 1.0), st.floats(0.1, 20))
def test_failure_is_a_fall_of_the_psnr(energy: float, before: float, decibels: float) -> None:
    """The psnr of scikit-image for pictures with these mean squares."""
    zero = np.zeros((2, 2))
    psnr = [peak_signal_noise_ratio(zero, zero + value**0.5, data_range=1) for value in (before, energy)]
    fall = psnr[0] - psnr[1]
    if abs(fall - decibels) > 1e-6:
        assert equations.failed(energy, before, decibels) == (fall > decibels)


def test_cosine_is_torchs_schedule() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    for iteration in range(1, 51):
        assert equations.cosine(0.02, iteration, 50) == pytest.approx(schedule.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        schedule.step()


def test_divergence_is_the_trace_over_the_number_of_values() -> None:
    """Of f(z) = A z with A drawn at random; the mean over many signs, against NumPy's trace."""
    matrix = drawn(12, 12, seed=3).double()
    code = drawn(1, 1, 3, 4).double().requires_grad_()
    output = (matrix @ code.flatten()).view(1, 1, 3, 4)
    draws = torch.Generator().manual_seed(0)
    found = [float(equations.divergence(output, code, draws)) for _ in range(3000)]
    wanted = np.trace(matrix.numpy()) / 12
    assert np.mean(found) == pytest.approx(wanted, abs=4 * np.std(found) / len(found) ** 0.5)
    (diagonal,) = {
        round(float(equations.divergence(0.7 * code, code, torch.Generator().manual_seed(s))), 9)
        for s in range(5)
    }
    assert diagonal == pytest.approx(0.7)  # no chance in it where values do not mix
