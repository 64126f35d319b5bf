"""Batches on their way to the network."""

from __future__ import annotations

import torch
from torch import Tensor

from pellucid.data import Sample
from pellucid.engine import packed
from pellucid.learning import Batch


def on(batch: Batch, device: torch.device) -> Batch:
    """A batch on a device, channels last."""

    def there(value: Tensor | None) -> Tensor | None:
        return None if value is None else packed(value.to(device, non_blocking=True))

    return Batch(
        noisy=packed(batch.noisy.to(device, non_blocking=True)),
        other=there(batch.other),
        clean=there(batch.clean),
        sigma=None if batch.sigma is None else batch.sigma.to(device),
    )


def samples_of(samples: list[Sample], size: int) -> list[list[Sample]]:
    """Samples in lots of a batch."""
    return [samples[i : i + size] for i in range(0, len(samples), size)]
