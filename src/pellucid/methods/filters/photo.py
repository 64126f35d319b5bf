"""One picture, above all a photograph: (C)BM3D beside a small network, brightness from linear light."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from pellucid import fields, models
from pellucid.engine import placed
from pellucid.learning import Learning
from pellucid.methods.filters import bm3d, decorrelate
from pellucid.methods.filters.bounding import bounded
from pellucid.methods.filters.nlh import method as nlh
from pellucid.methods.table import described
from pellucid.models.ensemble import MIRRORS, Ensemble
from pellucid.models.loading import Model
from pellucid.noise.report import NoiseReport
from pellucid.noise.shift import SEEN, developing, keeps_mean, lit
from pellucid.noise.spectrum import to_variance
from pellucid.noise.values import rise
from pellucid.steps import Method, Step, Task, Tiling

SHARING = (1.5, 2.2)
"""equivalent white level over the level, from which on the filter allows for shared noise, and wholly"""
WHOLLY = (0.3, 0.8)
"""degree of sharing up to which the network alone is asked, and from which on the filter and nlh have their
whole weight: a little of it is what a JPEG or another size leaves of white noise"""
SQUARES, SQUARE = 4, 256
"""down and across, and pixels a side of those by which a large picture tells whether a camera developed it"""
KEPT = 4
"""networks that are kept ready for the next picture"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of the filter for one photograph."""

    strength: float = fields.option(1.1, low=0, low_open=True)
    """factor on the standard deviation of noise that pixels share"""
    spread: float = fields.option(1.6, low=1)
    """how far the level of such noise may be off, as a factor (see bm3d)"""
    network: str = "swift-color"
    """model, told a level of white noise, whose estimate is averaged with that of the filter in colour
    pictures: a name or a file; none for the filter alone, also in gray pictures"""
    gray: str = "swift-gray"
    """the same for pictures of one channel with white noise"""
    student: str = "none"
    """model that has learnt what all of this makes of noise that pixels share, asked once in its place in
    colour pictures: a name or a file; none to work it out"""
    share: float = fields.option(0.5, low=0, high=1)
    """weight of the network in that average where pixels share the noise wholly; the less they do, the nearer
    to 1 it is"""
    white_share: float = fields.option(0.8, low=0, high=1)
    """the same for white noise, which is what the network has learnt"""
    level_factor: float = fields.option(1.0, low=0, low_open=True, aliases=("drive",))
    """factor on the level that the network is told, which is that of white noise as strong as this noise is
    where it is strongest (see `equivalent`)"""
    camera_factor: float = fields.option(2.5, low=0)
    """factor on the measured level that the network is told at least where the noise shows that a camera has
    developed it"""
    pd_share: float = fields.option(0.2, low=0, high=1, aliases=("apart",))
    """weight, where pixels share the noise, of what the network makes of every second pixel (pixel-shuffle
    downsampling), one picture of four after the other: their noise is nearly white"""
    pd_level_factor: float = fields.option(1.5, low=0, low_open=True, aliases=("apart_drive",))
    """factor on the measured level that it is told there (chosen on synthetic noise, as pd_share)"""
    tta_views: int = fields.option(2, low=1, high=len(MIRRORS), aliases=("looks",))
    """test-time augmentation: pictures of which the mean is taken when the network is asked of the whole one:
    as it is, turned by 180 degrees, mirrored left to right, top to bottom"""
    white_views: int = fields.option(4, low=1, high=len(MIRRORS))
    """the same for white noise, of which the network makes most"""
    nlh_share: float = fields.option(0.6, low=0, high=1)
    """weight of what `nlh` makes of the picture, where pixels share the noise of a colour picture; less, down
    to a half of it, the surer the noise was there before the curve of a camera"""
    light: Literal["auto", "always", "never"] = fields.option("auto", choices=("auto", "always", "never"))
    """take the brightness from linear light, where noise averages out; auto: in colour pictures whose noise
    pixels share, which a camera has developed"""
    most: float = fields.option(3.0, low=1)
    """most that is taken off a pixel whose noise is its own, in standard deviations"""
    differing: float = fields.option(1.0, low=0)
    """most by which the network may differ from the filter, in standard deviations, where a pixel's noise is
    its own or where pixels share it wholly; more where they share some of it"""
    source: float = fields.option(5.0, low=0)
    """how far a pixel must rise above the median of the nine around it, in standard deviations, to be taken
    for a source of one pixel, as a star: of one that does so by two more no more than one is taken off"""
    least: float = fields.option(SEEN, low=0)
    """root mean square of the shift of brightness below which it is left alone, as it is not seen"""
    precision: Literal["float32", "auto"] = fields.option("auto", choices=("float32", "auto"))
    """of the network's convolutions: auto takes bfloat16 where the processor multiplies it, in half the time
    (0.01 dB)"""
    step: int = 4
    """pixels between the reference blocks of BM3D"""
    radius: int = 15
    """search radius of BM3D, pixels"""

    def __post_init__(self) -> None:
        fields.check(self)
        self.filter(shared=1.0)

    def beside(self, noise: NoiseReport, *, color: bool, channels: int) -> str:
        """The model that works beside the filter, "none" where there is none."""
        if self.network == "none" or (color and channels == 3):
            return self.network
        return self.gray if channels == 1 and not noise.correlated else "none"

    @property
    def alone(self) -> bool:
        """Whether a network alone works on a photograph."""
        return self.share == 1 and self.pd_share == 0 and self.nlh_share == 0

    def filter(self, *, shared: float) -> bm3d.Config:
        """BM3D for noise that pixels share to this degree, 0 to 1.

        The spectrum of noise that a camera has spread over many pixels is known less surely, and most of it
        lies at the frequencies of the picture: the filter is told to allow for that, the more the more.
        """
        return bm3d.Config(
            step=min(self.step, 3),
            wiener_step=self.step,
            radius=19,
            wiener_radius=self.radius,
            strength=1 + (self.strength - 1) * shared,
            spread=1 + (self.spread - 1) * shared,
            whiten=0.1 * shared,
            whiten_chroma=shared,
            reach=shared,
            coarse=shared,
        )


def sharing(equivalent: float, level: float) -> float:
    """To what degree pixels share the noise, 0 to 1, from its equivalent white level over its level.

    >>> sharing(0.1, 0.1), sharing(0.3, 0.1)
    (0.0, 1.0)
    """
    low, high = SHARING
    return min(max((equivalent / max(level, 1e-12) - low) / (high - low), 0.0), 1.0)


def opened(name: str, *, seed: int, device: torch.device, precision: str = "float32") -> Ensemble:
    """A model that is shipped or installed, or a file, ready to be asked.

    Raises:
        FileNotFoundError: when a path leads nowhere.
        ValueError: when there is no such model, or it is damaged.
    """
    path = models.locate(name)
    written = path.stat()
    model, learning = _ready(path, (written.st_mtime_ns, written.st_size), device)
    return Ensemble(model=model, learning=learning, seed=seed, device=device, precision=precision)


@lru_cache(maxsize=KEPT)
def _ready(path: Path, written: tuple[int, int], device: torch.device) -> tuple[Model, Learning]:
    """The model in a file, on the device; the last few are kept while their files stay as they are."""
    from pellucid import methods  # its table names this file

    method = methods.load(models.read_card(path).method)
    if method.learning is None:
        raise ValueError(
            f"model {path.name!r} must be one that `pellucid train` wrote, got one of {method.name}."
        )
    model = models.load(path, method.name, method.learning, method.config)
    placed(model.network, device)
    return model, method.learning


def equivalent(noise: NoiseReport, *, color: bool) -> float:
    """Level of the white noise that a network is to be told in place of this noise.

    The contraharmonic mean of its spectrum S over all frequencies and planes, sqrt(sum S² / sum S): that of
    white noise is its standard deviation, that of shared noise the strength at the frequencies where it
    lies. A network for white noise takes off what it is told everywhere, and where there is none next to
    nothing is lost. (On 45 training pictures spoiled in all ways it was told right within 0.24 dB of the
    best factor on average, the standard deviation times the best factor for all within 0.8 dB.)

    >>> round(equivalent(NoiseReport.white(0.1, 3), color=True), 6)
    0.1
    """
    kernel = torch.from_numpy(noise.kernel).double()
    mixing = decorrelate.matrix(len(kernel), color=color and len(kernel) == 3).double()
    power = to_variance(decorrelate.kernels(mixing, kernel)).clamp_min(0)
    total = float(power.sum())
    return (float(power.square().sum()) / total) ** 0.5 if total > 0 else 0.0


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Filter by CBM3D and by a network, average, then give every brightness the mean that its light has.

        m = (1 - share) CBM3D(y; K) + share f(y; level_factor sigma),
        m = (1 - pd_share) m + pd_share P^-1 f(P y; pd_level_factor sigma),   x̂ = m + b(m),
        b_k = g(mean g^-1(y)) - mean y where m is about m_k.

    Filter and network look at a picture in unlike ways and err in unlike ways, so that their mean errs less
    than either. P takes every second pixel, where shared noise is nearly white; white noise does without it.
    g is the curve of sRGB (`noise.shift`). A camera adds its noise to light and develops it by such a curve,
    which leaves the mean of a noisy picture too dark, by about (γ - 1) σ² / 2m: a twentieth of white in the
    worst crops of SIDD. No filter that averages the developed pixels can know.

    Source: ours; the filter is that of Dabov et al. 2007 and Makinen et al. 2020, every second pixel after
    Zhou et al. 2020 (AAAI), g is IEC 61966-2-1.
    """
    noisy = task.average.to(device, torch.float32)
    developed = task.color and noisy.shape[0] == 3 and task.noise.correlated
    told = config.level_factor * equivalent(task.noise, color=task.color)
    known = config.student != "none" and developed and task.noise.level > 0
    taught = rise(sharing(told, task.noise.level), *WHOLLY) if known else 0.0
    student = None
    if taught > 0:
        student = opened(config.student, seed=seed, device=device, precision=config.precision)
    network = _beside(task, config, seed=seed, device=device) if taught < 1 else None
    between = None
    if student is not None and network is not None and config.alone:
        between = network.towards(student, taught)  # both in the time of one
    estimate = noisy
    if taught < 1:
        light = 1.0 if between is None else 1 - taught
        estimate = _averaged(noisy, told, task, config, between or network, light, developed, seed, device)
    if student is not None and between is None:
        estimate = estimate + taught * (_asked(student, noisy, told, task.noise, 1) - estimate)
    estimate = estimate + (noisy - estimate).mean((-2, -1), keepdim=True)
    estimate = lit(noisy, estimate, config.light, developed=developed, least=config.least, known=task.light)
    yield Step.once(estimate)


def alike(noise: NoiseReport) -> float:
    """What the network's weight is multiplied by where white noise is not alike in all channels, as it knows
    no other: (1 + 3 q²) / 4 with q the harmonic over the arithmetic mean of the channels' variances.

    >>> alike(NoiseReport.white(0.1, 3)), round(alike(NoiseReport.white((0.1, 0.0, 0.0), 3)), 3)
    (1.0, 0.25)
    """
    variance = [max(sigma**2, 1e-12) for sigma in noise.sigma]
    if max(variance) == min(variance):
        return 1.0
    ratio = len(variance) ** 2 / sum(1 / v for v in variance) / sum(variance)
    return (1 + 3 * ratio**2) / 4


def _asked(
    network: Ensemble,
    given: Tensor,
    level: float,
    noise: NoiseReport,
    views: int,
    *,
    first: int = 0,
    stride: int = 1,
) -> Tensor:
    """What a network makes of (C, H, W): it knows pictures from 0 to 1, wherever these values lie."""
    low, span = noise.low, noise.span
    return network.estimate(given, level / span, stride=stride, views=views, first=first, low=low, span=span)


def _beside(task: Task, config: Config, *, seed: int, device: torch.device) -> Ensemble | None:
    """The network that works beside the filter, None where none has a say."""
    noise, channels = task.noise, task.shots.shape[1]
    name = config.beside(noise, color=task.color, channels=channels)
    asked = config.share if noise.correlated else config.white_share
    developed = task.color and channels == 3 and noise.correlated
    if name == "none" or noise.level <= 0 or not (asked > 0 or (developed and config.pd_share > 0)):
        return None
    return opened(name, seed=seed, device=device, precision=config.precision)


def _averaged(
    noisy: Tensor,
    told: float,
    task: Task,
    config: Config,
    network: Ensemble | None,
    believed: float,
    developed: bool,
    seed: int,
    device: torch.device,
) -> Tensor:
    """The mean of what filter, network and nlh make of (C, H, W); light counts as far as it is believed."""
    noise, level = task.noise, task.noise.level
    asked = config.share if noise.correlated else config.white_share * alike(noise)
    views = config.tta_views if noise.correlated else config.white_views
    asker, other, light, more = network if asked > 0 else None, None, 0.0, views - 1
    if asker is not None:
        if developed and task.light is not None:
            light = believed * task.light.surely
        else:
            some = squares(noisy) if developed else noisy
            other = _asked(asker, some, told, noise, 1)
            light = believed * developing(some, other) if developed else 0.0
            other = other if some is noisy else None
        # noise from before the curve of the camera is stronger in the dark than what is read on average
        if light > 0 and config.camera_factor * level > told:
            told += light * (config.camera_factor * level - told)
            other = None
        if other is not None and more:
            other += _asked(asker, noisy, told, noise, more, first=1).mul_(more)
            other /= more + 1
    shared = max(sharing(told, level), light) if noise.correlated else 0.0
    wholly = rise(shared, *WHOLLY)
    share, bound = (1 - (1 - asked) * wholly, wholly) if noise.correlated else (asked, 1.0)
    sigma = noisy.new_tensor(noise.sigma).view(-1, 1, 1)
    if asker is not None and share == 1:
        estimate = _asked(asker, noisy, told, noise, views) if other is None else other
    else:
        (filtered,) = bm3d.steps(task, config.filter(shared=shared), seed=seed, device=device)
        estimate = filtered.estimate()
        if asker is not None:
            if other is None:  # not before, as it would take room beside the filter
                other = _asked(asker, noisy, told, noise, views)
            differing = other.sub_(estimate)
            # where the two are far apart, as on text, the network sees what it has not learnt
            if bound > 0:
                limit = config.differing * sigma / bound
                differing.clamp_(-limit, limit)
            estimate += differing.mul_(share)
            del other, differing
    if network is not None and developed and config.pd_share * shared > 0:
        apart = _asked(network, noisy, config.pd_level_factor * level, noise, 1, stride=2)
        estimate += apart.sub_(estimate).mul_(config.pd_share * shared)
        del apart
    third = config.nlh_share * wholly * max(1 - light, 0.5)
    if developed and third > 0:
        (like,) = nlh.steps(task, nlh.Config(light="never"), seed=seed, device=device)
        estimate += like.estimate().sub_(estimate).mul_(third)
    return (
        estimate
        if noise.correlated
        else bounded(noisy, estimate, sigma, most=config.most, source=config.source)
    )


def squares(picture: Tensor) -> Tensor:
    """Squares that are spread over a large picture (C, H, W), side by side; a smaller one as it is.

    >>> squares(torch.zeros(3, 2000, 3000)).shape, squares(torch.zeros(3, 2000, 1000)).shape
    (torch.Size([3, 1024, 1024]), torch.Size([3, 2000, 1000]))
    """
    height, width = picture.shape[-2:]
    side = SQUARES * SQUARE
    if min(height, width) < side or height * width < 4 * side**2:
        return picture

    def starts(length: int) -> list[int]:
        return [round((i + 0.5) * length / SQUARES - SQUARE / 2) for i in range(SQUARES)]

    rows = torch.cat([picture[:, top : top + SQUARE] for top in starts(height)], 1)
    return torch.cat([rows[..., left : left + SQUARE] for left in starts(width)], 2)


PHOTO = Method(
    **described("photo"),
    config=Config,
    steps=steps,
    presets={
        "paper": Config(step=3, radius=19, tta_views=4, precision="float32"),
        "fast": Config(),
        "quick": Config(
            student="swift-photo",
            share=1.0,
            white_share=1.0,
            pd_share=0.0,
            nlh_share=0.0,
            tta_views=1,
            white_views=1,
        ),
    },
    tiling=Tiling(kind="whole", reach=64, stride=12),
    departures={
        "tta_views": "two views for half the time of four",
        "step": "wider steps and a nearer search halve the time of the second stage",
        "radius": "see step",
        "precision": "bfloat16 where the processor multiplies it: half the time of the network, 0.01 dB",
    },
    keeps_mean=keeps_mean,
)
