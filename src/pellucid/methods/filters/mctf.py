"""Motion-compensated temporal filtering: neighbouring frames are averaged, a small network does the rest."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d, pad

from pellucid import devices, fields, tiles
from pellucid.learning import apply
from pellucid.methods.filters import photo
from pellucid.methods.filters.bounding import bounded
from pellucid.methods.table import described
from pellucid.models.ensemble import TILE, Ensemble
from pellucid.series.motion import pans, signs
from pellucid.shots import flow
from pellucid.steps import Method, Step, Task, Tiling

SCALES = (1.3, 2.6, 5.2)
"""standard deviations in pixels of the Gaussians under which two frames must be alike: a spot, and larger"""
AROUND = 3
"""squares of 2 x 2 pixels a side over which the worst of these counts"""
ENERGY = 2.5
"""standard deviation in pixels of the window in which their squared difference is told"""
COARSE = 8
"""pixels a side of the squares by which brightness is compared"""
BLACK = 0.05
"""span of contrast below which a frame tells nothing of its brightness"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of motion-compensated temporal filtering."""

    reach: int = fields.option(3, low=0, high=16)
    """frames before and after that may help"""
    alike: float = fields.option(3.0, low=0)
    """a neighbour counts wholly where its difference, smoothed over 1.3, 2.6 and 5.2 pixels, is less than so
    many standard deviations of its noise"""
    unlike: float = fields.option(5.0, low=0, low_open=True)
    """and not at all from here on"""
    caution: float = fields.option(3.0, low=0)
    """how fast the weight falls with e², by which the squared difference exceeds that of its noise:
    1 / (1 + caution e² / sigma²)"""
    color: str = "swift-color"
    """model for films of display colours, by name or file"""
    gray: str = "swift-gray"
    """model for all others, channel by channel"""
    strength: float = fields.option(1.0, low=0, low_open=True)
    """factor on the standard deviation of the noise"""
    precision: Literal["float32", "auto"] = fields.option("auto", choices=("float32", "auto"))
    """of the network's convolutions: auto takes bfloat16 where the processor multiplies it"""

    def __post_init__(self) -> None:
        fields.check(self)
        if self.unlike <= self.alike:
            raise ValueError(f"unlike must be above alike ({self.alike}), got {self.unlike}. Use 3 and 5.")


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Average each frame with its neighbours where these show the same, then denoise what noise is left.

        a_t = (y_t + sum_s w_s y_s(p + f_s)) / (1 + sum_s w_s),
        sigma_t = sigma (1 + sum_s w_s²)^½ / (1 + sum_s w_s),   x̂_t = N(a_t; sigma_t),

    f_s from frame t to s, w_s from 0 to 1 by the difference of the two, N a network for white noise that is
    told the level at every pixel. What moves otherwise, or blinks, has w = 0 and is that frame's own.

    Source: ours, of known parts: averaging along motion (Dubois, Sabri, IEEE Trans. Commun. 1984), motion
    after Lucas and Kanade (`shots.flow`), networks with a map of the level.
    """
    film = task.shots.mean(0)
    single = film.ndim == 3
    film = (film[:, None] if single else film).to(device, torch.float32)
    low, span = task.noise.low, max(task.noise.span, 1e-12)
    levels = torch.tensor(task.noise.sigma) / math.sqrt(len(task.shots))
    if task.noise.correlated:
        levels = levels.clamp_min(photo.equivalent(task.noise, color=task.color))
    relative = torch.ones(film.shape[1]) if task.relative is None else task.relative
    sigma = config.strength * levels[:, None] * relative[None] / span
    if float(sigma.max()) > 0:
        made = restore((film - low) / span, sigma, config, color=task.color, seed=seed)
        film = made * span + low
    estimate = film[:, 0] if single else film
    yield Step(iteration=1, phase="filter", loss=None, output=estimate, estimate=lambda: estimate, total=1)


def restore(film: Tensor, sigma: Tensor, config: Config, *, color: bool, seed: int = 0) -> Tensor:
    """A film (C, T, H, W), values about 0 to 1, without its white noise of level (C, T) in each frame."""
    picture = color and len(film) == 3
    name = config.color if picture else config.gray
    network = photo.opened(name, seed=seed, device=film.device, precision=config.precision)
    own = photo.Config()
    made = torch.empty_like(film)
    motion = Motion(film, sigma, config.reach)

    def restored(t: int) -> None:
        mean, level = _average(film, sigma, motion, t, config)
        noisy, told = film[:, t], sigma[:, t].view(-1, 1, 1)
        found = _seen(network, mean, told * level, together=picture)
        made[:, t] = bounded(noisy, found, told, most=own.most, source=own.source)

    for _ in devices.spread(restored, range(film.shape[1]), film.device):
        pass
    return made


def averaged(film: Tensor, sigma: Tensor, config: Config) -> Iterator[tuple[Tensor, Tensor]]:
    """Of every frame the mean with its neighbours (C, H, W), and the level of its noise over the frame's own.

    Args:
        film: (C, T, H, W).
        sigma: (C, T) level of the noise.
        config: reach and weights.

    >>> still = 0.1 * torch.randn(1, 5, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> mean, level = list(averaged(still, torch.full((1, 5), 0.1), Config(reach=2)))[2]
    >>> bool(level.min() < 0.5), bool(mean.std() < 0.06)
    (True, True)
    """
    motion = Motion(film, sigma, config.reach)
    for t in range(film.shape[1]):
        yield _average(film, sigma, motion, t, config)


def _average(film: Tensor, sigma: Tensor, motion: Motion, t: int, config: Config) -> tuple[Tensor, Tensor]:
    """The mean of frame t with its neighbours, and its level, as `averaged`."""
    (height, width), own = film.shape[-2:], film[:, t]
    total, weights, squares = own.clone(), torch.ones(1, height, width), torch.ones(1, height, width)
    for s in range(max(0, t - config.reach), min(film.shape[1], t + config.reach + 1)):
        if s == t:
            continue
        path = motion.to(t, s)[:, :height, :width]
        there = _as_bright(own, flow.at(film[:, s], path, cubic=True), sigma[:, t], sigma[:, s])
        weight = _alike(own - there, sigma[:, t], sigma[:, s], path, config)
        # a noisier neighbour counts for less
        weight = weight * float((sigma[:, t] / sigma[:, s].clamp_min(1e-12)).square().mean().clamp(0, 4))
        noise = float((sigma[:, s] / sigma[:, t].clamp_min(1e-12)).square().mean())
        total, weights, squares = total + weight * there, weights + weight, squares + weight**2 * noise
    return total / weights, squares.sqrt() / weights


class Motion:
    """The motions between neighbouring frames.

    Args:
        film: (C, T, H, W).
        sigma: (C, T).
        reach: frames before and after that are neighbours.
    """

    def __init__(self, film: Tensor, sigma: Tensor, reach: int) -> None:
        unit = flow.grid()
        below, beside = (-side % unit for side in film.shape[-2:])
        seen = (film * signs(film.movedim(1, 0)).view(-1, 1, 1, 1)).mean(0)
        bright = pad(seen, (0, beside, 0, below), mode="replicate")
        self._moves = 2 * pans(avg_pool2d(bright[None], 2)[0])
        self._variance = (sigma**2).sum(0) / len(sigma) ** 2
        middle, spread = bright.mean((1, 2), keepdim=True), bright.std((1, 2), keepdim=True)
        # what fades is as bright as the brightest, or it would seem to move
        even = float(spread.max()) / spread.clamp_min(1e-6)
        even = torch.where(spread > BLACK * float(spread.max()), even, torch.ones_like(even))
        self._even = even.flatten()
        framed = (bright - middle) * even
        self._pyramids = [flow.pyramid(frame[None]) for frame in framed]
        self._known: dict[tuple[int, int], Tensor] = {}
        frames = film.shape[1]
        for step in (s for far in range(1, reach + 1) for s in (far, -far)):  # each of those before it
            pairs = [(t, t + step) for t in range(frames) if 0 <= t + step < frames]
            found = devices.spread(lambda pair: self._found(*pair), pairs, film.device)
            self._known |= dict(zip(pairs, found, strict=True))

    def to(self, first: int, second: int) -> Tensor:
        """(2, H', W') pixels down and to the right from each place of the first frame, H' and W' padded."""
        return flow.enlarged(self._known[first, second], flow.CELL)

    def _found(self, first: int, second: int) -> Tensor:
        one, two = self._pyramids[first], self._pyramids[second]
        variance = float(sum(self._variance[i] * self._even[i] ** 2 for i in (first, second)))
        if second == first + 1:
            down, across = (float(d) for d in self._moves[first] - self._moves[second])
            return flow.between(one, two, (down, across), variance)
        if first == second + 1:
            there = self._known[second, first]
            start = -flow.at(there, -there / flow.CELL)
        else:
            nearer = second + (1 if first > second else -1)
            start = flow.then(self._known[first, nearer], self._known[nearer, second])
        return flow.refined(one[0], two[0], start, variance, rounds=1)


def _as_bright(own: Tensor, there: Tensor, sigma: Tensor, other: Tensor) -> Tensor:
    """The neighbour at the brightness of the frame: bleaching and flicker are no difference.

    Gain and offset by least squares over squares of `COARSE` pixels, whose noise is known and taken off.
    """
    side = min(COARSE, *own.shape[-2:])
    a, b = (avg_pool2d(picture[None], side)[0].flatten(1) for picture in (own, there))
    one, two = a.mean(1, keepdim=True), b.mean(1, keepdim=True)
    noise = other[:, None].square() / side**2
    power = (b - two).square().mean(1, keepdim=True) - noise
    gain = ((a - one) * (b - two)).mean(1, keepdim=True) / power.clamp_min(1e-12)
    sure = power > 4 * (noise + sigma[:, None].square() / side**2)
    gain = torch.where(sure, gain, torch.ones_like(gain)).clamp(0.5, 2.0)
    return ((there.flatten(1) - two) * gain + one).view_as(there)


def _alike(left: Tensor, sigma: Tensor, other: Tensor, path: Tensor, config: Config) -> Tensor:
    """(1, H, W) the weight of a neighbour, 0 to 1, by the difference (C, H, W) that it leaves.

    It is told on means over 2 x 2 pixels, as it varies slowly.
    """
    height, width = left.shape[-2:]
    variance = (sigma.square() + other.square()).view(-1, 1, 1).clamp_min(1e-12)
    unit = left / variance.sqrt()
    half = avg_pool2d(unit[None], 2, ceil_mode=True, count_include_pad=False)[0]
    worst = torch.zeros_like(half[:1])
    for scale in SCALES:
        seen = flow.smooth(half, scale / 2).abs() * (2 / flow.left_of_noise(scale / 2))
        worst = torch.maximum(worst, seen.amax(0, keepdim=True))
    worst = max_pool2d(worst[None], AROUND, 1, AROUND // 2)[0]
    sure = ((config.unlike - worst) / (config.unlike - config.alike)).clamp(0, 1)
    energy = avg_pool2d(
        torch.cat([unit.square().mean(0, keepdim=True), path])[None],
        2, ceil_mode=True, count_include_pad=False,
    )[0]  # fmt: skip
    usual = _left(energy[1:], float((other.square() / variance.flatten()).mean()))
    excess = 2 * (flow.smooth(energy[:1], ENERGY / 2) - usual).clamp_min(0)
    return flow.enlarged(sure / (1 + config.caution * excess), 2)[:, :height, :width]


def _left(path: Tensor, share: float) -> Tensor:
    """(1, H, W) variance of the noise of the difference over that at whole pixels, after cubic interpolation.

    Args:
        path: (2, H, W) motion.
        share: of the variance that is the neighbour's.
    """
    part = path - path.floor()
    kept = 1 - 0.28 * (4 * part * (1 - part)) ** 2.2  # sum of the squares of the four weights, within 0.01
    return 1 - share * (1 - kept.prod(0, keepdim=True))


def _seen(network: Ensemble, mean: Tensor, level: Tensor, *, together: bool) -> Tensor:
    """What the network makes of a picture (C, H, W) with a map (C, H, W) of its noise."""
    card, count = network.model.card, len(mean)

    def restored(part: Tensor) -> Tensor:
        noisy, told = part[:count], part[count:]
        groups = [slice(0, count)] if together else [slice(c, c + 1) for c in range(count)]
        with torch.no_grad(), devices.arithmetic(network.precision, network.device):
            found = [apply(network.model.network, noisy[g][None], told[g][None])[0].float() for g in groups]
        return torch.cat(found)

    both = torch.cat([mean, level.expand_as(mean)])
    return tiles.process(both, restored, tile=TILE, halo=card.halo, stride=card.stride)


MCTF = Method(
    **described("mctf"),
    config=Config,
    steps=steps,
    presets={"paper": Config(precision="float32"), "fast": Config()},
    tiling=Tiling(kind="whole", reach=64, depth=3, stride=16),
    departures={"precision": "half the time, 0.01 dB"},
    axis="t",
)
