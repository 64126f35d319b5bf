"""Sample pictures: held-out crops as they came and as the network sees them now, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid import files


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
