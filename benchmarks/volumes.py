"""BM4D against BM3D slice by slice and against the bm4d wheel, white and Poisson noise of a told level.

    python benchmarks/volumes.py [--peer PYTHON] [--brain FILE] [--data-root DATA] [--out FILE]

Volumes of 48³ voxels of binary blobs of scikit-image, of which one is filled, part of a head (FILE: the T1
average of 152 heads that comes with nilearn, mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz, free of noise
as an average), and 192² pixels of microscopy/pairs/volume3d, whose three slices are three stains. Counts of
so many photons at white are made even by the same transform, and brought back by the same inverse, for all;
bm4d does so itself, and again with its estimate.
PYTHON is the interpreter of an environment with the wheel (bm4d, non-commercial; it takes no three slices);
left out, it has no column. Rows that are there are not made again.
"""

import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import tifffile
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests" / "methods" / "filters")]
import test_bm4d as made  # noqa: E402 - the volumes of the tests

import record  # noqa: E402
from pellucid.methods.filters.bm4d import Config, of_counts, restore  # noqa: E402
from pellucid.noise.report import NoiseReport  # noqa: E402
from pellucid.noise.stabilise import Anscombe  # noqa: E402

SIDE = 48
WHITE = (0.05, 0.1, 0.2)
"""standard deviations; white is 1"""
PHOTONS = (10.0, 50.0)
"""at white"""
PEER = (
    "import sys, numpy, bm4d; numpy.save(sys.argv[2], bm4d.bm4d(numpy.load(sys.argv[1]), float(sys.argv[3])))"
)


def peer(python: Path, noisy: torch.Tensor, sigma: float) -> torch.Tensor:
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/noisy.npy", noisy[0].numpy())
        subprocess.run(
            [python, "-c", PEER, f"{folder}/noisy.npy", f"{folder}/out.npy", str(sigma)], check=True
        )
        return torch.from_numpy(np.load(f"{folder}/out.npy")).float()[None]


def head(path: Path) -> torch.Tensor:
    """(1, 48, 48, 48) of the middle of a volume of bytes in NIfTI-1, 0 to 1."""
    raw = gzip.decompress(path.read_bytes())
    _, x, y, z = np.frombuffer(raw, "<i2", 4, 40)
    offset = int(np.frombuffer(raw, "<f4", 1, 108)[0])
    if np.frombuffer(raw, "<i2", 1, 70)[0] != 2:
        raise SystemExit(f"{path} must be NIfTI-1 of bytes, as nilearn has it.")
    whole = np.frombuffer(raw, np.uint8, int(x) * int(y) * int(z), offset).reshape(z, y, x) / 255
    corner = [int(n) // 2 - SIDE // 2 + move for n, move in zip(whole.shape, (10, 30, 25), strict=True)]
    cut = tuple(slice(n, n + SIDE) for n in corner)
    return torch.from_numpy(whole[cut]).float()[None]


def volumes(root: Path, brain: Path | None) -> Iterator[tuple[str, torch.Tensor]]:
    """Their names, and they themselves, (1, D, H, W)."""
    yield from ((name, made.volume(name, SIDE)) for name in ("coarse", "fine"))
    if brain is not None:
        yield "head", head(brain)
    stains = root / "microscopy" / "pairs" / "volume3d_gt.tif"
    if stains.is_file():
        cut = tifffile.imread(stains)[:, 160:352, 160:352].astype(np.float32)
        yield "stains", torch.from_numpy(cut / 255)[None]


def row(clean: torch.Tensor, noise: str, level: float, python: Path | None) -> dict[str, float]:
    """PSNR of all of them on a volume with noise."""
    change = report = None
    noisy, sigma = made.drawn(clean, level), level
    if noise == "poisson":
        draws = torch.Generator().manual_seed(0)
        noisy, sigma = torch.poisson(clean.clamp_min(0) * level, generator=draws) / level, 1.0
        report = replace(NoiseReport.white(0.1, 1), gain=(1 / level,), offset=(0.0,))
        change = Anscombe(report)
    seen = noisy if change is None else change.forward(noisy[0][None])

    def score(estimate: torch.Tensor) -> float:
        back = estimate if change is None else change.inverse(estimate)
        return made.psnr(clean, back.float())

    begun = time.process_time()
    if report is None:
        ours = restore(seen.float(), made.white(sigma), Config(), color=False)
    else:
        ours = of_counts(noisy, report, Config(), color=False)
    took = time.process_time() - begun
    found = {"noisy": made.psnr(clean, noisy), "bm3d": score(made.by_slices(seen.float(), made.white(sigma)))}
    found |= {"bm4d": made.psnr(clean, ours), "cpu": took}
    if python is not None and clean.shape[1] > 3:
        found["peer"] = score(peer(python, seen.float(), sigma))
    return found


def main() -> None:
    parser = record.arguments(__doc__, "volumes")
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--brain", type=Path)
    asked = parser.parse_args()
    out = record.destination(asked)
    restore(made.volume("coarse")[:, :8, :16, :16], made.white(0.1), Config(), color=False)  # compiled
    rows = [] if out is None or not out.exists() else json.loads(out.read_text())["volumes"]
    done = {(r["volume"], r["noise"], r["level"]) for r in rows}
    result = record.about(asked, __doc__) | {"volumes": rows}
    for name, clean in volumes(asked.data_root, asked.brain):
        for noise, level in [("white", s) for s in WHITE] + [("poisson", p) for p in PHOTONS]:
            if (name, noise, level) in done:
                continue
            found = row(clean, noise, level, asked.peer)
            rows.append(
                {"volume": name, "noise": noise, "level": level} | {k: round(v, 3) for k, v in found.items()}
            )
            print(rows[-1], flush=True)
            record.save(out, result)


if __name__ == "__main__":
    main()
