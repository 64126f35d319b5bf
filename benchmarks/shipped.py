"""The shipped colour model's speed beside the `bm3d` wheel: whole processes, less what their start takes.

    python benchmarks/shipped.py

Set9 pictures of 512 x 512 with white noise of sigma 25, the level told to both. Every run is a fresh Python
that loads a .npy, denoises and writes; the same on a piece of 16 x 16 is its start-up, which is taken off.
The runs take turns; the ratio is taken within each turn. Run it on an idle machine.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from skimage.io import imread

import record
from bm3d_peer import SPEED_IMAGES, WHEEL, process

MODEL = """
import sys, numpy, pellucid
noisy = numpy.load(sys.argv[1])
clean = pellucid.denoise(noisy, model="swift-color", sigma=25 / 255, data_range=1.0, channel_axis=2)
numpy.save(sys.argv[2], clean)
"""
PIECE = 16
BAR = 12


def turns(path: Path, count: int, threads: int) -> list[record.Row]:
    """So many turns on one picture: seconds of each, less the start-up, and PSNR."""
    clean = imread(path).astype(np.float32) / 255
    noise = np.random.default_rng(0).standard_normal(clean.shape, dtype=np.float32)
    found: list[record.Row] = []
    with tempfile.TemporaryDirectory(prefix="pellucid-shipped-") as folder:
        whole, piece, out = (Path(folder, f"{name}.npy") for name in ("whole", "piece", "out"))
        np.save(whole, clean + np.float32(25 / 255) * noise)
        np.save(piece, np.load(whole)[:PIECE, :PIECE])
        for _ in range(count):
            row: record.Row = {}
            for who, code in (("model", MODEL), ("wheel", WHEEL)):
                start = process(code, piece, out, threads)["seconds"]
                run = process(code, whole, out, threads)
                row[who] = {
                    "seconds": round(run["seconds"] - start, 3),
                    "start_up": start,
                    "peak_mb": run["peak_mb"],
                    "psnr": record.psnr(clean, np.load(out), digits=3),
                }
            row["times_faster"] = round(row["wheel"]["seconds"] / row["model"]["seconds"], 1)
            print(path.stem, row, file=sys.stderr, flush=True)
            found.append(row)
    return found


def main() -> None:
    parser = record.arguments(__doc__, "shipped")
    parser.add_argument("--turns", type=int, default=3, help="per picture")
    given = parser.parse_args()
    if not record.has("bm3d"):
        raise SystemExit("skipped: the bm3d wheel is not installed (non-commercial licence).")
    out, head = record.destination(given), record.about(given, __doc__)
    images = {
        stem: turns(path, given.turns, given.threads)
        for stem in SPEED_IMAGES
        for path in record.pictures(given.data_root, "clean/Set9", None, f"{stem}.png")
    }
    ratios = [row["times_faster"] for rows in images.values() for row in rows]
    summary = {"times_faster": median(ratios), "least": min(ratios), f"at_least_{BAR}": median(ratios) >= BAR}
    record.save(out, head | {"images": images, "summary": summary})
    print(summary)


if __name__ == "__main__":
    main()
