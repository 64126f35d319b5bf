"""IDBP: fill what is missing by denoising again and again, and putting back what is known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from pellucid import fields
from pellucid.degradation import Mask
from pellucid.methods.filters import biharmonic, bm3d, decorrelate
from pellucid.methods.filters.blocks import SIDE
from pellucid.methods.filters.collaborative import Stage, filter_image
from pellucid.methods.table import described
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Recipe, Step, Task

DENOISER = bm3d.Config(wiener_step=4, wiener_radius=15, noise="white")
QUICK = Stage(transform="dct", step=4, radius=12, group=16, limit=15.0, strength=1.8)
"""BM3D's first stage with cosines: alone as good at filling as both of its stages, in a fifth of the time"""
RIM = 12.0
"""distance in pixels to what is known up to which the biharmonic fill is a good guess"""
AT_ONCE = 50_000
"""hidden pixels for which the biharmonic equation is solved at once"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of IDBP; the defaults are those of preset fast."""

    iterations: int = fields.option(16, low=1)
    """rounds of denoising, where no budget is given"""
    wiener: bool = False
    """whether every round is BM3D with both of its stages, or the first of them, with cosines"""
    first: float = fields.option(0.08, low=0, high=1, low_open=True)
    """strength of the first round, as a standard deviation between 0 and 1"""
    last: float = fields.option(0.004, low=0, high=1, low_open=True)
    """strength of the last round; between them it falls by a constant factor (the paper keeps it)"""
    noise: float = fields.option(0.0, low=0, high=1)
    """standard deviation of the noise in the known pixels, between 0 and 1; it is added to the strength"""

    def __post_init__(self) -> None:
        fields.check(self)

    def strength(self, iteration: int, total: int) -> float:
        """The strength of a round, from 1 to ``total``.

        >>> [round(Config(first=0.08, last=0.02).strength(k, 3), 3) for k in (1, 2, 3)]
        [0.08, 0.04, 0.02]
        """
        share = (iteration - 1) / max(1, total - 1)
        return self.noise + math.exp((1 - share) * math.log(self.first) + share * math.log(self.last))


def denoised(
    image: Tensor,
    sigma: float,
    *,
    color: bool,
    wiener: bool = True,
    where: Tensor | None = None,
    shift: tuple[int, int] = (0, 0),
) -> Tensor:
    """(C, H, W) through BM3D at the standard deviation ``sigma``, or its first stage alone.

    Args:
        image: (C, H, W).
        sigma: standard deviation.
        color: whether three channels are display colours.
        wiener: whether the second stage follows.
        where: (H, W) bool, what counts, or None for all; the first stage alone may leave the rest.
        shift: rows and columns by which its reference blocks are moved.
    """
    channels, height, width = image.shape
    if wiener:
        kernel = (sigma**2 * torch.eye(channels, device=image.device))[:, :, None, None]
        return bm3d.restore(image, kernel, DENOISER, color=color)
    mixing = decorrelate.matrix(channels, color=color and channels == 3).to(image)
    margin = (0, max(0, SIDE - width), 0, max(0, SIDE - height))
    planes = pad(decorrelate.mix(mixing, image)[None], margin, mode="replicate")[0]
    wanted = None if where is None else pad(where, margin)
    level = torch.full((1, 1, 1), sigma**2, device=image.device)
    alone = not (color and channels == 3)  # colours share their groups
    groups = torch.split(planes, 1) if alone else (planes,)
    stage = replace(QUICK, shift=shift)
    made = [filter_image(some, None, level.expand(len(some), 1, 1), stage, where=wanted) for some in groups]
    return decorrelate.mix(mixing.T, torch.cat(made)[:, :height, :width])


def moved(iteration: int) -> tuple[int, int]:
    """Where the reference blocks of a round lie: all places of their grid in turn, which hides the grid.

    >>> [moved(k) for k in range(5)]
    [(0, 0), (3, 1), (2, 2), (1, 3), (0, 1)]
    """
    return 3 * iteration % QUICK.step, (iteration + iteration // QUICK.step) % QUICK.step


def begin(image: Tensor, hidden: Tensor) -> Tensor:
    """A first guess at the hidden pixels of (C, H, W), on the CPU: the biharmonic fill of their rim.

    Deep in a large hole it would swing far beyond what is around. So what is farther than `RIM` from anything
    known holds means of what is known, and the biharmonic fill joins both. Many holes are solved one by
    one, as the work grows faster than their pixels.
    """
    picture, hidden = image.cpu(), hidden.cpu()
    deep = torch.from_numpy(distance_transform_edt(hidden.numpy()) > RIM) if bool(hidden.any()) else hidden
    if bool(deep.any()):
        picture = torch.where(deep, from_coarse(picture, hidden), picture)
    rim = hidden & ~deep
    return biharmonic.fill(picture, rim, split=int(rim.sum()) > AT_ONCE)


def from_coarse(image: Tensor, hidden: Tensor) -> Tensor:
    """The hidden pixels of (C, H, W) by means of what is known, from coarse to fine.

    Every level of a pyramid holds the means of the known pixels of 2 x 2; where a level knows nothing it
    takes the one below it, enlarged.

    >>> ramp = torch.arange(64.0).view(1, 8, 8)
    >>> hole = torch.zeros(8, 8, dtype=torch.bool)
    >>> hole[3:5, 3:5] = True
    >>> bool((from_coarse(ramp, hole) - ramp).abs().max() < 9)
    True
    """
    share = (~hidden).to(image)[None, None]
    levels = [(image.masked_fill(hidden, 0.0)[None], share)]
    while max(share.shape[-2:]) > 1 and bool((share == 0).any()):
        mean, share = levels[-1]
        small, share = (avg_pool2d(plane, 2, ceil_mode=True) for plane in (mean * share, share))
        levels.append((small / share.clamp_min(1e-6), (share > 0).to(image)))
    guess = levels[-1][0]
    for mean, share in reversed(levels[:-1]):
        large = interpolate(guess, size=mean.shape[-2:], mode="bilinear", align_corners=False)
        guess = torch.where(share > 0, mean, large)
    return guess[0]


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Repeat x = BM3D(z; sigma_k) and z = y where it is known, x where not; z starts as the biharmonic fill.

    The plug-and-play form of "a denoiser knows what pictures look like": each round draws the missing pixels
    towards what similar patches say, and the known ones hold it to this picture.

    Args:
        task: shots (S, C, H, W) whose degradation is a Mask; hidden pixels are not looked at.
        config: the configuration.
        seed: nothing is random.
        device: where to compute.

    Yields:
        Steps with x as output; the loss is the mean square of the change of the missing pixels.

    Raises:
        ValueError: when there is no mask.

    Source: Tirer, Giryes, "Image Restoration by Iterative Denoising and Backward Projections", IEEE TIP 2019,
    algorithm 1.
    """
    degradation = task.degradation.to(device)
    if not isinstance(degradation, Mask):
        raise ValueError("idbp needs a mask of what is missing, got none. Use it with inpaint.")
    picture, hidden = task.shots.mean(0).to(device, torch.float32), degradation.hidden
    filled = begin(picture, hidden).to(device)
    total = task.budget.iterations or config.iterations
    for iteration in range(1, total + 1):
        sigma = config.strength(iteration, total)
        where = hidden if iteration < total else None  # the last round is also an opinion of what is known
        estimate = denoised(
            filled, sigma, color=task.color, wiener=config.wiener, where=where, shift=moved(iteration)
        )
        latest = torch.where(hidden, estimate, picture)
        loss = (latest - filled).square().sum() / (hidden.sum() * len(picture)).clamp_min(1)
        filled = latest
        yield Step(
            iteration=iteration,
            phase="fill",
            loss=loss,
            output=estimate,
            estimate=estimate.clone,
            total=total,
        )


PAPER = Paper(
    citation="Tirer, Giryes, IEEE TIP 2019",
    states=stated(
        iterations=(150, "inpainting without noise"),
        wiener=(True, "BM3D as published"),
        first=(5 / 255, "inpainting without noise: 5 of 255 in every round"),
        last=(5 / 255, "see first"),
        noise=(0.0, "inpainting without noise"),
    ),
)

_PRESETS = {
    "paper": PAPER.preset(Config),
    "fast": Config(),
    "best": Config(iterations=20, wiener=True, first=0.06, last=0.01),
}

IDBP = Method(
    **described("idbp"),
    config=Config,
    steps=steps,
    presets=_PRESETS,
    paper=PAPER,
    departures={
        "iterations": "seconds on two cores",
        "wiener": "the first stage with cosines fills as well in a fifth of the time",
        "first": "a strength that falls gets there in fewer rounds",
        "last": "see first",
    },
    restores={"mask": Recipe(presets=_PRESETS, stop="plateau:patience=1000", cost="8 s")},
    stop="plateau:patience=1000",
    uses_noise=False,
)
