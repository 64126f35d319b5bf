"""One network learns from another on noisy pictures: what the first makes of them is the target."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pellucid import devices, files, learning, seeds
from pellucid.engine import adam, packed, placed

SIDE = 1024
"""most that is kept of a picture, pixels a side"""
MOST = 200
"""pictures that are read"""
LOOK = 50
"""steps between two looks at the loss"""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """How long, and on what.

    Attributes:
        seconds: at most; None for no limit.
        steps: of the optimiser, at most.
        batch: crops per step.
        patch: side of a crop, pixels.
        rate: of Adam at the start; it falls to 0 as a cosine.
        levels: lowest and highest standard deviation of the noise that is added, working units.
        seed: of all draws.
    """

    seconds: float | None = None
    steps: int = 4000
    batch: int = 8
    patch: int = 64
    rate: float = 2e-3
    levels: tuple[float, float] = (0.0, 0.2)
    seed: int = 0


def pictures(folder: Path, channels: int) -> list[Tensor]:
    """The pictures of a folder as (C, H, W), of those that have so many channels; gray takes all, one each.

    Raises:
        FileNotFoundError: when there is no such folder.
        ValueError: when none of its pictures will do.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"data must be a folder of pictures, there is none at {str(folder)!r}.")
    found: list[Tensor] = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in files.SUFFIXES)[:MOST]:
        pixels = torch.from_numpy(np.array(files.read(path).pixels[0, :, :SIDE, :SIDE]))
        if channels == 1:
            pixels = pixels.mean(0, keepdim=True)
        if len(pixels) == channels and min(pixels.shape[1:]) >= 16:
            found.append(pixels)
    if not found:
        raise ValueError(f"data must hold pictures of {channels} channels, {str(folder)!r} has none.")
    return found


def teach(
    student: nn.Module,
    teacher: nn.Module,
    images: Sequence[Tensor],
    lesson: Lesson,
    progress: Callable[[str], object] = lambda text: None,
) -> tuple[int, float, float]:
    """Fit a network to another one, both told the same level: mean |f(y; s) - g(y; s)|² over noisy crops y.

    y is a crop of the pictures, as noisy as they are, with white noise of a level drawn for each. No clean
    picture is asked for, as the target is what the teacher gives. Convolutions compute in bfloat16 where the
    processor has it, which makes a step less than half as long.

    Args:
        student: f, fitted in place.
        teacher: g, of the same inputs.
        images: (C, H, W) each.
        lesson: how long.
        progress: told how it goes.

    Returns:
        Steps, seconds, and the mean loss of the last ones.
    """
    student, teacher = placed(student, torch.device("cpu")), placed(teacher, torch.device("cpu"))
    student.train()
    for weight in student.parameters():
        weight.requires_grad_(True)
    optimizer = adam(student.parameters(), lesson.rate)
    started, recent, step = time.monotonic(), list[Tensor](), 0
    while step < lesson.steps:
        spent = time.monotonic() - started
        done = max(step / lesson.steps, 0.0 if lesson.seconds is None else spent / lesson.seconds)
        if done >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = lesson.rate * 0.5 * (1 + np.cos(np.pi * done))
        noisy, sigma = _crops(images, lesson, step)
        with devices.arithmetic("auto", noisy.device):
            with torch.no_grad():
                target = learning.apply(teacher, noisy, sigma)
            estimate = learning.apply(student, noisy, sigma)
        loss = (estimate - target).float().square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        step += 1
        recent = [*recent[-LOOK + 1 :], loss.detach()]
        if step % LOOK == 0:
            mean = float(torch.stack(recent).mean())
            if not np.isfinite(mean):
                raise ArithmeticError("the loss is not finite. Lower the learning rate.")
            progress(
                f"step {step}, {spent:.0f} s, {-10 * np.log10(max(mean, 1e-12)):.2f} dB from the teacher"
            )
    student.eval().requires_grad_(False)
    last = float(torch.stack(recent[-max(1, step // 5) :]).mean()) if recent else float("nan")
    return step, time.monotonic() - started, last


def _crops(images: Sequence[Tensor], lesson: Lesson, step: int) -> tuple[Tensor, Tensor]:
    """A batch of noisy crops (B, C, P, P) and the level of the noise that was added, (B, 1, 1, 1)."""
    generator = seeds.generator(lesson.seed, "teach", step)

    def below(bound: int) -> int:
        return int(torch.randint(bound, (1,), generator=generator))

    parts: list[Tensor] = []
    for _ in range(lesson.batch):
        image = images[below(len(images))]
        side = lesson.patch
        rows, columns = (torch.arange(side) for _ in range(2))
        top, left = (below(max(1, length - side + 1)) for length in image.shape[1:])
        part = image[:, (rows + top) % image.shape[1]][:, :, (columns + left) % image.shape[2]]
        part = part.rot90(below(4), (1, 2))
        parts.append(part.flip(2) if below(2) else part)
    low, high = lesson.levels
    sigma = low + (high - low) * torch.rand(lesson.batch, 1, 1, 1, generator=generator)
    clean = torch.stack(parts)
    return packed(clean + sigma * torch.randn(clean.shape, generator=generator)), sigma
