"""V-BM3D against BM3D frame by frame: films with known motion, a film of a cell, spots that move and blink.

    python benchmarks/films.py [--data-root DATA] [--out benchmarks/results/films.json]

The films are those of tests/methods/filters/test_vbm3d.py, made from pictures of scikit-image; white noise of
a told level.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests" / "methods" / "filters")]
import test_vbm3d as made  # noqa: E402 - the films of the tests

from pellucid.methods.filters.vbm3d import VBM3D, Config, restore  # noqa: E402


def cell(root: Path, frames: int = 9) -> torch.Tensor | None:
    """The right halves of some frames of microscopy/sequence, which are its clean ones: (1, T, H, W)."""
    paths = sorted((root / "microscopy" / "sequence").glob("*.jpg"))[4 : 4 + frames]
    if not paths:
        return None
    halves = [np.asarray(Image.open(path).convert("L"), np.float32)[:, 200:] / 255 for path in paths]
    return torch.from_numpy(np.stack(halves))[None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, default=os.environ.get("PELLUCID_DATA", "../shared/data"))
    parser.add_argument("--out", type=Path, default=HERE / "results" / "films.json")
    asked = parser.parse_args()
    films = {name: made.film(name) for name in made.MADE}
    last = cell(Path(asked.data_root))
    if last is not None:
        films["cell"] = last
    restore(films["panned"][:, :2], made.white(0.1), Config(), color=False)  # compiled before the clock
    rows = []
    for name, clean in films.items():
        for sigma in (10, 25, 50):
            level = sigma / 255
            noisy = made.drawn(clean, level)
            alone = made.psnr(clean, made.by_frames(noisy, made.white(level)))
            row = {"film": name, "sigma": sigma, "noisy": made.psnr(clean, noisy), "bm3d": alone}
            for preset in ("paper", "fast"):
                begun = time.process_time()
                row[preset] = made.psnr(
                    clean, restore(noisy, made.white(level), VBM3D.presets[preset], color=False)
                )
                row[f"{preset}_cpu"] = time.process_time() - begun
            rows.append({key: v if isinstance(v, str) else round(v, 3) for key, v in row.items()})
            print(rows[-1], flush=True)
    peaks = []
    for sigma, height in ((10, 0.25), (25, 0.5), (50, 1.0)):
        clean, blinking, moving = made.spots(1.3, height)
        noisy, kernel = made.drawn(clean, sigma / 255), made.white(sigma / 255)
        alone, ours = made.by_frames(noisy, kernel), restore(noisy, kernel, Config(), color=False)
        one = {"sigma": sigma, "height": height}
        for kind, places in (("blinking", blinking), ("moving", moving)):
            one[kind] = round(made.peaks(ours, places) / made.peaks(alone, places), 3)
        peaks.append(one)
        print(one, flush=True)
    asked.out.write_text(json.dumps({"films": rows, "peaks_over_bm3d": peaks}, indent=1) + "\n")


if __name__ == "__main__":
    main()
