"""What is kept for people while a training runs: figures, sample pictures, histograms."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from pellucid.data import Data
from pellucid.learning import Batch
from pellucid.training import held_out, pictures
from pellucid.training.log import Log
from pellucid.training.module import Fit

SHOWN = 4
"""held-out crops on the sample pictures"""


def show(fit: Fit, images: Data, log: Log) -> None:
    """Sample pictures and histograms of this moment."""
    batch = images.stacked(images.held_out(SHOWN))
    columns = [batch.noisy, held_out.predicted(fit, batch).cpu()]
    columns += [c for c in (batch.clean, batch.other) if c is not None][:1]
    shown = pictures.strip([c * images.std + images.mean for c in columns])
    folder = fit.request.folder / "samples"
    folder.mkdir(exist_ok=True)
    pictures.write(folder / f"{fit.done:07d}.png", shown)
    log.picture(fit.done, "noisy, estimate, other", shown)
    for name, picture in _maps(fit, batch).items():
        log.picture(fit.done, name, pictures.strip([picture[:SHOWN]]))
        log.values(fit.done, name, picture.float().cpu().numpy())


def _maps(fit: Fit, batch: Batch) -> Mapping[str, torch.Tensor]:
    """What the objective wants shown of these crops."""
    return held_out.loss(fit, batch, ("pictures", 0)).pictures
