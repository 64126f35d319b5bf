"""Deep Image Prior of deepinv: its ConvDecoder, Adam at 0.01, a fixed number of iterations.

The classes' defaults are 2500 iterations with 256 channels from 4 x 4 values; the example of its documents
takes 100 iterations with 64 channels from 2 x 2 values (`--demo`). There is no stop rule, and neither looks
at the truth.
"""

from __future__ import annotations

import numpy as np
import picture
import torch
import torchvision_here  # noqa: F401 - before deepinv
from deepinv.models import ConvDecoder, DeepImagePrior
from deepinv.physics import Denoising


def denoise(noisy: np.ndarray, sigma: float | None) -> tuple[np.ndarray, int]:
    """Fit a decoder to the picture; sigma is not looked at."""
    torch.manual_seed(given.seed)
    planes = np.atleast_3d(noisy).transpose(2, 0, 1)
    target = torch.from_numpy(np.ascontiguousarray(planes))[None]
    iterations, channels, start = (100, 64, 2) if given.demo else (given.iterations, given.channels, 4)
    size = (channels, start, start)
    network = ConvDecoder(img_size=planes.shape, in_size=size[1:], channels=channels)
    model = DeepImagePrior(network, img_size=size, iterations=iterations, learning_rate=1e-2)
    estimate = model(target, Denoising())
    return estimate[0].detach().numpy().transpose(1, 2, 0), iterations


parser = picture.parser(__doc__)
parser.add_argument("--iterations", type=int, default=2500)
parser.add_argument("--channels", type=int, default=256)
parser.add_argument("--demo", action="store_true", help="as in the example of its documentation")
parser.add_argument("--seed", type=int, default=0)
given = parser.parse_args()
picture.carry_out(given, denoise)
