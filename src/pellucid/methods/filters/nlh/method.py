"""NLH: pixels that look alike, in blocks that look alike, are shrunk together; for photographs above all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pellucid import fields
from pellucid.methods.table import described
from pellucid.noise.report import NoiseReport
from pellucid.noise.shift import keeps_mean, lit
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Step, Task

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
OPPONENT = ((1 / 3, 1 / 3, 1 / 3), (1 / 2, 0.0, -1 / 2), (1 / 4, -1 / 2, 1 / 4))
"""brightness and two differences, of (R, G, B)"""
WIDEST = 64
"""most blocks in a group"""
ROWS = 64
"""rows that are turned into other colours at once"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of NLH; the defaults are those of preset fast."""

    noise: Literal["spectrum", "level", "rows"] = fields.option(
        "spectrum", choices=("spectrum", "level", "rows")
    )
    """what is known of the noise: spectrum, how strong what was measured (or stated) is in each set of rows,
    whose pixels may share it; level, one level for all; rows, the level that NLH reads from the picture
    itself (a stated one has no say then)"""
    factor: float = fields.option(1.0, low=0, low_open=True)
    """factor on its standard deviation"""
    whiten_chroma: float = fields.option(1.0, low=0, high=1)
    """how far, in the differences of colours, the noise of every coefficient is raised to that of the mean of
    a set, 0 to 1; chroma holds little fine detail to lose"""
    side: int = fields.option(6, low=2, high=32)
    """side of the blocks of the first stage, pixels; an even number"""
    first_step: int = fields.option(6, low=1)
    """pixels between reference blocks in its first round, at most `side`"""
    second_step: int = fields.option(3, low=1)
    """the same in its second round"""
    radius: int = fields.option(21, low=1)
    """its search radius, pixels (21 is a 43 x 43 window)"""
    group: int = fields.option(16, low=2, high=WIDEST)
    """its blocks per group, a power of two"""
    threshold: float = fields.option(2.0, low=0, low_open=True)
    """its threshold, in levels"""
    kept: float = fields.option(0.618, low=0, high=1)
    """share of what the first round made in what the second is given; the rest is the noisy picture"""
    wiener_side: int = fields.option(16, low=4, high=32)
    """side of the blocks of the second stage, pixels; an even number"""
    wiener_step: int = fields.option(16, low=1)
    """pixels between its reference blocks, at most `wiener_side`"""
    wiener_radius: int = fields.option(64, low=1)
    """its search radius, pixels"""
    wiener_group: int = fields.option(64, low=2, high=WIDEST)
    """its blocks per group, a power of two"""
    pilot: float = fields.option(2.0, low=0, low_open=True)
    """factor on the result of the first stage where it says how strong the picture is"""
    rounds: int = fields.option(2, low=1, high=4)
    """rounds of the second stage, each on what the one before made"""
    guide: float = fields.option(0.8, low=0, high=1)
    """share of what was made so far in the picture in which its blocks are compared; the rest is noisy"""
    light: Literal["auto", "always", "never"] = fields.option("auto", choices=("auto", "always", "never"))
    """take the brightness from linear light (see photo); auto: in colour pictures whose noise pixels share
    and a camera has developed"""

    def __post_init__(self) -> None:
        fields.check(self)
        for name in ("side", "wiener_side"):
            if getattr(self, name) % 2:
                raise ValueError(f"{name} must be an even number, got {getattr(self, name)}.")
        for name in ("group", "wiener_group"):
            value = getattr(self, name)
            if value & (value - 1):
                raise ValueError(f"{name} must be a power of two, got {value}.")
        for name, side in (("first_step", "side"), ("second_step", "side"), ("wiener_step", "wiener_side")):
            if getattr(self, name) > getattr(self, side):
                raise ValueError(
                    f"{name} must be at most {side}, so that no pixel is left out, got {getattr(self, name)}."
                )


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Shrink rows of like pixels, first by a threshold, then by Wiener's gains; see `docs/methods/nlh.md`.

    It works on the processor, whatever the device: its loops are compiled for it.

    Source: Hou, Xu, Liu, Liu, Liu, Zhu, Shao, "NLH: a blind pixel-level non-local method for real-world image
    denoising", IEEE TIP 2020; the level from the spectrum and the brightness from light are ours.
    """
    noisy = task.average.to("cpu", torch.float32)
    low, span = task.noise.low, task.noise.span
    framed = (noisy - low).div_(span).numpy()  # constants of the method are of a picture from 0 to 1
    colours = task.color and len(framed) == 3
    if task.noise.level <= 0:
        estimate = noisy.clone()
    else:
        known = autocovariance(framed, task.noise, config, colours=colours)
        estimate = torch.from_numpy(restore(framed, known, config, colours=colours)).mul_(span).add_(low)
    del framed  # a photograph may be as large as a tenth of the memory
    estimate += (noisy - estimate).mean((-2, -1), keepdim=True)
    developed = colours and task.noise.correlated
    estimate = lit(noisy, estimate, config.light, developed=developed, known=task.light)
    yield Step.once(estimate.to(device))


def autocovariance(picture: Floats, noise: NoiseReport, config: Config, *, colours: bool) -> Floats:
    """The autocovariance (P, 2L + 1, 2L + 1) of the noise in each plane of a picture (C, H, W) of contrast 1.

    Each plane of a colour picture is reckoned as if its row of `OPPONENT` had length 1: noise as strong in
    all channels and shared by none then has one level in all planes, which is what NLH is told.

    >>> flat = np.zeros((1, 9, 9), np.float32)
    >>> autocovariance(flat, NoiseReport.white(0.1, 1), Config(), colours=False).round(4)
    array([[[0.01]]], dtype=float32)
    """
    count, square = len(picture), (config.factor / noise.span) ** 2
    if config.noise == "spectrum":
        rows = np.array(OPPONENT) if colours else np.eye(count)
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        known = np.einsum("pc,pd,cdyx->pyx", rows, rows, noise.kernel)
        if colours:
            known[1:] += config.whiten_chroma * (_even(known[1:]) - known[1:])
        return np.ascontiguousarray(square * known, np.float32)
    if config.noise == "level":
        levels = np.full(count, noise.level) if colours else np.array(noise.sigma)
    else:
        from pellucid.methods.filters.nlh.level import level  # see _filtered

        seen = picture[1:2] if colours else picture
        levels = np.array([noise.span * level(torch.from_numpy(plane)) for plane in seen])
        levels = levels.repeat(count // len(levels))
    return (square * levels**2).astype(np.float32).reshape(-1, 1, 1)


def _even(noise: Doubles) -> Doubles:
    """White noise as strong as noise of an autocovariance (P, 2L + 1, 2L + 1) is in the mean of eight pixels.

    They are taken as 2 x 4 neighbours, of whose 64 pairs (2 - |y|) (4 - |x|) lie at lag (y, x).

    >>> _even(np.ones((1, 15, 15)))[0, 7, 7]
    np.float64(8.0)
    """
    lags = noise.shape[-1] // 2
    apart = np.abs(np.arange(-lags, lags + 1))
    down, across = np.clip(1 - apart / 2, 0, None), np.clip(1 - apart / 4, 0, None)  # of a block of 2 x 4
    even = np.zeros_like(noise)
    even[:, lags, lags] = np.einsum("pyx,y,x->p", noise, down, across).clip(0)
    return even


def restore(picture: Floats, noise: Floats, config: Config, *, colours: bool) -> Floats:
    """NLH of (C, H, W) of contrast 1; channels that are no colours one by one.

    Args:
        picture: what is filtered; it is written over.
        noise: (C, 2L + 1, 2L + 1) autocovariance in each channel, or in brightness and differences.
        config: of the method.
        colours: whether the channels are red, green and blue.

    >>> flat, noise = np.full((1, 9, 9), 0.5, np.float32), np.full((1, 1, 1), 0.01, np.float32)
    >>> bool(np.allclose(restore(flat, noise, Config(), colours=False), 0.5, atol=2e-3))
    True
    """
    if not colours:
        each = range(len(picture))
        return np.concatenate(
            [_filtered(picture[i : i + 1], picture[i], noise[i : i + 1], config) for i in each]
        )
    forward, green = np.array(OPPONENT, np.float32), [picture[1].copy()]  # in a list, to be let go within
    _turn(picture, forward)
    result = _filtered(picture, green.pop(), noise, config)
    _turn(result, np.linalg.inv(forward))
    return result


def _turn(planes: Floats, matrix: Floats) -> None:
    """Planes (P, H, W) in other colours, in their own place: some rows at a time take no room."""
    for top in range(0, planes.shape[1], ROWS):
        part = planes[:, top : top + ROWS]
        part[...] = np.tensordot(matrix, part, 1)


def _filtered(planes: Floats, green: Floats, noise: Floats, config: Config) -> Floats:
    """Both stages over planes (P, H, W), written over; blocks are first compared in `green` (H, W)."""
    from pellucid.methods.filters.nlh import passes  # it loads a compiler, which who only asks for settings
    from pellucid.methods.filters.nlh.passes import Blocks  # should not wait for

    height, width = green.shape
    least = max(config.side, config.wiener_side)
    if min(height, width) < least:
        beyond = ((0, max(0, least - height)), (0, max(0, least - width)))
        planes, green = np.pad(planes, ((0, 0), *beyond), mode="edge"), np.pad(green, beyond, mode="edge")
    basic = planes
    for step in (config.first_step, config.second_step):
        basic = _mixed(basic, planes, config.kept)
        blocks = Blocks(side=config.side, step=step, radius=config.radius, count=config.group)
        basic = passes.thresholded(basic, green, noise, config.threshold, blocks)
    blocks = Blocks(
        side=config.wiener_side,
        step=config.wiener_step,
        radius=config.wiener_radius,
        count=config.wiener_group,
    )
    del green
    bright, luma = planes[0].copy(), basic[0]
    for _ in range(config.rounds):
        planes[...] = passes.weighed(
            planes, basic, _mixed(luma, bright, config.guide), noise, config.pilot, blocks
        )
        luma = planes[0]
    return np.ascontiguousarray(planes[:, :height, :width])


def _mixed(one: Floats, other: Floats, share: float) -> Floats:
    """The mean of both, `share` of it the first, one plane or row after the other."""
    made = np.float32(share) * one
    for part, more in zip(made, other, strict=True):
        part += np.float32(1 - share) * more
    return made


PAPER = Paper(
    citation="Hou, Xu, Liu, Liu, Liu, Zhu, Shao, IEEE TIP 2020",
    states=stated(
        noise=("rows", "one level, by the distances of rows to their nearest"),
        factor=(4.0, "the authors' notes: 4 for photographs, 1 for white noise"),
        side=(6, "first stage"),
        first_step=(6, "first stage"),
        second_step=(3, "first stage"),
        radius=(21, "first stage: a window of 43 x 43"),
        group=(16, "first stage"),
        threshold=(2.0, "first stage"),
        kept=(0.618, "first stage"),
        wiener_side=(16, "second stage"),
        wiener_step=(16, "second stage"),
        wiener_radius=(64, "second stage: a window of 129 x 129"),
        wiener_group=(64, "second stage"),
        pilot=(2.0, "second stage"),
        rounds=(2, "second stage"),
        guide=(0.8, "second stage"),
    ),
    ours={"whiten_chroma": 0.0, "light": "never"},
    elsewhere=(
        "sets of rows, and what becomes of each coefficient, are those of the authors' program",
        "the authors have other settings for DND and for white noise in gray pictures",
    ),
)

NLH = Method(
    **described("nlh"),
    config=Config,
    steps=steps,
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures={
        "noise": "the spectrum says how strong the noise is in every set of rows, whose pixels may share it; "
        "NLH's own level is of white noise",
        "factor": "see noise: no factor by hand for each kind of it",
        "whiten_chroma": "as for bm3d",
        "light": "a camera's curve has shifted the mean",
    },
    keeps_mean=keeps_mean,
)
