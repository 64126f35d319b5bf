"""swift-color pruned: 30 per cent of its channels, and 30 per cent of its weights, fitted without clean data.

    python benchmarks/prune.py --steps 600

Each is fitted to the whole model on noisy crops (pictures of BSDS500 with noise added, which no target shows
clean), once from the strongest channels and once from random weights of the same size. PSNR on every sixth
picture of CBSD68, level told; time on 512 x 512 in turns with the whole model, as a ratio.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from skimage.io import imread

import record
from pellucid import learning, methods, models
from pellucid.exporting import pictures
from pellucid.production.prune import prune
from pellucid.production.teaching import Lesson

LEVEL = 25 / 255
FORMS = {
    "30 % of the channels": {"of": "channels"},
    "30 % of the channels, random weights": {"of": "channels", "fresh": True},
    "30 % of the weights": {"of": "weights"},
}


def network(path: Path) -> torch.nn.Module:
    n2n = methods.load("n2n")
    return models.load(path, "n2n", n2n.learning, n2n.config).network


def main() -> None:
    parser = record.arguments(__doc__, "prune")
    parser.add_argument("--steps", type=int, default=600)
    given = parser.parse_args()
    out, head = record.destination(given), record.about(given, __doc__)
    torch.set_num_threads(given.threads)
    rows: dict[str, record.Row] = {"whole": {"weights": 1.0}}
    networks = {"whole": network(models.locate("swift-color"))}
    with tempfile.TemporaryDirectory(prefix="pellucid-prune-") as folder:
        for name, form in FORMS.items():
            target = Path(folder, "pruned.safetensors")
            data = given.data_root / "train" / "BSDS500_train_test"
            lesson = Lesson(steps=given.steps)
            done = prune("swift-color", target, data, keep=0.3, lesson=lesson, overwrite=True, **form)
            rows[name] = {
                "weights": round(done.weights[1] / done.weights[0], 3),
                "fit_s": round(done.seconds),
            }
            networks[name] = network(target)
            print(name, rows[name], done.loss, file=sys.stderr, flush=True)
    scores: dict[str, list[float]] = {name: [] for name in ("noisy", *networks)}
    for number, path in enumerate(record.pictures(given.data_root, "clean/CBSD68", None)[::6][: given.limit]):
        clean = torch.from_numpy(imread(path).copy()).float().permute(2, 0, 1)[None] / 255
        noisy = pictures.noisy(clean, LEVEL, seed=number)
        scores["noisy"].append(record.psnr(clean, noisy))
        for name, one in networks.items():
            with torch.no_grad():
                made = learning.apply(one, noisy, torch.full((1, 1, 1, 1), LEVEL))
            scores[name].append(record.psnr(clean, made))
    noisy = pictures.noisy(pictures.clean(3), LEVEL)
    times: dict[str, list[float]] = {name: [] for name in networks}
    for turn in range(4):
        for name, one in networks.items():
            started = time.perf_counter()
            with torch.no_grad():
                learning.apply(one, noisy, torch.full((1, 1, 1, 1), LEVEL))
            if turn:
                times[name].append(time.perf_counter() - started)
    for name in networks:
        rows[name] |= {
            "psnr": round(float(np.mean(scores[name])), 2),
            "time": round(median(t / w for t, w in zip(times[name], times["whole"], strict=True)), 3),
        }
    result = {
        "rows": rows,
        "noisy": round(float(np.mean(scores["noisy"])), 2),
        "pictures": len(scores["noisy"]),
    }
    record.save(out, head | result)
    print(result)


if __name__ == "__main__":
    main()
