"""One picture, above all a photograph: (C)BM3D beside a small network, brightness from linear light."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch

from pellucid import fields, models
from pellucid.engine import placed
from pellucid.methods.filters import bm3d
from pellucid.methods.table import described
from pellucid.models.ensemble import MIRRORS, Ensemble
from pellucid.noise.report import NoiseReport
from pellucid.noise.shift import SEEN, relit
from pellucid.steps import Method, Step, Task


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of the filter for one photograph."""

    strength: float = fields.option(1.1, low=0, low_open=True)
    """factor on the standard deviation of noise that pixels share, which the flattest blocks of a photograph
    understate (chosen on PolyU crops and synthetic camera noise)"""
    spread: float = fields.option(1.6, low=1)
    """how far the level of such noise may be off, as a factor (see bm3d); chosen likewise"""
    network: str = "swift-color"
    """model, told a level of white noise, whose estimate is averaged with that of the filter in colour
    pictures: a name or a file; none for the filter alone, also in gray pictures"""
    gray: str = "swift-gray"
    """the same for pictures of one channel with white noise"""
    share: float = fields.option(0.5, low=0, high=1)
    """weight of the network in that average"""
    level_factor: float = fields.option(2.5, low=0, low_open=True, aliases=("drive",))
    """factor on the measured level that the network is told where pixels share the noise: it knows white
    noise, and shared noise is that much stronger at coarse sizes (chosen on synthetic noise, as share)"""
    pd_share: float = fields.option(0.2, low=0, high=1, aliases=("apart",))
    """weight, where pixels share the noise, of what the network makes of every second pixel (pixel-shuffle
    downsampling), one picture of four after the other: their noise is nearly white"""
    pd_level_factor: float = fields.option(1.5, low=0, low_open=True, aliases=("apart_drive",))
    """factor on the measured level that it is told there (chosen on synthetic noise, as pd_share)"""
    tta_views: int = fields.option(2, low=1, high=len(MIRRORS), aliases=("looks",))
    """test-time augmentation: pictures of which the mean is taken whenever the network is asked: as it is,
    turned by 180 degrees, mirrored left to right, top to bottom"""
    light: Literal["auto", "always", "never"] = fields.option("auto", choices=("auto", "always", "never"))
    """take the brightness from linear light, where noise averages out; auto: in colour pictures whose noise
    pixels share, which a camera has developed"""
    least: float = fields.option(SEEN, low=0)
    """root mean square of the shift of brightness below which it is left alone, as it is not seen"""
    step: int = 4
    """pixels between the reference blocks of BM3D"""
    radius: int = 15
    """search radius of BM3D, pixels"""

    def __post_init__(self) -> None:
        fields.check(self)
        self.filter(correlated=True)

    def beside(self, noise: NoiseReport, *, color: bool, channels: int) -> str:
        """The model that works beside the filter, "none" where there is none."""
        if self.network == "none" or (color and channels == 3):
            return self.network
        return self.gray if channels == 1 and not noise.correlated else "none"

    def filter(self, *, correlated: bool) -> bm3d.Config:
        """BM3D for noise that pixels share, or not."""
        return bm3d.Config(
            step=min(self.step, 3),
            wiener_step=self.step,
            radius=19,
            wiener_radius=self.radius,
            strength=self.strength if correlated else 1.0,
            spread=self.spread if correlated else 1.0,
        )


def opened(name: str, *, seed: int, device: torch.device) -> Ensemble:
    """A model that is shipped or installed, or a file, ready to be asked.

    Raises:
        FileNotFoundError: when a path leads nowhere.
        ValueError: when there is no such model, or it is damaged.
    """
    from pellucid import methods  # its table names this file

    path = models.locate(name)
    method = methods.load(models.read_card(path).method)
    if method.learning is None:
        raise ValueError(f"model {name!r} must be one that `pellucid train` wrote, got one of {method.name}.")
    model = models.load(path, method.name, method.learning, method.config)
    placed(model.network, device)
    return Ensemble(model=model, learning=method.learning, seed=seed, device=device)


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
    noisy = task.shots.mean(0).to(device, torch.float32)
    developed = task.color and noisy.shape[0] == 3 and task.noise.correlated
    asked = [(config.share, config.level_factor if developed else 1.0, 1)]
    if developed:
        asked.append((config.pd_share, config.pd_level_factor, 2))
    name = config.beside(task.noise, color=task.color, channels=noisy.shape[0])
    wanted = name != "none" and task.noise.level > 0 and any(share > 0 for share, _, _ in asked)
    network = opened(name, seed=seed, device=device) if wanted else None
    settings = config.filter(correlated=task.noise.correlated)
    (filtered,) = bm3d.steps(task, settings, seed=seed, device=device)
    estimate = filtered.estimate()
    for share, factor, stride in asked:
        if network is not None and share > 0:
            other = network.estimate(noisy, factor * task.noise.level, stride=stride, views=config.tta_views)
            estimate = estimate + share * (other - estimate)
    estimate = estimate + (noisy - estimate).mean((-2, -1), keepdim=True)
    if config.light == "always" or (config.light == "auto" and developed):
        estimate = relit(noisy, estimate, config.least)
    yield Step(iteration=1, phase="filter", loss=None, output=estimate, estimate=lambda: estimate, total=1)


def _keeps_mean(config: Config, noise: NoiseReport) -> bool:
    """The noise of a developed photograph has shifted the mean, no other noise has."""
    return config.light == "never" or (config.light == "auto" and not noise.correlated)


PHOTO = Method(
    **described("photo"),
    config=Config,
    steps=steps,
    presets={"paper": Config(step=3, radius=19, tta_views=4), "fast": Config()},
    departures={
        "tta_views": "two views for half the time of four",
        "step": "wider steps and a nearer search halve the time of the second stage",
        "radius": "see step",
    },
    keeps_mean=_keeps_mean,
)
