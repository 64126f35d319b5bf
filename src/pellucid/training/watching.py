"""What is looked at between steps: held-out crops, from which nothing is learnt, and pictures of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid import files, seeds
from pellucid.data import Data
from pellucid.files.replace import replaced
from pellucid.learning import Batch, Loss
from pellucid.noise.report import NoiseReport
from pellucid.training.batches import on
from pellucid.training.log import Log
from pellucid.training.loop import Fit

SHOWN = 4
"""held-out crops on the sample pictures"""
BINS = 64
"""of a histogram"""

Histogram = dict[str, float | list[float]]


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
            network, batch.seen, report_of(batch), fit.request.config, generator=generator
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


def show(fit: Fit, images: Data, log: Log) -> None:
    """Sample pictures of this moment; of what the objective names, pictures and histograms."""
    batch = images.stacked(images.held_out(SHOWN))
    columns = [batch.noisy, predicted(fit, batch).cpu()]
    columns += [c for c in (batch.clean, batch.other) if c is not None][:1]
    shown = strip([c * images.std + images.mean for c in columns])
    folder = fit.request.folder / "samples"
    folder.mkdir(exist_ok=True)
    write(folder / f"{fit.done:07d}.png", shown)
    log.picture(fit.done, "noisy, estimate, other", shown)
    histograms: dict[str, Histogram] = {}
    for name, picture in _maps(fit, batch).items():
        pixels, values = strip([picture[:SHOWN]]), picture.float().cpu().numpy()
        log.picture(fit.done, name, pixels)
        log.values(fit.done, name, values)
        write(folder / f"{fit.done:07d}-{name.replace(' ', '-')}.png", pixels)
        histograms[name] = histogram(values)
    if histograms:
        with replaced(folder / f"{fit.done:07d}-histograms.json") as file:
            file.write(json.dumps(histograms).encode())


def histogram(values: NDArray[np.float32]) -> Histogram:
    """Mean, standard deviation, the edges of 64 bins from the smallest to the largest value, their densities.

    >>> found = histogram(np.array([0.0, 0.0, 1.0, 1.0], np.float32))
    >>> found["mean"], found["density"][0], len(found["edges"])
    (0.5, 32.0, 65)
    """
    density, edges = np.histogram(values.astype(np.float64), bins=BINS, density=True)
    return {
        "mean": float(values.mean()),
        "std": float(values.std()),
        "edges": edges.tolist(),
        "density": density.tolist(),
    }


def _maps(fit: Fit, batch: Batch) -> Mapping[str, torch.Tensor]:
    """What the objective wants shown of these crops."""
    return loss(fit, batch, ("pictures", 0)).pictures


def strip(columns: Sequence[Tensor]) -> NDArray[np.float32]:
    """(C', n H, m W) in [0, 1], C' 1 or 3, of m batches (n, C, H, W): a column each.

    Values are stretched between the 0.5th and the 99.5th percentile of the first column, the noisy one.

    >>> strip([torch.rand(2, 5, 4, 4), torch.rand(2, 5, 4, 4)]).shape
    (1, 8, 8)
    """
    shown = torch.cat([torch.cat(list(column), -2) for column in columns], -1).float().cpu()
    shown = shown if shown.shape[0] in (1, 3) else shown[:1]
    first = columns[0].float().flatten()
    low, high = (float(torch.quantile(first[:100_000].cpu(), q)) for q in (0.005, 0.995))
    return np.asarray(((shown - low) / max(high - low, 1e-6)).clamp(0, 1).numpy(), dtype=np.float32)


def write(path: Path, pixels: NDArray[np.float32]) -> None:
    """Write (C, H, W) as an 8-bit PNG."""
    eight = np.rint(pixels * 255).astype(np.uint8)
    image = files.from_array(
        eight[0] if len(eight) == 1 else eight, channel_axis=None if len(eight) == 1 else 0
    )
    files.write(image, path)
