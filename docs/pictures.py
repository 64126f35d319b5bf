"""Makes the pictures of docs/methods: what goes in, what a method gives, the original.

    python docs/pictures.py                 all (half an hour on two cores)
    python docs/pictures.py bm3d photo      some
    python docs/pictures.py ffdnet --weights ffdnet=net_rgb.pth

A crop of the cat that scikit-image ships, 160 x 160. Preset `fast`, seed 0, no level told; figures are
PSNR in dB and seconds of one machine, kept in docs/methods/images/figures.json. The pictures are JPEGs.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

import pellucid
from pellucid.degradation import Downsample
from pellucid.noise.camera import Camera

Pixels = NDArray[np.float32]
FOLDER = Path(__file__).parent / "methods" / "images"
GAP = 4
HERE = (slice(60, 220), slice(130, 290))


def cat() -> Pixels:
    """(160, 160, 3) in [0, 1]."""
    return skimage.data.chelsea()[HERE].astype(np.float32) / 255


def rounded(x: Pixels) -> Pixels:
    return (np.rint(np.clip(x, 0, 1) * 255) / 255).astype(np.float32)


def white(clean: Pixels, sigma: float = 25) -> Pixels:
    return rounded(clean + np.random.default_rng(0).normal(0, sigma / 255, clean.shape))


def impulses(clean: Pixels) -> Pixels:
    draw = np.random.default_rng(0).random(clean.shape[:2])[..., None]
    return np.where(draw < 0.1, 0, np.where(draw > 0.9, 1, clean)).astype(np.float32)


def photographed() -> list[Pixels]:
    """The truth is what the same camera makes of the scene without noise."""
    camera = Camera(peak=60, read=0.02, quality=92)
    planes = torch.from_numpy(np.moveaxis(cat(), -1, 0).copy())
    noisy, truth = camera.apply(planes, torch.Generator().manual_seed(0)), camera.reference(planes)
    noisy, truth = (rounded(np.moveaxis(x.numpy(), 0, -1)) for x in (noisy, truth))
    return [noisy, pellucid.denoise(noisy, "photo", channel_axis=-1, data_range=1.0), truth]


def denoised(name: str, spoil: Callable[[Pixels], Pixels] = white, **more: Any) -> Callable[[], list[Pixels]]:
    def make() -> list[Pixels]:
        noisy = spoil(cat())
        return [noisy, pellucid.denoise(noisy, name, channel_axis=-1, data_range=1.0, **more)]

    return make


def two_shots() -> list[Pixels]:
    draws = np.random.default_rng(0)
    shots = [rounded(cat() + draws.normal(0, 25 / 255, cat().shape)) for _ in range(2)]
    return [shots[0], pellucid.denoise(shots, "rs-dip", shots=True, channel_axis=-1, data_range=1.0)]


def filled(name: str) -> Callable[[], list[Pixels]]:
    def make() -> list[Pixels]:
        hidden = np.random.default_rng(0).random(cat().shape[:2]) < 0.5
        holed = np.where(hidden[..., None], np.float32(0), cat())
        return [holed, pellucid.inpaint(holed, hidden, name, channel_axis=-1, data_range=1.0)]

    return make


def enlarged(name: str) -> Callable[[], list[Pixels]]:
    def make() -> list[Pixels]:
        planes = torch.from_numpy(np.moveaxis(cat(), -1, 0).copy())
        small = rounded(np.moveaxis(Downsample(2).apply(planes).numpy(), 0, -1))
        shown = small.repeat(2, 0).repeat(2, 1)
        return [shown, pellucid.upscale(small, 2, name, channel_axis=-1, data_range=1.0)]

    return make


PICTURES: Mapping[str, Callable[[], list[Pixels]]] = {
    **{
        name: denoised(name)
        for name in ("bm3d", "nlm", "wavelet", "tv", "dip", "ms-dip", "zs-n2n", "self2self")
    },
    "nac": denoised("nac", lambda x: white(x, 10)),
    "rs-dip": two_shots,
    "median": denoised("median", impulses),
    "photo": photographed,
    **{name: filled(name) for name in ("biharmonic", "idbp")},
    **{name: enlarged(name) for name in ("bicubic", "lanczos", "zssr")},
}


def score(clean: Pixels, x: Pixels) -> float:
    return round(float(peak_signal_noise_ratio(clean, np.clip(x, 0, 1), data_range=1.0)), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", help="else all that need no weights of others")
    parser.add_argument(
        "--weights", nargs="+", default=[], metavar="METHOD=FILE", help="also with these weights"
    )
    given = parser.parse_args()
    known = dict(PICTURES)
    for name, _, file in (entry.partition("=") for entry in given.weights):
        known[name] = denoised(name, model=file)
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept = FOLDER / "figures.json"
    figures = json.loads(kept.read_text()) if kept.exists() else {}
    for name in given.names or known:
        start = time.perf_counter()
        before, after, truth = [*known[name](), cat()][:3]
        seconds = round(time.perf_counter() - start, 1)
        between = np.ones((cat().shape[0], GAP, 3), np.float32)
        row = np.concatenate([before, between, np.clip(after, 0, 1), between, truth], 1)
        Image.fromarray(np.rint(row * 255).astype(np.uint8)).save(
            FOLDER / f"{name}.jpg", quality=92, subsampling=0
        )
        figures[name] = {"before": score(truth, before), "after": score(truth, after), "seconds": seconds}
        kept.write_text(json.dumps(dict(sorted(figures.items())), indent=1) + "\n")
        print(name, figures[name], flush=True)


if __name__ == "__main__":
    main()
