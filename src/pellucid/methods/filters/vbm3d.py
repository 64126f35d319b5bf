"""V-BM3D: similar blocks of the frames of a film are shrunk together, twice; white or correlated noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn import functional as F

from pellucid import fields
from pellucid.methods.filters import blinking, bm3d, decorrelate
from pellucid.methods.filters.blocks import AREA, SIDE
from pellucid.methods.filters.compiled import Floats, Places
from pellucid.methods.filters.variance import covariances
from pellucid.methods.table import described
from pellucid.paper import Paper, stated
from pellucid.series import light
from pellucid.series.motion import pans
from pellucid.steps import Method, Step, Task, Tiling

FADE = 2.0
"""shape of the Kaiser window of the sums"""
FARTHEST = 32
"""displacements of blocks, in pixels, from which on shared noise is taken for that of the farthest class"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of V-BM3D; the defaults are those of preset fast."""

    reach: int = fields.option(6, low=0, high=32)
    """frames before and after that are searched"""
    step: int = fields.option(3, low=1, high=SIDE)
    """pixels between reference blocks, first stage"""
    wiener_step: int = fields.option(3, low=1, high=SIDE)
    """pixels between reference blocks, second stage"""
    radius: int = fields.option(3, low=1, high=32)
    """search radius in a block's own frame in pixels (3 is a 7 x 7 window)"""
    near: int = fields.option(2, low=0, high=16)
    """search radius around each place of the frame before (2 is a 5 x 5 window)"""
    best: int = fields.option(2, low=1, high=16)
    """places that are followed from frame to frame, and kept of each"""
    group: int = fields.option(16, low=1, high=64)
    """blocks per group, first stage, a power of two"""
    wiener_group: int = fields.option(8, low=1, high=64)
    """blocks per group, second stage, a power of two"""
    threshold: float = fields.option(2.7, low=0, low_open=True)
    """hard threshold in standard deviations of each 3-D coefficient (exact ones, overlap included)"""
    wiener: float = fields.option(1.0, low=0, low_open=True)
    """factor on the noise variance in the Wiener shrinkage (1 is Wiener's own)"""
    limit: float = fields.option(15.0, low=0, low_open=True)
    """largest squared distance per pixel of a block to its reference in variances of the noise, first
    stage"""
    wiener_limit: float = fields.option(2.4, low=0, low_open=True)
    """the same for the second stage"""
    bonus: float = fields.option(0.31, low=0)
    """what is taken off that distance where a block has not moved, first stage, in the same unit"""
    soft: float = fields.option(0.5, low=0)
    """standard deviation in pixels of the Gaussian that smooths frames in which blocks are compared, first
    stage"""
    wiener_bonus: float = fields.option(0.06, low=0)
    """the same for the second stage"""
    pan: bool = True
    """look for the movement of the whole picture from frame to frame first, and begin the search there"""
    even: bool = True
    """take what frames differ by in brightness (bleaching, flicker) out before, and put it back after"""
    blink: float = fields.option(3.5, low=0)
    """a frame's own result (by bm3d) stands where what was removed lies so many standard deviations above
    what noise leaves of itself there, smoothed over the size of a spot, as where a spot blinks; 0 to leave
    that out"""
    strength: float = fields.option(1.0, low=0, low_open=True)
    """factor on the standard deviation of the noise"""

    def __post_init__(self) -> None:
        fields.check(self)
        for name in ("group", "wiener_group"):
            value = getattr(self, name)
            if value & (value - 1):
                raise ValueError(f"{name} must be a power of two, got {value}. Use 8 or 16.")


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Group the blocks that a predictive search finds in neighbouring frames, threshold their 3-D transform,
    then repeat with Wiener weights from that estimate.

    Each block is looked for around itself, and in every next frame around its best places in the frame
    before, so that groups follow what moves. Frames share no noise; within a frame the exact variance of
    every coefficient is used, as in `bm3d`. Colour films share the groups found on their luminance; other
    channels are filtered one by one. What one frame alone shows is looked for afterwards (`blinking`). A
    single frame is left to `bm3d`. Frames are brought to one brightness first (`series.light`).

    Source: Dabov, Foi, Egiazarian, "Video denoising by sparse 3D transform-domain collaborative filtering",
    EUSIPCO 2007; constants also after Arias, Ehret, Morel, arXiv 2001.01802 (IPOL 2021).
    """
    film = task.shots.mean(0)
    single = film.ndim == 3
    film = (film[:, None] if single else film).to("cpu", torch.float32)
    kernel = torch.from_numpy(task.noise.kernel).float() / len(task.shots)
    levels = torch.ones(film.shape[1]) if task.relative is None else task.relative
    made = restore(film, kernel, config, color=task.color, levels=levels)
    estimate = (made[:, 0] if single else made).to(device)
    yield Step.once(estimate)


def restore(
    film: Tensor, kernel: Tensor, config: Config, *, color: bool, levels: Tensor | None = None
) -> Tensor:
    """V-BM3D of (C, T, H, W), for noise of covariance `kernel` (C, C, 2L+1, 2L+1) in every frame.

    Args:
        film: on the CPU.
        kernel: of the noise.
        config: constants.
        color: whether three channels are display colours.
        levels: (T,) level of the noise of each frame over that of the kernel; None where all are alike.

    >>> flat = torch.full((1, 3, 9, 9), 0.5)
    >>> estimate = restore(flat, torch.full((1, 1, 1, 1), 0.01), Config(), color=False)
    >>> bool(torch.allclose(estimate, flat, atol=1e-3))
    True
    """
    channels, frames, height, width = film.shape
    opponent = color and channels == 3
    plain = decorrelate.matrix(channels, color=opponent)
    mixing, back, own = decorrelate.split(kernel, color=opponent)
    middle = own.shape[-1] // 2
    if float(own[:, middle, middle].max()) <= 0.0:
        return film.clone()
    usual = bm3d.Config(strength=config.strength)
    level = np.ones(frames, np.float32) if levels is None else levels.float().numpy()
    if frames == 1:
        return bm3d.restore(film[:, 0], kernel * float(level[0]) ** 2, usual, color=color)[:, None]
    shown = decorrelate.mix(plain, film)
    moves = pans(shown[0]) if config.pan else np.zeros((frames, 2), np.int64)
    brightness = light.drift(shown, moves, together=opponent) if config.even else light.none(shown)
    # that of the channels, which have one gain
    brightness = replace(brightness, offset=plain.T @ brightness.offset)
    noisy = planes = decorrelate.mix(mixing, brightness.out(film))
    level = level / brightness.gain.float().numpy()  # (C, T)
    # a block reaches beyond pictures that are smaller than it
    planes = F.pad(planes, (0, max(0, SIDE - width), 0, max(0, SIDE - height)), mode="replicate")
    strong = bm3d.strengthened(own, usual, opponent=opponent)
    parts = [slice(0, channels)] if opponent else [slice(c, c + 1) for c in range(channels)]
    wider = decorrelate.wider(strong[:, middle, middle]) if opponent and kernel.shape[-1] == 1 else 1.0
    made = [
        _both(planes[part].numpy(), strong[part], config, moves, level[part.start], wider) for part in parts
    ]
    result = torch.from_numpy(np.concatenate(made))[..., :height, :width]
    if config.blink > 0:

        def alone(part: Tensor, frame: int) -> Tensor:
            given = decorrelate.mix(back, part)
            each = torch.from_numpy(level[:, frame])
            told = kernel * (each[:, None] * each)[..., None, None]
            filtered = bm3d.restore(given, told, usual, color=color)
            return decorrelate.mix(mixing, filtered)

        result = blinking.kept(noisy, result, own, level, config.blink, alone)
    return brightness.back(decorrelate.mix(back, result))


def _both(
    planes: Floats, kernel: Tensor, config: Config, moves: Places, levels: Floats, wider: float
) -> Floats:
    """Both stages on channels (C, T, H, W) that share their groups; `wider` is a factor on their limits."""
    from pellucid.methods.filters.grouping import films, tables  # they load a compiler
    from pellucid.methods.filters.grouping.predictive import Prediction

    def stage(pilot: Floats | None) -> Floats:
        first = pilot is None
        transform = "bior1.5" if first else "dct"
        noise = tables.noise(covariances(kernel, transform, FARTHEST), len(planes))
        unit = AREA * float(noise.factor[0])
        bonus = (config.bonus if first else config.wiener_bonus) * unit
        follow = films.Follow(
            where=Prediction(config.reach, config.radius, config.near, config.best, bonus),
            pans=moves,
            step=config.step if first else config.wiener_step,
            count=config.group if first else config.wiener_group,
            limit=(config.limit if first else config.wiener_limit) * unit * wider,
        )
        factor = config.threshold**2 if first else config.wiener
        guide = gaussian_filter(planes[0], (0, config.soft, config.soft)) if first else None
        return films.stage(
            planes, pilot, guide, follow, tables.basis(transform, FADE), tables.of_film(noise, levels),
            np.array([factor], np.float32),
        )  # fmt: skip

    return stage(stage(None))


PAPER = Paper(
    citation="Dabov, Foi, Egiazarian, EUSIPCO 2007; constants after Arias, Ehret, Morel, IPOL 2021",
    states=stated(
        reach=(4, "9 frames"),
        step=(6, "IPOL: 6"),
        wiener_step=(4, "IPOL: half a block of 8"),
        radius=(3, "N_S = 7"),
        near=(2, "N_PR = 5"),
        best=(2, "N_B = 2"),
        group=(8, "N_2 = 8"),
        wiener_group=(8, "N_2 = 8"),
        threshold=(2.7, "lambda_3D = 2.7"),
        wiener=(1.0, "Wiener's weights"),
        limit=(4.8, "3000 of 255² at any noise (4500 above 30): this at a standard deviation of 25"),
        wiener_limit=(2.4, "1500 of 255² (3000 above 30), likewise"),
        bonus=(0.31, "7² 255 / 8² of 255² at any noise, likewise"),
        wiener_bonus=(0.06, "3² 255 / 8² of 255² at any noise, likewise"),
    ),
    ours={"soft": 0.0, "pan": False, "even": False, "blink": 0.0, "strength": 1.0},
)

VBM3D = Method(
    **described("vbm3d"),
    config=Config,
    steps=steps,
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures={
        "reach": "two more frames on each side gain 0.2 dB and cost little",
        "step": "a finer step gains 0.2 dB",
        "wiener_step": "see step",
        "limit": "a group holds what was found: in units of the picture it would shut out the block's own "
        "copies where the noise is strong",
        "group": "larger groups gain 0.1 dB where the noise is strong and things turn or come nearer",
        "soft": "smoothing tells like blocks better where the noise is strong",
        "blink": "what one frame alone shows would go with the noise",
        "even": "frames that bleach or flicker are alike only where that is taken out",
        "pan": "the search follows 2 pixels from frame to frame; cameras and stages move farther",
    },
    tiling=Tiling(kind="whole", reach=48, depth=6, stride=3),
    axis="t",
)
