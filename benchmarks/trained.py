"""Methods that are trained without clean images, beside supervised training: one network, data, steps.

    python benchmarks/trained.py                            gaussian:25, 1500 steps, 64 x 64 crops, batch 8
    python benchmarks/trained.py --noise speckle:0.1 poisson:30
    python benchmarks/trained.py --methods n2n iddp --steps 6000
    python benchmarks/trained.py --ablation                 IDDP with its switches (without: as in the paper)
    python benchmarks/trained.py --train-noise gaussian:0-50    a level per example (tested: --noise)

Training: 400 Berkeley pictures of BSDS500 (none of BSD300 test is among them), the same crops, flips and
seed for all. Methods that learn from single noisy images see one noisy version of each picture, drawn
beforehand; N2N sees two, supervised one beside the clean picture. Learning rate 0.001 along a cosine, Adam,
the network of --network (small-residual: bias, no normalisation, predicts the noise). Test: 160² crops of
BSD300_test100, noise from one frozen seed per picture, not clipped; PSNR on floats. `n2v` and `n2s` by their
published test-time rules, `b2u` by its blind prediction: the published rule (`b2u, both`) gives most of the
weight to what the network makes of a pixel that it sees, and a network that predicts the noise hands that on.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from skimage.io import imread

import record

METHODS = ("supervised", "n2n", "iddp", "nb2nb", "n2v", "n2s", "b2u")
TRAIN, TEST = "train/BSDS500_train_test", "clean/BSD300_test100"
FAST = "iddp, as fast does"
"""with all that the preset adds; the other rows of IDDP are the paper's loss, preset `plain`"""
SWITCHES: dict[str, dict[str, Any]] = {
    "iddp": {},
    "iddp, stop-gradient on the target alone": {"stop_gradient": "target"},
    "iddp, no stop-gradient": {"stop_gradient": "none"},
    "iddp, no mask": {"mask": False},
    "iddp, y for y_blur": {"fidelity": "noisy"},
    FAST: {},
}


def crop(path: Path, size: int) -> np.ndarray:
    return record.middle(imread(path).astype(np.float32) / 255, size)


def noisy_of(clean: np.ndarray, noise: str, stem: str) -> np.ndarray:
    from pellucid import seeds
    from pellucid.noise import models

    planes = torch.from_numpy(np.moveaxis(clean, -1, 0).copy())
    model = models.parse(noise)
    noisy = model.apply(planes, seeds.generator(0, "trained", stem))
    return np.ascontiguousarray(np.moveaxis(noisy.numpy(), 0, -1))


def scored(
    name: str, noise: str, told: str, root: Path, steps: int, batch: int, network: str, tests: int
) -> record.Row:
    import pellucid

    method = name.split(",")[0]
    given: dict[str, Any] = {"batch": batch, "patch": 64, "learning_rate": 1e-3, "decay": "cosine"}
    if method == "iddp":
        given |= {"warm_up": steps // 6} | SWITCHES.get(name, {})
    if name == "b2u":
        given |= {"inference": "blind"}
    preset = "plain" if method == "iddp" and name != FAST else "fast"
    fixed = {"supervised": 1, "n2n": 2}.get(method, 1)
    with tempfile.TemporaryDirectory() as work_folder:
        out = Path(work_folder) / "model.safetensors"
        started = time.process_time()
        try:
            trained = pellucid.train(
                method, root / TRAIN, out, noise=told, fixed=fixed, network=network, steps=steps, set=given,
                held_out=0.0, every=steps, seed=0, preset=preset,
            )  # fmt: skip
        except (ArithmeticError, RuntimeError, ValueError) as error:
            return {"failed": str(error), "cpu_seconds": round(time.process_time() - started, 1)}
        spent = time.process_time() - started
        scores, before = [], []
        for path in record.pictures(root, TEST, tests):
            clean = crop(path, 160)
            noisy = noisy_of(clean, noise, path.stem)
            sigma = float((noisy - clean).std())
            result = pellucid.denoise(
                noisy, model=str(out), channel_axis=-1, data_range=1.0, sigma=min(sigma, 1.0)
            )
            scores.append(record.psnr(clean, result))
            before.append(record.psnr(clean, noisy))
    return {
        "psnr": round(mean(scores), 3),
        "noisy": round(mean(before), 3),
        "pictures": len(scores),
        "steps": trained.steps,
        "cpu_seconds": round(spent, 1),
    }


def main() -> None:
    parser = record.arguments(__doc__, "trained")
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--noise", nargs="+", default=["gaussian:25"])
    parser.add_argument("--train-noise", help="else the noise of the test")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--network", default="small-residual")
    parser.add_argument("--tests", type=int, default=20, help="pictures of the test set")
    parser.add_argument("--ablation", action="store_true", help="the switches of IDDP instead of --methods")
    given = parser.parse_args()
    out, head = record.destination(given), record.about(given, __doc__)
    rows = record.kept(out, head["source"])
    names = list(SWITCHES) if given.ablation else given.methods
    budget = (given.data_root, given.steps, given.batch, given.network, given.tests)
    jobs = [(name, noise, given.train_noise or noise, *budget) for noise in given.noise for name in names]

    def each() -> None:
        record.save(out, head | {"rows": rows})

    record.fill(
        rows,
        jobs,
        scored,
        name=lambda name, noise, told, root, steps, batch, network, tests: (
            f"{noise}{'' if told == noise else f', trained at {told}'} | {name} | {network} {steps}x{batch}"
        ),
        workers=1,
        threads=given.threads,
        each=each,
    )
    each()
    for key, row in rows.items():
        print(key, row)


if __name__ == "__main__":
    main()
