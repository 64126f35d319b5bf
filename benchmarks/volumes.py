"""BM4D against BM3D slice by slice and against the bm4d wheel, told the level, on volumes of binary blobs.

    python benchmarks/volumes.py [--peer PYTHON] [--out benchmarks/results/volumes.json]

PYTHON is the interpreter of an environment with the wheel (bm4d, non-commercial); left out, it has no column.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests" / "methods" / "filters")]
import test_bm4d as made  # noqa: E402 - the volumes of the tests

from pellucid.methods.filters.bm4d import Config, restore  # noqa: E402

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "volumes.json")
    asked = parser.parse_args()
    restore(made.volume("coarse")[:, :8, :16, :16], made.white(0.1), Config(), color=False)  # compiled
    rows = []
    for name in ("coarse", "fine"):
        clean = made.volume(name, 48)
        for sigma in (0.05, 0.1, 0.2):
            noisy = made.drawn(clean, sigma)
            begun = time.process_time()
            ours = restore(noisy, made.white(sigma), Config(), color=False)
            took = time.process_time() - begun
            row = {"volume": name, "sigma": sigma, "noisy": made.psnr(clean, noisy)}
            row["bm3d"] = made.psnr(clean, made.by_slices(noisy, made.white(sigma)))
            row |= {"bm4d": made.psnr(clean, ours), "cpu": took}
            if asked.peer is not None:
                row["peer"] = made.psnr(clean, peer(asked.peer, noisy, sigma))
            rows.append({key: v if isinstance(v, str) else round(v, 3) for key, v in row.items()})
            print(rows[-1], flush=True)
    asked.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
