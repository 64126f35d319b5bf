"""The shipped networks alone on all of BSD68 and CBSD68, white noise, the level told.

    python benchmarks/told.py
    python benchmarks/told.py --sets gray --model gray.safetensors -o told-gray.json

Floats, not clipped; one view, as a network by itself is asked (`photo` asks for four and averages with
BM3D). The noise of picture number i, in the order of the names, is NumPy's of seed i. Every sixth are the
twelve pictures of the older tables. What others publish beside: FFDNet 31.21 and 29.19 dB, DnCNN 31.31 and
29.23 (colour and gray, sigma 25), both trained on clean Berkeley pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from skimage.io import imread

import record

SETS = {"gray": "clean/BSD68_gray", "colour": "clean/CBSD68"}
MODELS = {"gray": "swift-gray", "colour": "swift-color"}
SIGMAS = (15, 25, 50)
SIXTH = 6


def one(number: int, path: str, sigma: int, model: str) -> float:
    """PSNR of what the model makes of one picture."""
    import pellucid

    clean = imread(path).astype(np.float32) / 255
    noise = np.random.default_rng(number).standard_normal(clean.shape, dtype=np.float32)
    axis = None if clean.ndim == 2 else -1
    noisy = clean + np.float32(sigma / 255) * noise
    estimate = pellucid.denoise(noisy, model=model, sigma=sigma / 255, data_range=1.0, channel_axis=axis)
    return record.psnr(clean, np.asarray(estimate), digits=3)


def main() -> None:
    """A row for each set and level."""
    parser = record.arguments(__doc__, "told")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--model", help="a name or a file in place of the shipped model")
    given = parser.parse_args()
    record.limit_threads(given.threads)
    out = record.destination(given)
    result = record.about(given, __doc__)
    rows = record.kept(out, result["source"])
    for name in given.sets:
        paths = record.pictures(given.data_root, SETS[name], given.limit)
        for sigma in SIGMAS:
            model = given.model or MODELS[name]
            key = f"{name}, {Path(model).stem}, sigma {sigma}"
            if key in rows:
                continue
            found = [one(i, str(path), sigma, model) for i, path in enumerate(paths)]
            rows[key] = {
                "model": Path(model).name,
                "pictures": len(found),
                "psnr": round(float(np.mean(found)), 3),
                "every_sixth": round(float(np.mean(found[::SIXTH])), 3),
                "each": dict(zip((path.stem for path in paths), found, strict=True)),
            }
            print(key, rows[key]["psnr"], rows[key]["every_sixth"], file=sys.stderr, flush=True)
            record.save(out, {**result, "rows": rows})


if __name__ == "__main__":
    main()
