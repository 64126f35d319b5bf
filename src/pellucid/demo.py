"""The demo: a picture that scikit-image ships, with noise of a fixed seed, so that the gain is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage.data

from pellucid import files, metrics, report
from pellucid.image import Image
from pellucid.run import denoise

SIGMA = 25
"""standard deviation of the added noise, in grey levels"""


def run(folder: Path) -> str:
    """Denoise the cat of scikit-image; write noisy.png, clean.png and report.html; return what to print.

    Args:
        folder: made when it does not exist; files in it are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    truth = skimage.data.chelsea()
    noise = np.random.default_rng(0).normal(0, SIGMA, truth.shape)
    noisy_values = np.clip(np.rint(truth + noise), 0, 255).astype(np.uint8)
    noisy_path, clean_path, page = (folder / name for name in ("noisy.png", "clean.png", "report.html"))
    files.write(files.from_array(noisy_values, channel_axis=-1), noisy_path)
    noisy = files.read(noisy_path)
    result = denoise(noisy, return_result=True)
    estimate = noisy.with_pixels(result.estimate)
    files.write(estimate, clean_path)
    report.html(page, noisy=noisy, estimate=estimate, result=result, title="pellucid demo")
    clean = files.from_array(truth, channel_axis=-1)
    before, after = _scores(clean, noisy), _scores(clean, files.read(clean_path))
    return "\n".join(
        [
            f"A cat (scikit-image, {truth.shape[1]} x {truth.shape[0]}) with noise of {SIGMA} grey levels.",
            f"  method   {result.method}: {result.reason}",
            f"  before   PSNR {before[0]:.2f} dB   SSIM {before[1]:.3f}   {noisy_path}",
            f"  after    PSNR {after[0]:.2f} dB   SSIM {after[1]:.3f}   {clean_path}",
            f"  time     {result.seconds:.1f} s",
            f"  report   {page}",
        ]
    )


def _scores(clean: Image, image: Image) -> tuple[float, float]:
    """PSNR in dB and SSIM."""
    pair = clean.pixels.copy(), image.pixels.copy()  # an Image is read-only, which torch does not like
    return metrics.psnr(*pair, data_range=1.0), metrics.ssim(*pair, data_range=1.0)
