"""The spectrum of the noise of a picture, read by a small network from statistics of its blocks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from pellucid.noise import spectrum, values
from pellucid.noise.colour import matrix
from pellucid.noise.spectrum import SIDE

SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""of the blocks, the calmest first"""
FEWEST = 24
"""blocks from which a figure is taken, at least"""
FLOOR = 1e-3
"""standard deviation, of the contrast of the picture, below which nothing is told apart"""
STRIDE = 4
CALM = 0.03
"""of the blocks of one brightness, those that are asked how the noise changes with it"""
PAIRS = 36
"""pairs {(u, v), (v, u)} of the coefficients of a block"""
CLASSES = 6
"""classes of brightness with the same number of blocks"""
CLASS_SHARES = (0.05, 0.3)
"""of the blocks of a class, the calmest first"""


@lru_cache
def pairs() -> Tensor:
    """(64,) the number of the pair {(u, v), (v, u)} of each 8x8 coefficient; 36 pairs, the mean is number 0.

    >>> int(pairs().max()), int(pairs()[1]) == int(pairs()[8])
    (35, True)
    """
    number: dict[tuple[int, int], int] = {}
    order = []
    for u in range(SIDE):
        for v in range(SIDE):
            order.append(number.setdefault((min(u, v), max(u, v)), len(number)))
    return torch.tensor(order)


@lru_cache
def _halves() -> tuple[Tensor, Tensor]:
    """Indices of the coefficients with u + v even, without the mean, and odd."""
    index = torch.arange(SIDE * SIDE)
    even = (index // SIDE + index % SIDE) % 2 == 0
    return index[even & (index > 0)], index[~even]


@lru_cache
def _folding(width: int = SIDE * SIDE) -> Tensor:
    """(64, 36) means over pairs."""
    matrix = torch.zeros(width, PAIRS)
    matrix[torch.arange(width), pairs()] = 1.0
    return matrix / matrix.sum(0)


BANDS = ((1, 2), (3, 4), (5, 7), (8, 10), (11, 14))
"""sums u + v over which the shape of the distribution is averaged"""


@lru_cache
def _banding() -> Tensor:
    order = torch.arange(SIDE * SIDE) // SIDE + torch.arange(SIDE * SIDE) % SIDE
    columns = [((order >= low) & (order <= high)).float() for low, high in BANDS]
    matrix = torch.stack(columns, 1)
    return matrix / matrix.sum(0)


def middles(energy: Tensor) -> Tensor:
    """The (lower) median of each column of (B, 64).

    >>> middles(torch.tensor([[4.0], [1.0], [3.0], [2.0]]))
    tensor([2.])
    """
    lines = np.ascontiguousarray(energy.numpy().T)
    middle = (len(energy) - 1) // 2
    return torch.from_numpy(np.partition(lines, middle, axis=1)[:, middle].copy())


def plane_features(coefficients: Tensor, middles: Tensor, floor: float) -> Tensor:
    """Logarithms of the energy of each pair of coefficients, in blocks calmer and calmer, and their shape.

    The calm of a block is judged by one half of its coefficients (u + v even or odd) and its energy read in
    the other half, so that noise, whose coefficients are independent, is read without bias however few
    blocks are asked, and texture, whose coefficients rise and fall together, fades away.

    Args:
        coefficients: (B, 64) of one plane, B at least 1.
        middles: (64,) medians of their squares.
        floor: standard deviation below which nothing is told apart.

    Returns:
        (len(SHARES) * (36 + 5) + 5,) natural logarithms.
    """
    energy = coefficients.square()
    scaled = (energy / (middles + floor**2)).clamp_(max=50.0)
    readings = torch.zeros(len(SHARES), SIDE * SIDE)
    shapes = torch.zeros(len(SHARES), SIDE * SIDE)
    count = len(energy)
    counts = [max(min(FEWEST, count), round(share * count)) for share in SHARES]
    size = coefficients.abs()
    for own, other in (_halves(), _halves()[::-1]):
        read_energy, read_size = energy[:, other], size[:, other]
        for i, chosen in enumerate(values.smallest(scaled[:, own].mean(1), counts)):
            whole = len(chosen) == count
            mean_square = (read_energy if whole else read_energy[chosen]).mean(0)
            mean_size = (read_size if whole else read_size[chosen]).mean(0)
            readings[i, other] = mean_square
            shapes[i, other] = (
                (math.pi / 2) * (mean_size.square() + 1e-3 * floor**2) / (mean_square + 1e-3 * floor**2)
            )
    logs = (readings + floor**2).log()
    # the mean of a block is read as the lowest frequencies are
    logs[:, 0] = logs[:, 1]
    shapes[:, 0] = shapes[:, 1]
    folded = logs @ _folding()
    direction = (logs.view(-1, SIDE, SIDE) - logs.view(-1, SIDE, SIDE).mT).abs().flatten(1) @ _banding()
    banded = shapes.clamp_min(1e-3).log() @ _banding()
    return torch.cat([folded.flatten(), banded.flatten(), direction.mean(0)])


def calm_energy(coefficients: Tensor, band: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Mean energy (C,) of a band of coefficients (B, C, 64), each half read where the other half is calm, and
    the mean brightness (C,) of those blocks.
    """
    energy = coefficients.double().square()
    typical = energy.median(0).values.clamp_min(1e-30)
    kept: list[Tensor] = []
    bright: list[Tensor] = []
    for own, other in (_halves(), _halves()[::-1]):
        calm = (energy / typical)[:, :, own].clamp(max=50.0).mean((1, 2))
        (chosen,) = values.smallest(calm, [max(min(2 * FEWEST, len(calm)), round(CALM * len(calm)))])
        inside = [k for k in other.tolist() if k in band]
        kept.append(energy[chosen][:, :, inside].mean((0, 2)))
        bright.append(coefficients[chosen, :, 0].double().mean(0) / SIDE)
    return (kept[0] + kept[1]) / 2, (bright[0] + bright[1]) / 2


def class_features(coefficients: Tensor, middles: Tensor, classes: Sequence[Tensor], floor: float) -> Tensor:
    """Logarithms of the energy of bands in the calmest blocks of each class of brightness.

    Noise of photons lies in the bright parts, and the calmest blocks of a picture are its dark ones: each
    class tells for itself.

    Args:
        coefficients: (B, 64) of one plane.
        middles: (64,) medians of their squares.
        classes: indices of the blocks of each class, darkest first.
        floor: standard deviation below which nothing is told apart.

    Returns:
        (len(classes) * len(CLASS_SHARES) * len(BANDS),) natural logarithms.
    """
    energy = coefficients.square()
    scaled = (energy / (middles + floor**2)).clamp_(max=50.0)
    calm = [scaled[:, own].mean(1) for own in _halves()]
    readings = []
    for part in classes:
        inside = part if len(part) else torch.cat(list(classes))
        counts = [max(min(FEWEST, len(inside)), round(share * len(inside))) for share in CLASS_SHARES]
        both = torch.zeros(len(CLASS_SHARES), SIDE * SIDE)
        for own, other in zip(calm, _halves()[::-1], strict=True):
            for i, chosen in enumerate(values.smallest(own[inside], counts)):
                both[i, other] = energy[inside[chosen]].mean(0)[other]
        readings.append((both @ _banding() + floor**2).log().flatten())
    return torch.cat(readings)


def grid(plane: Tensor, covered: Tensor) -> Tensor:
    """How much stronger the steps between pixels are at one place of 8 than at the others: JPEG's blocks.

    Args:
        plane: (H, W).
        covered: (H, W) pixels that count.

    Returns:
        (4,) for rows and columns: log of the largest mean step over the median one, of periods 8 and 2.
    """
    found: list[Tensor] = []
    for axis in (1, 0):
        length = plane.shape[axis] - 1
        used = (covered.narrow(axis, 0, length) & covered.narrow(axis, 1, length)).float()
        steps = plane.diff(dim=axis).abs() * used
        top = 4 * float(steps.sum() / used.sum().clamp_min(1)) + 1e-12
        line, weight = steps.clamp(max=top).sum(1 - axis), used.sum(1 - axis)
        for period in (8, 2):
            phases = torch.stack(
                [line[p::period].sum() / weight[p::period].sum().clamp_min(1) for p in range(period)]
            )
            found.append(((phases.max() + 1e-12) / (phases.median() + 1e-12)).log())
    return torch.stack(found)


def eigen_features(coefficients: Tensor, floor: float) -> Tensor:
    """Logarithms of six eigenvalues of the covariance of 8x8 blocks (B, 64), smallest first."""
    centred = coefficients.double() - coefficients.double().mean(0)
    values = torch.linalg.eigvalsh(centred.mT @ centred / len(centred)).clamp_min(0) + floor**2
    chosen: Tensor = values[[0, 3, 8, 16, 32, 48]]
    return chosen.log().float()


@dataclass(frozen=True)
class Seen:
    """What is shown to the network.

    Attributes:
        features: (F,).
        reference: log of the variance that the figures are relative to.
        floor: standard deviation below which nothing is told apart.
    """

    features: Tensor
    reference: float
    floor: float


def seen(windows: Sequence[Tensor], usable: Sequence[Tensor], span: float, step: float) -> Seen:
    """The statistics of a picture of one plane, or of luminance and two chromas.

    Args:
        windows: (P, h, w) parts of the picture, in orthonormal opponent planes, or of one plane.
        usable: (rows, columns) of each, whether the 8x8 block that begins at 4 (row, column) is used.
        span: robust contrast of the picture.
        step: distance of neighbouring values as they are stored; 0 where there is none.
    """
    floor = max(FLOOR * span, 1e-12)
    blocks = torch.cat([blocks_of(w)[:, u.flatten()] for w, u in zip(windows, usable, strict=True)], 1)
    typical = [middles(c.square()) for c in blocks]
    parts = [plane_features(c, m, floor) for c, m in zip(blocks, typical, strict=True)]
    wide = len(SHARES) * PAIRS
    reference = float(parts[0][PAIRS : 2 * PAIRS].mean())
    for part in parts:
        part[:wide] -= reference
    brightness = blocks[0, :, 0] / SIDE
    shade = values.in_classes(brightness, CLASSES)
    classes = [class_features(c, m, shade, floor) - reference for c, m in zip(blocks, typical, strict=True)]
    shades = torch.stack([(brightness[part] if len(part) else brightness).mean() for part in shade])
    large = max(range(len(windows)), key=lambda i: windows[i][0].numel())
    covered = values.cover(usable[large], windows[large].shape[-2:])
    tails = []
    for block, plane in zip(blocks, windows[large], strict=True):
        tails += [eigen_features(block, floor) - reference, grid(plane, covered)]
    step_log = math.log(step**2 / 12 + 1e-3 * floor**2) - reference
    more = torch.tensor([math.log(span**2) - reference, step_log, math.log(max(blocks.shape[1], 1)) - 8.0])
    bright = (shades - shades[0]) / span
    return Seen(torch.cat([*parts, *classes, *tails, bright, more]).float(), reference, floor)


WEIGHTS = Path(__file__).with_name("reading.safetensors")


@dataclass(frozen=True)
class Reading:
    """The noise as the network reads it.

    Attributes:
        variance: (P, 64) of each 8x8 DCT coefficient in each plane.
        doubt: (P,) mean size of the error of the logarithm of each plane's variance, as the network sees it.
        level: standard deviation of the noise per value, root mean square over planes.
    """

    variance: Tensor
    doubt: Tensor

    @property
    def level(self) -> float:
        """Root mean square over planes and coefficients."""
        return float(self.variance.mean().sqrt())


def read(
    windows: Sequence[Tensor], usable: Sequence[Tensor], *, color: bool, span: float, step: float
) -> Reading:
    """The spectrum of the noise in each plane.

    Luminance and two chromas of a colour picture are read together, other channels each for itself.

    Args:
        windows: (C, h, w) parts of the picture, sides at least 16.
        usable: (rows, columns) of each window, whether the 8x8 block that begins at 4 (row, column) is used.
        color: whether the three channels are display colours.
        span: robust contrast of the picture.
        step: distance of neighbouring values as they are stored; 0 where there is none.
    """
    mixing = matrix(windows[0].shape[0], color=color)
    groups = (
        [slice(0, 3)] if color and windows[0].shape[0] == 3 else [slice(i, i + 1) for i in range(len(mixing))]
    )
    planes = [torch.einsum("dc,chw->dhw", mixing, w) for w in windows]
    variances, doubts = [], []
    for group in groups:
        view = seen([p[group] for p in planes], usable, span, step)
        found, doubt = _network(len(mixing[group])).run(view)
        variances.append(found)
        doubts.append(doubt)
    return Reading(torch.cat(variances).double(), torch.cat(doubts))


def blocks_of(planes: Tensor) -> Tensor:
    """(P, B, 64) DCT coefficients of the 8x8 blocks of (P, h, w), every fourth pixel."""
    blocks = planes.unfold(1, SIDE, STRIDE).unfold(2, SIDE, STRIDE)
    return blocks.reshape(planes.shape[0], -1, SIDE * SIDE) @ spectrum.transform().float().T


@dataclass(frozen=True)
class _Network:
    tensors: Mapping[str, Tensor]

    def run(self, view: Seen) -> tuple[Tensor, Tensor]:
        """Variances (P, 64) and doubts (P,) for what is seen."""
        t = self.tensors
        x = ((view.features - t["mean"]) / t["spread"]).clamp(-4, 4)
        past = t["skip.weight"] @ x
        for layer in ("a", "b"):
            x = torch.nn.functional.silu(t[f"{layer}.weight"] @ x + t[f"{layer}.bias"])
        x = t["c.weight"] @ x + t["c.bias"] + past
        planes = len(t["middle"])
        logs = x[: planes * PAIRS].view(planes, PAIRS) + t["middle"] + view.reference
        variance = (logs.exp() - view.floor**2).clamp_min(1e-4 * view.floor**2)
        return variance[:, pairs()], x[planes * PAIRS :].clamp(-4, 2).exp()


@lru_cache
def _network(planes: int) -> _Network:
    with safe_open(WEIGHTS, "pt") as file:
        prefix = f"{planes}."
        names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118 (no mapping)
        return _Network({name.removeprefix(prefix): file.get_tensor(name).float() for name in names})
