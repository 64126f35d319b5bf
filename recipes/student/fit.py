"""Trains the student for photographs on lessons (lessons.py), from the shipped network.

    python recipes/student/fit.py lessons/ -o swift-photo.safetensors --validate held-out-lessons/

The student sees a noisy crop and the level that the network is told of noise which pixels share, once. The
target is what the default makes of the crop, with filter, network, every second pixel, NLH and the step of
brightness. The loss is the mean square error over that of what the teacher took off, so that weak and strong
noise count alike. Lessons that come into the folder during the training are taken up.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pellucid import methods, models, seeds
from pellucid.models.card import Card

FLOOR = (1.5 / 255) ** 2
"""added to the square of what the teacher took off"""
CLIP = 0.05
"""norm of the gradient, at the most"""


class Lessons:
    """All lessons of a folder in memory: noisy bytes (3, H, W), target, the level that is told."""

    def __init__(self, folder: Path) -> None:
        self.all: list[tuple[Tensor, Tensor, float]] = []
        self.folder = folder
        self.read: set[Path] = set()
        self.look()

    def look(self) -> None:
        """Take up what has come into the folder."""
        for path in sorted(set(self.folder.glob("*.npz")) - self.read):
            with np.load(path) as kept:
                noisy, target = (
                    torch.from_numpy(kept[name]).permute(2, 0, 1) for name in ("noisy", "target")
                )
                self.all.append((noisy, target, float(kept["told"])))
            self.read.add(path)

    def batch(self, draws: torch.Generator, count: int, side: int) -> tuple[Tensor, Tensor, Tensor]:
        """Crops, each turned in one of eight ways: noisy, target (B, 3, side, side), level (B, 1, 1, 1)."""
        noisy, target, told = [], [], []

        def one_of(number: int) -> int:
            return int(torch.randint(number, (), generator=draws))

        while len(noisy) < count:
            given, taught, level = self.all[one_of(len(self.all))]
            if min(given.shape[1:]) < side:
                continue
            top, left = (one_of(n - side + 1) for n in given.shape[1:])
            turn = one_of(8)
            for plane, into in ((given, noisy), (taught, target)):
                crop = plane[:, top : top + side, left : left + side].float()
                into.append(torch.rot90(crop.flip(-1) if turn >= 4 else crop, turn % 4, (-2, -1)))
            told.append(level)
        return torch.stack(noisy) / 255, torch.stack(target), torch.tensor(told).view(-1, 1, 1, 1)


def errors(student: torch.nn.Module, noisy: Tensor, target: Tensor, told: Tensor) -> Tensor:
    """(B,) the mean square error over that of what the teacher took off."""
    with torch.autocast("cpu", torch.bfloat16):
        made = student(noisy, told)
    removed = (noisy - target).square().mean((1, 2, 3)) + FLOOR
    return (made.float() - target).square().mean((1, 2, 3)) / removed


@torch.no_grad()
def judged(student: torch.nn.Module, lessons: Lessons) -> float:
    """The mean error on whole lessons, as a share."""
    found = [
        float(errors(student, y[None].float() / 255, x[None].float(), torch.full((1, 1, 1, 1), told)))
        for y, x, told in lessons.all
    ]
    return float(np.mean(found))


def write(out: Path, card: Card, weights: Mapping[str, Tensor], share: float) -> None:
    """The averaged weights, in half precision."""
    figures = {"error on lessons of held-out pictures, a share of what the teacher took off": share}
    models.write(out, replace(card, quality=figures), weights, half=True, overwrite=True)


def main() -> None:
    """Train, judge, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lessons", type=Path)
    parser.add_argument("-o", dest="out", type=Path, required=True)
    parser.add_argument("--validate", type=Path, required=True, help="lessons of held-out pictures")
    parser.add_argument("--start", default="swift-color", help="a model by name or file")
    parser.add_argument(
        "--seconds", type=float, default=3000, help="of the processor; the rate falls with them"
    )
    parser.add_argument("--side", type=int, default=128, help="of the crops, pixels")
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--ema", type=float, default=0.999)
    parser.add_argument("--every", type=int, default=250, help="steps after which it is judged and written")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    path = models.locate(given.start)
    card = models.read_card(path)
    method = methods.load(card.method)
    if method.learning is None:
        raise SystemExit(f"{given.start} must be a model that `pellucid train` wrote.")
    student = models.load(path, method.name, method.learning, method.config).network
    student.float().train().requires_grad_(True)
    mean = {name: value.detach().clone() for name, value in student.state_dict().items()}
    lessons, unseen = Lessons(given.lessons), Lessons(given.validate)
    optimiser = torch.optim.AdamW(student.parameters(), lr=given.rate, weight_decay=0, betas=(0.9, 0.99))
    draws = seeds.generator(given.seed, "student")
    began, spent, step, total = time.process_time(), 0.0, 0, 0.0
    with given.out.with_suffix(".csv").open("w", newline="") as file:
        log = csv.writer(file)
        log.writerow(["step", "seconds", "lessons", "loss", "error on held-out lessons"])
        log.writerow([0, 0, len(lessons.all), "", round(judged(student, unseen), 5)])
        while spent < given.seconds:
            spent = time.process_time() - began
            done = min(spent / given.seconds, 1.0)
            rate = given.rate * min(1, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * done))
            for group in optimiser.param_groups:
                group["lr"] = rate
            error = errors(student, *lessons.batch(draws, given.batch, given.side)).mean()
            optimiser.zero_grad()
            error.backward()
            torch.nn.utils.clip_grad_norm_(student.parameters(), CLIP)
            optimiser.step()
            step, total = step + 1, total + float(error.detach())
            keep = min(given.ema, (1 + step) / (10 + step))
            for name, value in student.state_dict().items():
                mean[name].lerp_(value, 1 - keep)
            if step % given.every and spent < given.seconds:
                continue
            own = {name: value.clone() for name, value in student.state_dict().items()}
            student.load_state_dict(mean)
            share = judged(student, unseen)
            student.load_state_dict(own)
            row = [step, round(spent), len(lessons.all), round(total / given.every, 5), round(share, 5)]
            print(row, flush=True)
            log.writerow(row)
            file.flush()
            card = replace(
                card,
                data=f"{len(lessons.all)} noisy crops, taught by normal",
                origin="redrawn",
                teachers=("normal",),
                notes="a student of the default for photographs in which pixels share the noise",
                steps=step,
                seconds=round(spent),
                seed=given.seed,
            )
            write(given.out, card, mean, share)
            total = 0.0
            lessons.look()


if __name__ == "__main__":
    main()
