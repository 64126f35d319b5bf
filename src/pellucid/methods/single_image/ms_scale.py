"""One scale of MS-DIP: a generator fitted to one level of the pyramid, tied to the level below."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn

from pellucid import engine
from pellucid.losses import mean_absolute, mean_square
from pellucid.methods.single_image.averaging import past
from pellucid.methods.single_image.pyramid import resize
from pellucid.methods.single_image.terms import alike
from pellucid.steps import Step


def consistency(features: nn.Module, coarser: Tensor, factor: float) -> Callable[[Tensor], Tensor]:
    """lambda_n MSE(phi(x_n at the size of x_{n+1}), phi(x_{n+1})) of x_n, the paper's equation 3, weighted.

    Args:
        features: phi, frozen, from (1, C, h, w); the identity compares pixels.
        coarser: (C, h, w) x_{n+1}, which does not change any more.
        factor: lambda_n.
    """
    size = (coarser.shape[-2], coarser.shape[-1])
    far = alike(features, coarser)
    return lambda output: factor * far(resize(output, size))


def fit(
    noisy: Tensor,
    network: nn.Module,
    code: Tensor,
    tie: Callable[[Tensor], Tensor] | None,
    *,
    iterations: int,
    switch: int,
    learning_rate: float,
    jitter: float,
    average: float,
    average_share: float,
    generator: torch.Generator,
) -> Iterator[Step]:
    """Fit f(z + jitter) to y_n by L_rec + lambda_n L_sc, the paper's equation 2, and yield every step.

    Args:
        noisy: (C, H, W) y_n.
        network: the generator f, which is trained.
        code: (1, D, H, W) z_n.
        tie: lambda_n L_sc as a function of x_n; None at the coarsest scale.
        iterations: steps at most.
        switch: steps with L1 as L_rec; L2 follows.
        learning_rate: step size of Adam.
        jitter: standard deviation of the noise added to the code at every step.
        average: weight of the past in the running average that is the estimate.
        average_share: see `past`.
        generator: of the jitter, on the device.

    Yields:
        Steps that count from 1 within the scale; their loss is that of equation 2.
    """
    optimizer = engine.adam(network.parameters(), learning_rate)
    mean: Tensor | None = None
    for iteration in range(1, iterations + 1):
        # A caller's no_grad must not stop the fit; the context ends before the step is yielded.
        with torch.enable_grad():
            fed = code
            if jitter > 0:
                fed = engine.packed(
                    code + jitter * torch.randn(code.shape, generator=generator, device=code.device)
                )
            raw = network(fed)[0]
            loss = mean_absolute(raw, noisy) if iteration <= switch else mean_square(raw, noisy)
            if tie is not None:
                loss = loss + tie(raw)
            engine.descend(optimizer, loss)
        output = raw.detach()
        mean = output if mean is None else mean.lerp(output, 1 - past(average, average_share, iteration))
        yield Step(
            iteration=iteration,
            phase="fit",
            loss=loss.detach(),
            output=output,
            estimate=partial(torch.clone, mean),
            total=iterations,
        )


def weight(sigma: float, steps_below: int) -> float:
    """lambda_n = sqrt(sigma_{y_n} (N - n)), the paper's equation 4.

    The paper leaves the units and N open: sigma is taken in [0, 1], and N is the index of the coarsest scale,
    where the weight is 0 as the paper has it.

    Args:
        sigma: level of the noise of y_n, 1.0 = white.
        steps_below: N - n.

    >>> [round(weight(25 / 255, k), 3) for k in (6, 1, 0)]
    [0.767, 0.313, 0.0]
    """
    return math.sqrt(sigma * steps_below)
