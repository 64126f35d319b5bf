"""Lay every shot on the first, at its brightness, or say why that cannot be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pellucid import checks
from pellucid.shots.brightness import brightness
from pellucid.shots.moving import inside, moved
from pellucid.shots.registering import Registration, register

FARTHEST = 1 / 8  # of the shorter side; beyond, too little of the scene is common
SMALLEST = 16  # pixels a side; smaller pictures are taken as they are
STILL = 0.05  # pixels; nearer than that a shot is left as it is, and its pixels keep their bits
UNKNOWN = Registration(
    down=0.0, across=0.0, error=(math.inf, math.inf), correlation=0.0, expected=1.0, clear=False
)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """What was done to a shot.

    Attributes:
        shift: pixels by which its content was moved (down, across).
        correlation: with the first shot afterwards, in the finest band of scales that noise leaves.
        gain: factor per channel.
        offset: added per channel, working units.
    """

    shift: tuple[float, float]
    correlation: float
    gain: tuple[float, ...]
    offset: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """Shots in register.

    Attributes:
        shots: (S, N, C, H, W); where a shot shows nothing of the first, the first's own pixels.
        seen: (S, 1, 1, H, W) bool, where each shot shows the scene.
        placements: what was done, one entry per shot; the first was left as it is.
        warnings: what the user should know.
    """

    shots: Tensor
    seen: Tensor
    placements: tuple[Placement, ...]
    warnings: tuple[str, ...] = ()

    def average(self, shots: Tensor | None = None) -> Tensor:
        """(N, C, H, W): at every pixel the mean of the shots that show it; of others in the same places.

        With S shots of independent noise its standard deviation falls to 1 / sqrt(S); at borders where fewer
        shots see the scene, it falls less.
        """
        shots = self.shots if shots is None else shots
        if bool(self.seen.all()):
            return shots[0] if len(shots) == 1 else shots.mean(0)
        weight = self.seen.to(shots.dtype)
        return (shots * weight).sum(0) / weight.sum(0)

    @property
    def words(self) -> str:
        """What was measured, for people."""
        far = max(math.hypot(*p.shift) for p in self.placements)
        text = f"{len(self.placements)} shots"
        text += f", moved by up to {far:.2f} px" if far else ", in register as they were"
        gains = [gain for p in self.placements for gain in p.gain]
        changed = any(g != 1 for g in gains) or any(any(p.offset) for p in self.placements)
        return text + (f", brightness matched (gain {min(gains):.3f} to {max(gains):.3f})" if changed else "")


def align(shots: Tensor, names: Sequence[str] | None = None) -> Aligned:
    """Bring shots of one scene into register with the first, and to its brightness.

    One move serves all slices and channels. It must be a shift: rotation, zoom and things that move within
    the scene are not undone.

    Args:
        shots: (S, N, C, H, W) on the CPU, working units; S at least 1.
        names: of the shots, for messages.

    Returns:
        The shots in register; where nothing had to be done, the very values that came.

    Raises:
        ValueError: when a shot shows another scene or lies too far off; the measured shift and correlation
            are in the message.

    >>> scene = torch.rand(1, 1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    >>> align(scene.expand(2, 1, 1, 64, 64)).words
    '2 shots, in register as they were'
    """
    checks.in_range("number of shots", len(shots), 1)
    names = names or [f"shot {i}" for i in range(1, len(shots) + 1)]
    channels, height, width = shots.shape[2:]
    gray = np.asarray((shots if len(shots) > 1 else shots[:0]).double().mean((1, 2)).numpy())
    still = Placement(shift=(0.0, 0.0), correlation=1.0, gain=(1.0,) * channels, offset=(0.0,) * channels)
    laid, seen, placements = [shots[0]], [torch.ones(1, 1, height, width, dtype=torch.bool)], [still]
    warnings: list[str] = []
    for shot, picture, name in zip(shots[1:], gray[1:], names[1:], strict=True):
        found = UNKNOWN if min(height, width) < SMALLEST else register(gray[0], picture)
        if found.clear or found.correlation >= found.expected:
            _judge(found, min(height, width), name, names[0])
            down, across = _settled(found)
        else:
            down, across = 0.0, 0.0
            warnings.append(f"{name} was not moved: it shows too little above the noise to go by")
        there = inside(height, width, down, across)[None, None]
        shot = moved(shot, down, across)
        shown = shot.masked_fill(~there, math.nan)
        lines = [brightness(shots[0][:, c], shown[:, c]) for c in range(channels)]
        gain, offset = tuple(g for g, _ in lines), tuple(o for _, o in lines)
        if lines != [(1.0, 0.0)] * channels:
            shot = shot * torch.tensor(gain).view(-1, 1, 1) + torch.tensor(offset).view(-1, 1, 1)
        laid.append(torch.where(there, shot, shots[0]))
        seen.append(there)
        placements.append(
            Placement(shift=(down, across), correlation=found.correlation, gain=gain, offset=offset)
        )
    return Aligned(
        shots=torch.stack(laid),
        seen=torch.stack(seen),
        placements=tuple(placements),
        warnings=tuple(warnings),
    )


def _judge(found: Registration, side: int, name: str, first: str) -> None:
    where = f"({found.down:+.2f}, {found.across:+.2f}) pixels (down, across)"
    if found.correlation < found.expected:
        raise ValueError(
            f"shots must show one scene: {name} correlates by {found.correlation:.2f} with {first} after the "
            f"best shift, {where}; expected at least {found.expected:.2f}. Leave it out, or denoise it alone."
        )
    limit = FARTHEST * side
    if max(abs(found.down), abs(found.across)) > limit:
        raise ValueError(
            f"shots must lie within {limit:.0f} pixels of each other, an eighth of the shorter side: {name} "
            f"lies on {first} after a shift of {where}, correlation {found.correlation:.2f}. Crop them to "
            "the same part of the scene first."
        )


def _settled(found: Registration) -> tuple[float, float]:
    """The shift to undo: none where none is established, and whole pixels where the rest is within error."""
    shifts = []
    for shift, error in ((found.down, found.error[0]), (found.across, found.error[1])):
        near = max(STILL, 2 * error) if math.isfinite(error) else 0.5
        shifts.append(float(round(shift)) if abs(shift - round(shift)) <= near else shift)
    return shifts[0], shifts[1]
