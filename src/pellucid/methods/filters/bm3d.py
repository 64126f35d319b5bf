"""BM3D and CBM3D: similar blocks are stacked and shrunk together, twice; white or correlated noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from pellucid import fields
from pellucid.methods.filters import decorrelate
from pellucid.methods.filters.blocks import SIDE
from pellucid.methods.filters.collaborative import Stage, filter_image
from pellucid.methods.table import described
from pellucid.noise.spectrum import MIDDLE, to_kernel, to_variance
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Step, Task, Tiling

LOWEST = [1, SIDE, SIDE + 1]  # the lowest frequencies of a block but its mean


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of BM3D; the defaults are those of preset fast."""

    step: int = fields.option(3, low=1, high=SIDE)  # wider steps would leave pixels in no block
    """pixels between reference blocks, first stage"""
    wiener_step: int = fields.option(4, low=1, high=SIDE)
    """pixels between reference blocks, second stage"""
    radius: int = fields.option(19, low=1, high=64)
    """search radius in pixels, first stage (19 is a 39 x 39 window)"""
    wiener_radius: int = fields.option(15, low=1, high=64)
    """search radius in pixels, second stage"""
    stride: int = fields.option(1, low=1)
    """pixels between candidate blocks"""
    group: int = fields.option(16, low=1)
    """blocks per group, first stage, a power of two"""
    wiener_group: int = fields.option(32, low=1)
    """blocks per group, second stage, a power of two"""
    threshold: float = fields.option(2.7, low=0, low_open=True)
    """hard threshold in standard deviations of each 3-D coefficient (exact ones, overlap included)"""
    wiener: float = fields.option(0.6, low=0, low_open=True)
    """factor on the noise variance in the Wiener shrinkage (1 is Wiener's own; the pilot's error speaks for
    less)"""
    strength: float = fields.option(1.0, low=0, low_open=True)
    """factor on the standard deviation of the noise"""
    spread: float = fields.option(1.0, low=1)
    """how far the level may be off, as a factor: above 1 every coefficient is weighed by the mean of what the
    level divided by it, the level, and the level times it would give. It forgives a level that texture made
    too high"""
    correlated: float = fields.option(1.0, low=0, low_open=True)
    """further factor where neighbouring pixels share noise (fitted on synthetic camera noise)"""
    whiten: float = fields.option(0.1, low=0, high=1)
    """how far the spectrum of such noise is raised towards its largest value, 0 to 1 (fitted likewise)"""
    whiten_chroma: float = fields.option(1.0, low=0, high=1)
    """how far the spectrum of the chroma is raised so, 0 to 1; it holds little fine detail to lose (fitted
    likewise)"""
    reach: float = fields.option(1.0, low=0)
    """what fine detail may hold of noise at least, in multiples of middling detail (fitted likewise)"""
    coarse: float = fields.option(1.0, low=0)
    """strength of a second look at the chroma, at half size, where pixels share noise; 0 for none"""
    noise: Literal["spectrum", "white"] = fields.option("spectrum", choices=("spectrum", "white"))
    """whether to use the measured spectrum or the level alone"""

    def __post_init__(self) -> None:
        fields.check(self)
        for name in ("group", "wiener_group"):
            value = getattr(self, name)
            if value & (value - 1):
                raise ValueError(f"{name} must be a power of two, got {value}. Use 16 or 32.")

    def levels(self) -> tuple[float, ...]:
        """Multiples of the measured level that are reckoned with.

        >>> Config().levels(), Config(spread=2.0).levels()
        ((1.0,), (0.5, 1.0, 2.0))
        """
        return (1.0,) if self.spread == 1 else (1 / self.spread, 1.0, self.spread)

    def stages(self, wider: float = 1.0) -> tuple[Stage, Stage]:
        """The two stages. The distance limits are far above the noise: a group holds what was found.

        Args:
            wider: factor on these limits.
        """
        return (
            Stage(
                transform="bior1.5", step=self.step, radius=self.radius, stride=self.stride, group=self.group,
                limit=15.0 * wider, strength=self.threshold, levels=self.levels(),
            ),
            Stage(
                transform="dct", step=self.wiener_step, radius=self.wiener_radius, stride=self.stride,
                group=self.wiener_group, limit=2.0 * wider, strength=self.wiener, levels=self.levels(),
            ),
        )  # fmt: skip


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Group similar 8x8 blocks, threshold their 3-D transform, then repeat with Wiener weights from that
    estimate.

    Colour pictures share the groups found on their luminance, in an orthonormal opponent space. Other
    channels are filtered one by one. The strength of every coefficient comes from the noise's autocovariance
    in the NoiseReport.

    Source: Dabov, Foi, Katkovnik, Egiazarian, "Image denoising by sparse 3-D transform-domain collaborative
    filtering", IEEE TIP 2007, and "Color image denoising via sparse 3D collaborative filtering", ICIP 2007;
    exact variances after Makinen, Azzari, Foi, "Collaborative filtering of correlated noise", IEEE TIP 2020.
    """
    noisy = task.average.to(device)
    kernel = torch.from_numpy(task.noise.kernel).float().to(device) / len(task.shots)
    estimate = restore(noisy, kernel, config, color=task.color)
    yield Step.once(estimate)


def restore(noisy: Tensor, kernel: Tensor, config: Config, *, color: bool) -> Tensor:
    """BM3D of (C, H, W), for noise of covariance `kernel` (C, C, 2L+1, 2L+1).

    >>> flat = torch.full((1, 9, 9), 0.5)
    >>> estimate = restore(flat, torch.full((1, 1, 1, 1), 0.01), Config(), color=False)
    >>> bool(torch.allclose(estimate, flat, atol=1e-3))
    True
    """
    channels, height, width = noisy.shape
    if config.noise == "white":
        middle = kernel.shape[-1] // 2
        kernel = kernel[:, :, middle : middle + 1, middle : middle + 1]
    opponent = color and channels == 3
    mixing, back, own = decorrelate.split(kernel, color=opponent)
    middle = own.shape[-1] // 2
    if float(own[:, middle, middle].max()) <= 0.0:
        return noisy.clone()
    planes = decorrelate.mix(mixing, noisy)
    if opponent:
        result = _fine(planes, own, config, opponent=True)
        if config.coarse > 0 and own.shape[-1] > 1 and min(height, width) >= 4 * SIDE:
            result[1:] += _coarse(planes, result, own, config)
    else:
        result = torch.cat(
            [_fine(planes[i : i + 1], own[i : i + 1], config, opponent=False) for i in range(channels)]
        )
    return decorrelate.mix(back, result)


def _fine(planes: Tensor, kernel: Tensor, config: Config, *, opponent: bool) -> Tensor:
    height, width = planes.shape[-2:]
    beyond = (0, max(0, SIDE - width), 0, max(0, SIDE - height))
    padded = F.pad(planes[None], beyond, mode="replicate")[0] if any(beyond) else planes
    kernel = strengthened(kernel, config, opponent=opponent)
    middle = kernel.shape[-1] // 2
    level = kernel[:, middle, middle]
    white = opponent and kernel.shape[-1] == 1
    hard, wiener = config.stages(decorrelate.wider(level) if white else 1.0)
    pilot = filter_image(padded, None, kernel, hard)
    return filter_image(padded, pilot, kernel, wiener)[:, :height, :width]


def _coarse(planes: Tensor, estimate: Tensor, kernel: Tensor, config: Config) -> Tensor:
    """What a second look, at half size, changes in the chroma of the estimate: (C - 1, H, W).

    The colour noise of a photograph has patches larger than a block, which the first look takes for picture.
    The luminance is left alone: there the same change blurs texture.
    """
    small = F.avg_pool2d(planes[None], 2)[0]
    again = _fine(small, _halved(kernel) * config.coarse**2, config, opponent=True)
    change = again[1:] - F.avg_pool2d(estimate[None, 1:], 2)[0]
    size = estimate.shape[-2:]
    return F.interpolate(change[None], size=size, mode="bicubic", align_corners=False)[0]


def _halved(kernel: Tensor) -> Tensor:
    """Autocovariance (C, 2L+1, 2L+1) of the means of 2x2 pixels, at whole lags of the small picture."""
    tent = torch.tensor([0.25, 0.5, 0.25], device=kernel.device)
    smooth = F.conv2d(kernel[:, None], torch.outer(tent, tent)[None, None], padding=1)[:, 0]
    first = (kernel.shape[-1] // 2) % 2
    return smooth[:, first::2, first::2]


def strengthened(kernel: Tensor, config: Config, *, opponent: bool) -> Tensor:
    """Autocovariances (C, 2L+1, 2L+1) at the strength of the configuration."""
    if kernel.shape[-1] == 1:
        return kernel * config.strength**2
    variance = to_variance(kernel).to(kernel)
    low = variance[:, LOWEST].mean(1, keepdim=True)
    raised = variance + config.whiten * (low - variance).clamp_min(0)
    raised = raised.maximum(config.reach * variance[:, MIDDLE].mean(1, keepdim=True))
    if opponent:
        raised[1:] = (variance + config.whiten_chroma * (low - variance).clamp_min(0))[1:]
    return to_kernel(raised).to(kernel) * (config.strength * config.correlated) ** 2


PAPER = Paper(
    citation="Dabov, Foi, Katkovnik, Egiazarian, IEEE TIP 2007; correlated noise: Makinen, Azzari, Foi, "
    "IEEE TIP 2020",
    states=stated(
        step=(3, "normal profile"),
        wiener_step=(3, "normal profile"),
        radius=(19, "normal profile: a window of 39 x 39"),
        wiener_radius=(19, "normal profile"),
        stride=(1, "normal profile"),
        group=(16, "normal profile"),
        wiener_group=(32, "normal profile"),
        threshold=(2.7, "normal profile"),
        wiener=(1.0, "Wiener's weights, Dabov and others"),
        noise=("spectrum", "Makinen and others"),
    ),
    ours={
        "strength": 1.0,
        "spread": 1.0,
        "correlated": 1.0,
        "whiten": 0.0,
        "whiten_chroma": 0.0,
        "reach": 0.0,
        "coarse": 0.0,
    },
)

BM3D = Method(
    **described("bm3d"),
    config=Config,
    steps=steps,
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures={
        "wiener_step": "half the time of the second stage",
        "wiener_radius": "see wiener_step",
        "wiener": "the pilot errs too, which speaks for weaker shrinkage",
        "whiten": "the spectrum is measured and may be too low where noise and texture are alike",
        "whiten_chroma": "chroma holds little fine detail to lose",
        "reach": "see whiten",
        "coarse": "colour noise of photographs has patches larger than a block",
    },
    tiling=Tiling(kind="whole", reach=64, stride=12),  # blocks begin at every third or fourth pixel,
)
