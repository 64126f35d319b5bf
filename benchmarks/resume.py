"""Trainings killed (SIGKILL) three times at random moments and resumed: their weights against unbroken ones.

    python benchmarks/resume.py
    python benchmarks/resume.py --methods n2n --steps 1000 --kills 5 --seed 7

Small networks on pictures that scikit-image ships, with averaged weights, on the CPU. A step is drawn for
each kill; when the log has come to it, a further random time of up to two checkpoints passes, so that the
kill falls anywhere: in a step, in a test on held-out crops, in the writing of a checkpoint. Then the same
command is given again with --resume, as a user would. Compared, bit for bit, are all tensors of the two
model files, and the losses in the two logs.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from skimage import data

import record

METHODS: dict[str, list[str]] = {
    "n2n": ["--network", "small-residual", "--noise", "gaussian:0-50"],
    "iddp": ["--network", "small-iddp", "--noise", "gaussian:25", "--fixed", "1", "--set", "warm_up=40"],
    "n2v": ["--network", "small-residual", "--noise", "gaussian:25", "--fixed", "1"],
}
COMMON = ["--set", "ema=0.99", "--set", "patch=32", "--set", "batch=2", "--device", "cpu"]
PICTURES = ("astronaut", "coffee", "cat", "camera")
PATIENCE = 600.0


def rows_of(out: Path) -> list[dict[str, str]]:
    """The log beside a model, as far as it is written."""
    log = out.with_suffix(".run") / "metrics.csv"
    if not log.exists():
        return []
    with log.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if (row["step"] or "").isdigit()]


def logged(out: Path) -> int:
    """The last step in the log."""
    return max((int(row["step"]) for row in rows_of(out)), default=0)


def losses(out: Path) -> list[tuple[str, str, str]]:
    return [(row["step"], row["loss"], row["held_out"]) for row in rows_of(out)]


def killed(command: list[str], out: Path, at: int, late: float) -> dict[str, Any] | None:
    """Kill a training `late` seconds after a step is in the log, `at` or a new one; None: it had ended."""
    started, before = time.monotonic(), logged(out)
    at = max(at, before + 1)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        while logged(out) < at:
            if process.poll() is not None:
                raise SystemExit(f"the training ended early: {process.communicate()[0][-2000:]}")
            if time.monotonic() - started > PATIENCE:
                process.kill()
                raise SystemExit(f"no step {at} after {PATIENCE:g} s")
            time.sleep(0.002)
        time.sleep(late)
        if process.poll() is not None:
            return None
        process.kill()
        process.wait()
    return {
        "resumed_from": before,
        "logged_step": logged(out),
        "seconds": round(time.monotonic() - started, 1),
    }


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    from pellucid import models

    return dict(models.read(path)[1])


def digest(weights: dict[str, torch.Tensor]) -> str:
    found = hashlib.sha256()
    for name in sorted(weights):
        found.update(name.encode() + weights[name].contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


def interrupted(method: str, folder: Path, given: argparse.Namespace) -> record.Row:
    def command(out: Path, *more: str) -> list[str]:
        return [
            sys.executable, "-m", "pellucid", "train", method, str(folder / "pictures"), "-o", str(out),
            *METHODS[method], *COMMON, "--steps", str(given.steps), "--every", str(given.every), *more,
        ]  # fmt: skip

    whole, broken = folder / f"{method}-whole.safetensors", folder / f"{method}-broken.safetensors"
    subprocess.run(command(whole), check=True, capture_output=True, text=True)
    clock = [float(row["seconds"]) for row in rows_of(whole)]
    pause = (clock[-1] - clock[0]) / max(1, len(clock) - 1)
    draws = random.Random(f"{given.seed} {method}")
    steps = sorted(draws.sample(range(1, given.steps - 3 * given.every), given.kills))
    kills = []
    for step in steps:
        done = killed(command(broken, "--resume"), broken, step, draws.uniform(0, 2 * pause))
        kills += [] if done is None else [{"drawn_step": step, **done}]
    subprocess.run(command(broken, "--resume"), check=True, capture_output=True, text=True)
    one, two = weights_of(whole), weights_of(broken)
    same = one.keys() == two.keys() and all(
        one[n].dtype == two[n].dtype and torch.equal(one[n], two[n]) for n in one
    )
    return {
        "kills": kills,
        "equal_bit_for_bit": same,
        "equal_losses_in_the_log": losses(whole) == losses(broken),
        "tensors": len(one),
        "weights": sum(value.numel() for value in one.values()),
        "digest_unbroken": digest(one),
        "digest_killed": digest(two),
        "steps": given.steps,
        "every": given.every,
        "settings": " ".join(METHODS[method] + COMMON),
    }


def main() -> None:
    parser = record.arguments(__doc__, "resume")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--every", type=int, default=20, help="steps between checkpoints")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(given.threads)
    out, head = record.destination(given), record.about(given, __doc__)
    rows = record.kept(out, head["source"])
    with tempfile.TemporaryDirectory() as work_folder:
        folder = Path(work_folder)
        (folder / "pictures").mkdir()
        for name in PICTURES[: given.limit]:
            picture = record.middle(getattr(data, name)(), 256)
            Image.fromarray(picture).convert("RGB").save(folder / "pictures" / f"{name}.png")
        for method in given.methods:
            rows[method] = interrupted(method, folder, given)
            record.save(out, head | {"rows": rows})
            print(method, rows[method], flush=True)
    if not all(row["equal_bit_for_bit"] and len(row["kills"]) == given.kills for row in rows.values()):
        raise SystemExit("not equal, or killed too seldom")


if __name__ == "__main__":
    main()
