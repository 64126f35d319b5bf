"""The network that is kept, on held-out crops, from which it learns nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from pellucid import seeds
from pellucid.learning import Batch, Loss
from pellucid.noise.report import NoiseReport
from pellucid.training.batches import on
from pellucid.training.module import Fit


def mean_loss(fit: Fit, batches: Sequence[Batch]) -> float:
    """Mean loss over batches; its draws are always the same."""
    losses = [loss(fit, batch, ("held out", i)).value for i, batch in enumerate(batches)]
    return float(torch.stack(losses).mean())


def loss(fit: Fit, batch: Batch, names: tuple[str | int, ...]) -> Loss:
    """The loss on a batch, with draws from the named child of the seed."""
    with _tested(fit) as network:
        return fit.loss(network, on(batch, fit.device), names)


def predicted(fit: Fit, batch: Batch) -> Tensor:
    """What becomes of noisy crops (B, C, H, W) by the method's rule, in the units of the network."""
    batch = on(batch, fit.device)
    generator = seeds.generator(fit.request.asked.seed, "pictures", device=fit.device)
    with _tested(fit) as network:
        return fit.request.learning.predict(
            network, batch.noisy, report_of(batch), fit.request.config, generator=generator
        )


def report_of(batch: Batch) -> NoiseReport | None:
    """The noise of a batch as `predict` is told it: white, of the mean level, where the level is known."""
    return None if batch.sigma is None else NoiseReport.white(float(batch.sigma.mean()), batch.noisy.shape[1])


@contextmanager
def _tested(fit: Fit) -> Iterator[nn.Module]:
    """The network as it is used, not trained."""
    network, was = fit.best, fit.best.training
    network.eval()
    try:
        with torch.no_grad():
            yield network
    finally:
        network.train(was)
