"""Films together against frame by frame: V-BM3D, and in a hurry a network on averages along the motion.

    python benchmarks/films.py [--data-root DATA] [--out benchmarks/results/films.json]

Films with known motion, those of tests/methods/filters/test_vbm3d.py, made from pictures of scikit-image, and
a film of a cell; a volume, that of test_bm4d.py; white noise of a told level. `network` is `--effort quick`
frame by frame, `mctf` what it does with films. Then spots that move and blink, and, unless --frames is 0,
processor seconds of the command with so many frames of 512 x 512. Rows that are there are not made again.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import map_coordinates
from skimage import data

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests" / "methods" / "filters")]
import test_bm4d as volumes  # noqa: E402
import test_vbm3d as made  # noqa: E402 - the films of the tests

import record  # noqa: E402
from pellucid.methods.filters import mctf  # noqa: E402
from pellucid.methods.filters.vbm3d import VBM3D, Config, restore  # noqa: E402


def cell(root: Path, frames: int = 9) -> torch.Tensor | None:
    """The right halves of some frames of microscopy/sequence, which are its clean ones: (1, T, H, W)."""
    paths = sorted((root / "microscopy" / "sequence").glob("*.jpg"))[4 : 4 + frames]
    if not paths:
        return None
    halves = [np.asarray(Image.open(path).convert("L"), np.float32)[:, 200:] / 255 for path in paths]
    return torch.from_numpy(np.stack(halves))[None]


def hurried(noisy: torch.Tensor, level: float, reach: int) -> torch.Tensor:
    """A film by the network, with so many frames on either side."""
    return mctf.restore(noisy, torch.full(noisy.shape[:2], level), mctf.Config(reach=reach), color=False)


def seconds(count: int) -> dict[str, float]:
    """Of the processor, for a film of a picture that sways, by the command: together and frame by frame."""
    y, x = np.mgrid[:512, :512].astype(float)
    draws, picture = np.random.default_rng(0), data.camera().astype(float)
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        places = [(y + 3 * np.sin(t / 6), x + 5 * np.sin(t / 9)) for t in range(count)]
        clean = np.stack([map_coordinates(picture, place, order=1, mode="reflect") for place in places])
        noisy = clean + 25 * draws.standard_normal(clean.shape)
        np.save(f"{folder}/in.npy", noisy.round().clip(0, 255).astype(np.uint8))
        words = [sys.executable, "-m", "pellucid", "denoise", f"{folder}/in.npy", "--axes", "TYX"]
        for name, more in (("mctf", []), ("network", ["--axis", "none"])):
            out = f"{folder}/{name}.npy"
            process = subprocess.Popen(
                [*words, "--effort", "quick", "-o", out, *more], stdout=subprocess.DEVNULL
            )
            _, status, used = os.wait4(process.pid, 0)
            if os.waitstatus_to_exitcode(status) not in (0, 3):
                raise SystemExit(f"{name} ended with {status}")
            found[f"{name}_cpu"] = round(used.ru_utime + used.ru_stime, 1)
            error = np.square(np.load(out).astype(float) - clean).mean()
            found[name] = round(float(10 * np.log10(255**2 / error)), 2)
    return {"frames": count, "side": 512, "sigma": 25, **found}


def main() -> None:
    parser = record.arguments(__doc__, "films")
    parser.add_argument(
        "--frames", type=int, default=50, help="of the film whose seconds are counted; 0 for none"
    )
    asked = parser.parse_args()
    out = record.destination(asked)
    films = {name: made.film(name) for name in made.MADE}
    last = cell(Path(asked.data_root))
    if last is not None:
        films["cell"] = last
    films["volume"] = volumes.volume("coarse", 48)
    restore(films["panned"][:, :2], made.white(0.1), Config(), color=False)  # compiled before the clock
    rows = [] if out is None or not out.exists() else json.loads(out.read_text())["films"]
    rows = [row for row in rows if "mctf" in row]
    done = {(row["film"], row["sigma"]) for row in rows}
    result = record.about(asked, __doc__) | {"films": rows}
    for name, clean in films.items():
        for sigma in (10, 25, 50):
            if (name, sigma) in done:
                continue
            level = sigma / 255
            noisy = made.drawn(clean, level)
            alone = made.psnr(clean, made.by_frames(noisy, made.white(level)))
            row = {"film": name, "sigma": sigma, "noisy": made.psnr(clean, noisy), "bm3d": alone}
            for preset in ("paper", "fast") if name != "volume" else ():
                begun = time.process_time()
                row[preset] = made.psnr(
                    clean, restore(noisy, made.white(level), VBM3D.presets[preset], color=False)
                )
                row[f"{preset}_cpu"] = time.process_time() - begun
            row["network"] = made.psnr(clean, hurried(noisy, level, 0))
            begun = time.process_time()
            row["mctf"] = made.psnr(clean, hurried(noisy, level, 3))
            row["mctf_cpu"] = time.process_time() - begun
            rows.append({key: v if isinstance(v, str) else round(v, 3) for key, v in row.items()})
            record.save(out, result)
            print(rows[-1], flush=True)
    peaks = []
    for sigma, height in ((10, 0.25), (25, 0.5), (50, 1.0)):
        clean, blinking, moving = made.spots(1.3, height)
        noisy, kernel = made.drawn(clean, sigma / 255), made.white(sigma / 255)
        alone, ours = made.by_frames(noisy, kernel), restore(noisy, kernel, Config(), color=False)
        quick, one = hurried(noisy, sigma / 255, 3), {"sigma": sigma, "height": height}
        for kind, places in (("blinking", blinking), ("moving", moving)):
            one[kind] = round(made.peaks(ours, places) / made.peaks(alone, places), 3)
            one[f"{kind}_mctf"] = round(made.peaks(quick, places) / made.peaks(alone, places), 3)
        peaks.append(one)
        print(one, flush=True)
    result["peaks_over_bm3d"] = peaks
    record.save(out, result)
    if asked.frames:
        result["seconds"] = seconds(asked.frames)
        print(result["seconds"], flush=True)
    record.save(out, result)


if __name__ == "__main__":
    main()
