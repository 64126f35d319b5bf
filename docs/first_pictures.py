"""Makes the three pictures at the top of the README: a photograph, a micrograph, a page.

    python docs/first_pictures.py               all
    python docs/first_pictures.py micrograph    some

Pictures that scikit-image ships, with noise drawn for them: a camera's (shared by neighbours, through JPEG),
photons, and the grain of a scan. `denoise` does the rest without options. Left of the line is what went in,
right of it what came back; `docs/images/first.json` holds the PSNR of both.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

import pellucid
from pellucid.noise.camera import Camera

Pixels = NDArray[np.float32]
FOLDER = Path(__file__).parent / "images"
LINE = 2


def photograph() -> tuple[Pixels, Pixels]:
    """Clean and noisy, (H, W, 3) in [0, 1]: the truth is what the camera makes of the scene without noise."""
    scene = skimage.data.coffee()[60:340, 100:480].astype(np.float32) / 255
    camera = Camera(peak=40, read=0.02, quality=92)
    planes = torch.from_numpy(np.moveaxis(scene, -1, 0).copy())
    noisy = camera.apply(planes, torch.Generator().manual_seed(0))
    clean, noisy = (np.moveaxis(x.numpy(), 0, -1).clip(0, 1) for x in (camera.reference(planes), noisy))
    return clean, noisy


def micrograph() -> tuple[Pixels, Pixels]:
    """A cell in phase contrast, (H, W): 60 photons at white."""
    clean = skimage.data.cell()[190:470, 236:546].astype(np.float32) / 255
    return clean, np.random.default_rng(0).poisson(clean * 60).astype(np.float32).clip(0, 120) / 60


def page() -> tuple[Pixels, Pixels]:
    """Print under uneven light, (H, W), with grain."""
    clean = skimage.data.page()[:, :380].astype(np.float32) / 255
    return clean, clean + np.random.default_rng(0).normal(0, 20 / 255, clean.shape).astype(np.float32)


def bytes_of(pixels: Pixels) -> NDArray[np.uint8]:
    return np.clip(np.rint(pixels * 255), 0, 255).astype(np.uint8)


def main() -> None:
    told = FOLDER / "first.json"
    figures: dict[str, Any] = json.loads(told.read_text()) if told.exists() else {}
    FOLDER.mkdir(exist_ok=True)
    for make in (photograph, micrograph, page):
        if sys.argv[1:] and make.__name__ not in sys.argv[1:]:
            continue
        clean, noisy = (bytes_of(x) for x in make())
        axis = -1 if clean.ndim == 3 else None
        result = pellucid.denoise(noisy, channel_axis=axis, return_result=True)
        estimate = bytes_of(np.moveaxis(result.estimate[0], 0, -1).squeeze())
        middle = clean.shape[1] // 2
        shown = np.concatenate([noisy[:, :middle], estimate[:, middle:]], axis=1)
        shown[:, middle - LINE // 2 : middle + LINE // 2] = 255
        Image.fromarray(shown).save(FOLDER / f"{make.__name__}.jpg", quality=82, optimize=True)
        figures[make.__name__] = {
            "noisy": round(peak_signal_noise_ratio(clean, noisy), 2),
            "denoised": round(peak_signal_noise_ratio(clean, estimate), 2),
            "method": result.method,
            "trust": None if result.trust is None else result.trust.level,
        }
    told.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
