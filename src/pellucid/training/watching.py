"""What is kept for people while a training runs: figures, sample pictures, histograms."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from pellucid.data import Data
from pellucid.files.replace import replaced
from pellucid.learning import Batch
from pellucid.training import held_out, pictures
from pellucid.training.log import Log
from pellucid.training.module import Fit

SHOWN = 4
"""held-out crops on the sample pictures"""
BINS = 64
"""of a histogram"""

Histogram = dict[str, float | list[float]]


def show(fit: Fit, images: Data, log: Log) -> None:
    """Sample pictures of this moment; of what the objective names, pictures and histograms."""
    batch = images.stacked(images.held_out(SHOWN))
    columns = [batch.noisy, held_out.predicted(fit, batch).cpu()]
    columns += [c for c in (batch.clean, batch.other) if c is not None][:1]
    shown = pictures.strip([c * images.std + images.mean for c in columns])
    folder = fit.request.folder / "samples"
    folder.mkdir(exist_ok=True)
    pictures.write(folder / f"{fit.done:07d}.png", shown)
    log.picture(fit.done, "noisy, estimate, other", shown)
    histograms: dict[str, Histogram] = {}
    for name, picture in _maps(fit, batch).items():
        pixels, values = pictures.strip([picture[:SHOWN]]), picture.float().cpu().numpy()
        log.picture(fit.done, name, pixels)
        log.values(fit.done, name, values)
        pictures.write(folder / f"{fit.done:07d}-{name.replace(' ', '-')}.png", pixels)
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
    return held_out.loss(fit, batch, ("pictures", 0)).pictures
