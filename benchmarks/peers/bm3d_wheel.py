"""BM3D and CBM3D of the `bm3d` wheel (Tampere University, for non-commercial use only), default profile."""

from __future__ import annotations

import os

import bm3d
import numpy as np
import picture
from skimage.restoration import estimate_sigma


def denoise(noisy: np.ndarray, sigma: float | None) -> np.ndarray:
    """At the told level, else at what scikit-image estimates; the wheel has no estimator."""
    axis = -1 if noisy.ndim == 3 else None
    sigma = float(estimate_sigma(noisy, average_sigmas=True, channel_axis=axis)) if sigma is None else sigma
    return (bm3d.bm3d_rgb if noisy.ndim == 3 and noisy.shape[2] == 3 else bm3d.bm3d)(noisy, sigma)


threads = os.environ.get("OMP_NUM_THREADS")
if threads and hasattr(os, "sched_setaffinity"):
    # the wheel knows no other limit: it takes every core that it sees
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(threads)])
picture.carry_out(picture.parser(__doc__).parse_args(), denoise)
