"""The equations of Deep Image Prior: pure functions of pictures and figures.

    θ* = argmin_θ E(f_θ(z), y),   x* = f_θ*(z),   E = MSE(D(f_θ(z)), y)

is equation 1 of the papers on RS-DIP and MS-DIP, which print it for noise alone (D(x) = x). What they leave
open, the noise on z, the average of the outputs and the way back after a failure, is in the supplement and
the notebooks of the authors.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pellucid import checks
from pellucid.losses import mean_absolute, mean_square

LOSSES = ("l2", "l1", "l1+l2")


def energy(seen: Tensor, noisy: Tensor, weight: Tensor | None = None, *, loss: str = "l2") -> Tensor:
    """E of equation 1: the mean square of D(f(z)) - y.

    Args:
        seen: D(f(z)), (C, H, W).
        noisy: y, the same shape, blank where D blanks.
        weight: (H, W), 0 where a pixel is held out; None where all count.
        loss: l2 for equation 1; l1 for the mean absolute difference, l1+l2 for the sum of both.

    >>> pair = torch.ones(1, 2, 2), torch.full((1, 2, 2), 3.0)
    >>> [float(energy(*pair, loss=kind)) for kind in LOSSES]
    [4.0, 2.0, 6.0]
    """
    checks.one_of("loss", loss, LOSSES)
    if loss == "l2":
        return mean_square(seen, noisy, weight)
    if loss == "l1":
        return mean_absolute(seen, noisy, weight)
    return mean_absolute(seen, noisy, weight) + mean_square(seen, noisy, weight)


def perturbed(code: Tensor, jitter: float, generator: torch.Generator) -> Tensor:
    """The code that a step is fed: z + ε, ε ~ N(0, jitter²), drawn anew each time (supplement).

    Args:
        code: z, (1, D, H, W).
        jitter: standard deviation of ε.
        generator: on the device of the code.

    >>> perturbed(torch.zeros(1, 4, 8, 8), 0.0, torch.Generator()).abs().max()
    tensor(0.)
    """
    draw = torch.randn(code.shape, generator=generator, device=code.device)
    return code + jitter * draw


def averaged(mean: Tensor, output: Tensor, past: float) -> Tensor:
    """x̄_k = μ x̄_{k-1} + (1 - μ) f_θk(z + ε_k), the estimate of the authors' notebook.

    Args:
        mean: x̄_{k-1}; the first is the first output.
        output: f_θk(z + ε_k), the same shape.
        past: μ, in [0, 1).

    >>> averaged(torch.tensor([0.0]), torch.tensor([1.0]), 0.75)
    tensor([0.2500])
    """
    return mean.lerp(output, 1 - past)


def failed(energy: float, before: float, decibels: float) -> bool:
    """Whether the fit has lost more than so many decibels, 10 log10(E / E_before) > decibels (notebook).

    >>> failed(0.04, 0.01, 5.0), failed(0.03, 0.01, 5.0)
    (True, False)
    """
    return energy > before * 10 ** (decibels / 10)


def cosine(rate: float, iteration: int, total: int) -> float:
    """A step size that falls to 0, η/2 (1 + cos(π (k - 1) / K)); the paper's is constant.

    Source: Loshchilov, Hutter, "SGDR", ICLR 2017, equation 5.

    >>> [cosine(0.02, k, 100) for k in (1, 51, 101)]
    [0.02, 0.01, 0.0]
    """
    return rate * 0.5 * (1 + math.cos(math.pi * (iteration - 1) / total))


def divergence(output: Tensor, code: Tensor, generator: torch.Generator) -> Tensor:
    """Hutchinson's estimate of mean_i ∂f_i / ∂z_i with one random sign per value; for the stop rule sure.

    Args:
        output: f(z), of the shape of the code.
        code: z, which the output was computed from with gradients.
        generator: on the device of the code; draws the signs.

    Source: Ramani, Blu, Unser, "Monte-Carlo SURE", IEEE TIP 2008, equation 16.

    >>> code = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    >>> round(float(divergence(0.5 * code, code, torch.Generator().manual_seed(0))), 6)
    0.5
    """
    probe = torch.randint(0, 2, output.shape, generator=generator, device=output.device)
    signs = probe.to(output.dtype) * 2 - 1
    (gradient,) = torch.autograd.grad((output * signs).sum(), code, retain_graph=True)
    return (gradient * signs).mean()
