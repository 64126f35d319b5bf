"""A noisy band filtered by another band of the scene, against BM3D on the band alone.

    python benchmarks/guided.py

Bands of RGB pictures: the middles (192 x 192) of every sixth picture of CBSD68; white noise of sigma 25 of
255 on red, or on blue, the level told. The guide is green: as it is, with noise of sigma 5, and with as much
noise as the band itself. PSNR in dB, mean over the pictures; gains are over `bm3d` on the band alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from skimage.io import imread

import pellucid
import record
from pellucid import seeds

SIGMA = 25 / 255
GUIDES = {"clean": 0.0, "sigma 5": 5 / 255, "sigma 25": SIGMA}
BANDS = {"red": 0, "blue": 2}


def scores(path: Any, size: int) -> dict[str, float]:
    """PSNR of one picture by band and way."""
    pixels = record.middle(imread(path)[..., :3].astype(np.float32) / 255, size)
    draws = np.random.default_rng(seeds.child(0, "noise", path.stem))
    found: dict[str, float] = {}
    for band, place in BANDS.items():
        clean = np.ascontiguousarray(pixels[..., place])
        noisy = (clean + SIGMA * draws.standard_normal(clean.shape)).astype(np.float32)
        found[f"{band}, noisy"] = record.psnr(clean, noisy)
        found[f"{band}, bm3d"] = record.psnr(clean, pellucid.denoise(noisy, "bm3d", sigma=SIGMA))
        for name, level in GUIDES.items():
            guide = (pixels[..., 1] + level * draws.standard_normal(clean.shape)).astype(np.float32)
            made = pellucid.denoise(noisy, "guided", sigma=SIGMA, guide=guide)
            found[f"{band}, guided by green, {name}"] = record.psnr(clean, made)
    return found


def main() -> None:
    parser = record.arguments(__doc__, "guided")
    parser.add_argument("--size", type=int, default=192)
    given = parser.parse_args()
    import torch

    torch.set_num_threads(given.threads)
    paths = record.pictures(given.data_root, "clean/CBSD68", None)[::6][: given.limit]
    out, result = record.destination(given), record.about(given, __doc__)
    rows = {path.stem: scores(path, given.size) for path in paths}
    names = list(next(iter(rows.values())))
    result["mean"] = {name: round(float(np.mean([row[name] for row in rows.values()])), 2) for name in names}
    for band in BANDS:
        for name in GUIDES:
            gains = [row[f"{band}, guided by green, {name}"] - row[f"{band}, bm3d"] for row in rows.values()]
            result.setdefault("gain over bm3d", {})[f"{band} by green, {name}"] = {
                "mean": round(float(np.mean(gains)), 2),
                "least": round(min(gains), 2),
            }
    result["pictures"], result["rows"] = len(rows), rows
    record.save(out, result)
    print(result["mean"], result["gain over bm3d"])


if __name__ == "__main__":
    main()
