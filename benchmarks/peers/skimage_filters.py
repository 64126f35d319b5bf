"""Filters of scikit-image at the level that its own `estimate_sigma` gives, with the settings of its gallery.

nlm: the fast mode, patches of 5 in a window of 13, h = 0.8 sigma (gallery, "Non-local means denoising").
wavelet: BayesShrink, in YCbCr for colour (gallery, "Wavelet denoising").
tv: Chambolle's, weight = sigma; its documentation gives no rule from the level to the weight.
"""

from __future__ import annotations

import numpy as np
import picture
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, denoise_wavelet, estimate_sigma


def denoise(noisy: np.ndarray, sigma: float | None) -> np.ndarray:
    """By the filter that was named."""
    axis = -1 if noisy.ndim == 3 else None
    sigma = float(estimate_sigma(noisy, average_sigmas=True, channel_axis=axis)) if sigma is None else sigma
    color = noisy.ndim == 3 and noisy.shape[2] == 3
    if given.filter == "nlm":
        return denoise_nl_means(
            noisy,
            patch_size=5,
            patch_distance=6,
            h=0.8 * sigma,
            sigma=sigma,
            fast_mode=True,
            channel_axis=axis,
        )
    if given.filter == "wavelet":
        return denoise_wavelet(
            noisy,
            sigma=sigma,
            method="BayesShrink",
            mode="soft",
            rescale_sigma=True,
            convert2ycbcr=color,
            channel_axis=axis,
        )
    return denoise_tv_chambolle(noisy, weight=sigma, channel_axis=axis)


parser = picture.parser(__doc__)
parser.add_argument("--filter", choices=("nlm", "wavelet", "tv"), required=True)
given = parser.parse_args()
picture.carry_out(given, denoise)
