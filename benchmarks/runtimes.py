"""Every runtime and precision for the shipped models: time on 512 x 512 in one run, and what it costs in dB.

    python benchmarks/runtimes.py

For each model all choices run in turns on the astronaut of scikit-image with noise; then swift-color in 8
bits is compared with itself in floats on every sixth picture of CBSD68. Ratios hold on a busy machine,
milliseconds do not.
"""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import torch
from skimage.io import imread

import record
from pellucid import learning, methods, models
from pellucid.exporting import runtime, tune

MODELS = ("swift-color", "swift-gray", "swift-grain", "iddp-color")
LEVELS = (15, 25, 50)


def quality(paths: list, threads: int) -> list[record.Row]:
    """PSNR of swift-color on noisy pictures, in floats, bfloat16 and 8 bits."""
    torch.set_num_threads(threads)
    n2n, path = methods.load("n2n"), models.locate("swift-color")
    files = {
        "float32": path,
        "onnx int8": runtime.ready(path, runtime.Choice(runtime="onnx", precision="int8")),
        "openvino int8": runtime.ready(path, runtime.Choice(runtime="openvino", precision="int8")),
        "openvino bfloat16": runtime.ready(path, runtime.Choice(runtime="openvino", precision="bfloat16")),
    }
    networks = {n: models.load(f, "n2n", n2n.learning, n2n.config).network for n, f in files.items()}
    rows: list[record.Row] = []
    for number, picture in enumerate(paths):
        clean = torch.from_numpy(imread(picture).copy()).float().permute(2, 0, 1)[None] / 255
        for level in LEVELS:
            draws = np.random.default_rng(1000 * level + number).standard_normal(
                clean.shape, dtype=np.float32
            )
            noisy, sigma = (
                clean + level / 255 * torch.from_numpy(draws),
                torch.full((1, 1, 1, 1), level / 255),
            )
            row: record.Row = {"image": picture.stem, "sigma": level}
            for name, network in networks.items():
                with torch.no_grad():
                    made = learning.apply(network, noisy, sigma)
                row[name] = record.psnr(clean.numpy(), made.numpy(), digits=3)
            print(row, file=sys.stderr, flush=True)
            rows.append(row)
    return rows


def main() -> None:
    parser = record.arguments(__doc__, "runtimes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", type=int, default=512)
    given = parser.parse_args()
    out, head = record.destination(given), record.about(given, __doc__)
    torch.set_num_threads(given.threads)
    speed: dict[str, list[record.Row]] = {}
    for name in MODELS:
        done = tune.tune(name, rounds=given.rounds, side=given.side, store=False)
        base = done.rows[0]
        speed[name] = [
            dataclasses.asdict(row.choice)
            | {"ms": round(row.ms), "of_torch": round(row.ms / base.ms, 2)}
            | {"psnr": round(row.psnr, 3), "change": round(row.psnr - base.psnr, 3)}
            for row in done.rows
        ]
        for choice, reason in done.left_out.items():
            speed[name].append({"left_out": choice, "reason": reason})
        for row in speed[name]:
            print(name, row, file=sys.stderr, flush=True)
    rows = quality(record.pictures(given.data_root, "clean/CBSD68", None)[::6][: given.limit], given.threads)
    means = {
        str(level): {
            name: round(float(np.mean([row[name] for row in rows if row["sigma"] == level])), 3)
            for name in rows[0]
            if name not in ("image", "sigma")
        }
        for level in LEVELS
    }
    record.save(out, head | {"machine": runtime.machine(), "speed": speed, "cbsd68": means, "rows": rows})
    print(means)


if __name__ == "__main__":
    main()
