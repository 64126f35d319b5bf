"""The values of a picture: its contrast, whatever the storage, and what storage has done to them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import label
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d

from pellucid.noise.spectrum import SIDE

STRIDE = 4
TAIL = 0.005
"""share of the values left out at either end of the contrast"""
HEAP = 1e-3
"""share of the pixels at the least (or largest) value from which on values were cut off there"""
CUT = 0.05
"""share of the values of a block at an end from which on it tells nothing"""
MOST = 200_000
"""values that are looked at for their lattice"""
MOSTLY = 0.5
"""share of the blocks that are not constant and lie apart from those that are, from which on the others are
left out"""
ROUNDING = 0.45
"""of the distance of neighbouring values: weaker noise than this is rounding"""
PARTS = 4
"""values of constant parts that are followed to their borders, the largest first"""
TWO = 2
"""values of a picture that is drawn, whatever it shows: noise would bring more"""
FIFTH = 0.2
"""share of the values that the shortest interval holds which tells how wide noise can be"""
ASKED = 20_000
"""values of which the characteristic function is taken"""
FASTEST = 100
"""turns over the extent of the values up to which it is looked at"""
TAPER = 0.3
"""share of the extent over which values count less towards an end where they were cut off"""
UNEVEN = 1.2
"""by which factor the level of noise may be above this bound, as noise is not of one level everywhere"""
PALETTE = (48, 256)
"""colours of a picture that was reduced to a palette; fewer are a drawing, which is held for what it is"""
WEAKEST = 0.05
"""of the characteristic function; less is chance"""
TEETH = 8
"""steps in the extent of the values from which on heaps at even distances are a comb, as counts stand on"""
NARROW = 0.507
"""length of that interval, of the standard deviation of Gaussian noise"""
FLAT = 0.15
"""share of exactly flat places in a block that also holds something else, as noise would not leave"""


def rise(value: float, low: float, high: float) -> float:
    """From 0 at low to 1 at high, smoothly: two pictures on both sides of a limit get nearly the same.

    >>> rise(1, 2, 4), rise(3, 2, 4), rise(5, 2, 4)
    (0.0, 0.5, 1.0)
    """
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@dataclass(frozen=True, kw_only=True)
class Values:
    """What the values of a picture tell, in its own units; all of it follows a change a y + b.

    Attributes:
        low: value below which next to none lies, of what is not constant.
        span: distance from there to its counterpart at the other end; above 0.
        body: distance that the middle four fifths of the values fill.
        floor: least value, if a heap of pixels lies at it, as where noise was cut off; else -infinity.
        ceiling: the same at the other end, else +infinity.
        step: distance of neighbouring values, 0 for values that lie on no lattice.
        exact: share of the blocks that are not constant in which something is drawn on a part that is; 1 in
            a picture of two values.
        usable: for each window (rows, columns) whether the 8x8 block at 4 (row, column) can tell of noise.
        constant: share of the blocks that are constant.
        most: for each channel the largest standard deviation that noise of one level can have: it makes the
            distribution of the values at least as wide as its own, wherever they heap.
        reduced: the same of noise that was there before the colours were reduced to a palette, if they were.
            That may be white; steps and dither, which are not, came with the palette.
        palette: whether they were.
    """

    low: float
    span: float
    body: float
    floor: float
    ceiling: float
    step: float
    exact: float
    usable: tuple[Tensor, ...]
    constant: float
    most: tuple[float, ...]
    reduced: tuple[float, ...]
    palette: bool


def look(windows: list[Tensor], hidden: list[Tensor] | None = None) -> Values:
    """Look at the values of windows (C, h, w) of a picture.

    Args:
        windows: parts of the picture, sides at least 8.
        hidden: (h, w) of each, pixels that are no part of the picture, or None.

    >>> seen = look([torch.randn(1, 64, 64, generator=torch.Generator().manual_seed(0)) * 3 + 50])
    >>> 14 < seen.span < 17, seen.step, seen.exact
    (True, 0.0, 0.0)
    """
    least = min(float(w.min()) for w in windows)
    most = max(float(w.max()) for w in windows)
    constants, besides, cuts, flats = [], [], [], []
    for i, window in enumerate(windows):
        squares = _squares(window, SIDE)
        constant = squares[::STRIDE, ::STRIDE]
        ends = ((window <= least) | (window >= most)).to(window.dtype)
        if hidden is not None:
            constant = constant | (max_pool2d(hidden[i][None].float(), SIDE, STRIDE)[0] > 0)
        constants.append(constant)
        besides.append(_beside(window, squares) if squares.any() else torch.zeros_like(constant))
        cuts.append(avg_pool2d(ends[None], SIDE, STRIDE)[0].amax(0) >= CUT)
        # share of the 3x3 places in each block that are constant
        flats.append(avg_pool2d(_squares(window, 3).float()[None], SIDE - 2, STRIDE)[0])
    varied = [~c for c in constants]
    number = sum(int(v.sum()) for v in varied)
    apart = [v & ~b for v, b in zip(varied, besides, strict=True)]
    kept = apart if sum(int(a.sum()) for a in apart) > MOSTLY * number else varied
    inner = [w[:, cover(k, w.shape[-2:])] for w, k in zip(windows, kept, strict=True)]
    total = sum(v.numel() for v in inner)
    low_heap = sum(int((v <= least).sum()) for v in inner)
    high_heap = sum(int((v >= most).sum()) for v in inner)
    values = torch.cat([v.flatten() for v in inner])
    if values.numel() == 0:
        values = torch.cat([w.flatten() for w in windows])
    some = values[:: max(1, values.numel() // MOST)]
    ends = torch.quantile(some, torch.tensor([TAIL, 1 - TAIL, 0.1, 0.9]))
    span = float(ends[1] - ends[0]) or max(most - least, 1e-12)
    mixed = sum(int(((f >= FLAT) & v).sum()) for f, v in zip(flats, varied, strict=True))
    usable = [k & ~c for k, c in zip(kept, cuts, strict=True)]
    if sum(int(u.sum()) for u in usable) < 64:
        usable = varied
    floor = least if low_heap > HEAP * max(total, 1) else -torch.inf
    ceiling = most if high_heap > HEAP * max(total, 1) else torch.inf
    distinct: Tensor = torch.unique(some.double())
    step = _step(distinct, some.numel(), most - least)
    channels = [torch.cat([v[c] for v in inner]) for c in range(windows[0].shape[0])]

    def widest(by_heaps: bool) -> tuple[float, ...]:
        return tuple(
            _widest(c[:: max(1, c.numel() // MOST)], floor, ceiling, step, by_heaps) for c in channels
        )

    most_of, palette = widest(True), _reduced(channels)
    return Values(
        low=float(ends[0]),
        span=span,
        body=float(ends[3] - ends[2]),
        floor=floor,
        ceiling=ceiling,
        step=step,
        most=most_of,
        reduced=widest(False) if palette else most_of,
        palette=palette,
        exact=1.0 if len(distinct) <= TWO else mixed / max(number, 1),
        usable=tuple(usable),
        constant=1 - number / max(sum(c.numel() for c in constants), 1),
    )


def smallest(values: Tensor, counts: Sequence[int]) -> list[Tensor]:
    """Indices of the smallest of (B,) values, one tensor for each count; counts ascend, each at most B.

    Which they are, not their order: no sorting is needed.

    >>> [sorted(part.tolist()) for part in smallest(torch.tensor([0.3, 0.1, 0.2, 0.4]), (1, 3))]
    [[1], [0, 1, 2]]
    """
    numbers = values.detach().cpu().numpy()
    found, chosen = [], np.arange(len(numbers))
    for count in reversed(counts):
        if count < len(chosen):
            chosen = chosen[np.argpartition(numbers[chosen], count - 1)[:count]]
        found.append(torch.from_numpy(chosen).to(values.device))
    return found[::-1]


def in_classes(values: Tensor, count: int) -> list[Tensor]:
    """Indices of (B,) values in classes with the same number of them, the smallest first.

    >>> [sorted(part.tolist()) for part in in_classes(torch.tensor([0.3, 0.1, 0.2, 0.4]), 2)]
    [[1, 2], [0, 3]]
    """
    parts = np.array_split(np.arange(values.numel()), count)
    ends = [int(part[0]) for part in parts[1:] if len(part)]
    numbers = values.detach().cpu().numpy()
    order = np.argpartition(numbers, ends) if ends else np.arange(len(numbers))
    return [torch.from_numpy(order[part]).to(values.device) for part in parts]


def inside(pixels: Tensor) -> tuple[slice, slice]:
    """Rows and columns of a picture (N, C, H, W) within a border that holds one value in each channel.

    >>> inside(torch.nn.functional.pad(torch.rand(1, 1, 9, 9), (2, 3, 0, 1), value=0.5))
    (slice(0, 9, None), slice(2, 11, None))
    """
    found = []
    for across in (-1, -2):
        ends = pixels.select(-3 - across, 0), pixels.select(-3 - across, -1)
        if all(bool((end.amax(-1) > end.amin(-1)).any()) for end in ends):  # as in nearly every picture
            found.append(slice(0, pixels.shape[-3 - across]))
            continue
        varied = (pixels.amax(across) > pixels.amin(across)).flatten(0, 1).any(0).nonzero()
        found.append(slice(int(varied[0]), int(varied[-1]) + 1) if len(varied) else slice(None))
    return found[0], found[1]


def cover(blocks: Tensor, size: torch.Size) -> Tensor:
    """(h, w) the pixels that lie in one of the 8x8 blocks marked in (rows, columns), every fourth pixel."""
    rows, columns = blocks.shape
    covered = torch.zeros(size, dtype=torch.bool)
    for y in range(SIDE):
        for x in range(SIDE):
            covered[y : y + STRIDE * rows : STRIDE, x : x + STRIDE * columns : STRIDE] |= blocks
    return covered


def at_ends(picture: Tensor) -> Tensor:
    """(H, W) the constant parts of (C, H, W) of the least or the largest value of all channels.

    A surround, a saturated sky, the paper of a page: no noise is in them, as noise would show. A picture of
    one value has no such part.

    >>> picture = torch.rand(1, 24, 24)
    >>> picture[:, :9, :10] = -1.0
    >>> int(at_ends(picture).sum())
    90
    """
    squares = _squares(picture, SIDE) if min(picture.shape[-2:]) >= SIDE else torch.zeros(1, 1).bool()
    if not squares.any():
        return torch.zeros(picture.shape[-2:], dtype=torch.bool)
    flat = picture.flatten(1)
    found = _parts(picture, squares, [flat.amin(1), flat.amax(1)])
    return found & ~found.all()


def _beside(window: Tensor, squares: Tensor) -> Tensor:
    """(rows, columns) the blocks into which a constant part reaches.

    Args:
        window: (C, h, w).
        squares: whether the 8x8 square that begins at a pixel is constant, one of them at least.
    """
    rows, columns = squares.nonzero().T
    colours, counts = np.unique(window[:, rows, columns].numpy(), axis=1, return_counts=True)
    most = [torch.from_numpy(colour) for colour in colours.T[np.argsort(-counts)[:PARTS]]]
    return max_pool2d(_parts(window, squares, most).float()[None], SIDE, STRIDE)[0] > 0


def _parts(window: Tensor, squares: Tensor, colours: list[Tensor]) -> Tensor:
    """(h, w) the pixels of these colours that hang together with a constant square."""
    part = torch.zeros(window.shape[-2:], dtype=torch.bool)
    rows, columns = squares.nonzero().T
    for colour in colours:
        names, _ = label((window == colour[:, None, None]).all(0).numpy())
        own = np.unique(names[rows, columns])
        part |= torch.from_numpy(np.isin(names, own[own > 0]))
    return part


def _squares(window: Tensor, side: int) -> Tensor:
    """(h - side + 1, w - side + 1) whether the square that begins at a pixel of (C, h, w) is constant."""
    right = (window[..., 1:] == window[..., :-1]).all(0)
    below = (window[:, 1:] == window[:, :-1]).all(0)
    return _all(right, side, side - 1) & _all(below, side - 1, side)


def _all(marked: Tensor, rows: int, columns: int) -> Tensor:
    """Whether all of (h, w) are marked in each rectangle of so many rows and columns."""
    for axis, length in enumerate((rows, columns)):
        reached = 1
        while reached < length:  # twice as far with every step
            step = min(reached, length - reached)
            size = marked.shape[axis] - step
            marked = marked.narrow(axis, 0, size) & marked.narrow(axis, step, size)
            reached += step
    return marked


def _widest(values: Tensor, floor: float, ceiling: float, step: float, by_heaps: bool) -> float:
    """The largest standard deviation of noise in values, infinite where they tell nothing; two bounds.

    The density of a sum is nowhere higher than that of one of its parts: the shortest interval that holds a
    fifth of the values is at least as long as that of the noise, 0.507 of its standard deviation. (Where
    values were cut off at an end, only half of the noise may be seen.) And the characteristic function of a
    sum is the product of those of its parts, so |E exp(i t y)| <= exp(-t² sigma² / 2) at every t: two heaps
    of values, as of paper and ink, are only as wide as the noise.
    """
    between = values[(values > floor) & (values < ceiling)]
    count = round(FIFTH * len(between))
    if count < 100:
        return math.inf
    ordered = torch.from_numpy(np.sort(between.numpy()))
    turns, size, sure = _turns(ordered, floor, ceiling)
    step = max(step, _comb(turns, size, sure))
    shortest = float((ordered[count:] - ordered[:-count]).min()) + step
    cut = len(between) < len(values)
    bound = (2.0 if cut else 1.0) * shortest / NARROW
    told = sure & (size < 1) & (turns * step < 1)
    if not by_heaps or not told.any():
        return bound
    return min(bound, UNEVEN * float(((-2 * size[told].log()).sqrt() / turns[told]).min()))


def _turns(ordered: Tensor, floor: float, ceiling: float) -> tuple[Tensor, Tensor, Tensor]:
    """At 1, 2, … turns over the extent of values in order, t, the size of their characteristic function, and
    whether that is more than chance. Towards an end where they were cut off values count less.
    """
    low, high = float(ordered[0]), float(ordered[-1])
    extent = high - low
    if extent <= 0:
        return torch.ones(0), torch.ones(0), torch.ones(0, dtype=torch.bool)
    some = ordered[:: math.ceil(len(ordered) / ASKED)].double()
    weight = torch.ones_like(some)
    for end, away in ((floor, some - low), (ceiling, high - some)):
        if math.isfinite(end):
            weight *= (away / (TAPER * extent)).clamp(max=1).mul(math.pi / 2).sin().square()
    turns = torch.arange(1, FASTEST + 1, dtype=torch.float64) * 2 * math.pi / extent
    one = turns[0] * some
    turn = torch.complex(one.cos(), one.sin())
    now, sums = weight.to(turn.dtype), []
    for _ in range(FASTEST):  # a product for each step costs a tenth of a sine and a cosine
        now = now * turn
        sums.append(now.sum())
    size = torch.stack(sums).abs() / weight.sum().clamp_min(1e-12)
    chance = 5 * float(weight.square().sum().sqrt() / weight.sum().clamp_min(1e-12))
    return turns, size, size > max(WEAKEST, chance)


def _comb(turns: Tensor, size: Tensor, sure: Tensor) -> float:
    """The step of a comb, heaps at even distances as counts of photons make; 0 where there is none.

    The characteristic function of values that fill their extent falls to nothing and stays there; on a comb
    of n steps it comes back at n turns. Heaps of a drawing are fewer, and it is never long gone.

    >>> draws = torch.Generator().manual_seed(0)
    >>> counts = torch.poisson(torch.full((9000,), 3.0), generator=draws)
    >>> counts += 0.1 * torch.randn(9000, generator=draws)
    >>> round(_comb(*_turns(counts.sort().values, -math.inf, math.inf)), 1)
    1.0
    """
    gone = (~sure).nonzero()[:1]
    if len(gone) == 0:
        return 0.0
    first = int(gone) + 1
    back = sure[first:].nonzero()[:1]
    if len(back) == 0:
        return 0.0
    start = first + int(back)
    highest = start + int(size[start : 2 * start].argmax())
    return 2 * math.pi / float(turns[highest]) if highest + 1 >= max(TEETH, 2 * first) else 0.0


def _reduced(channels: Sequence[Tensor]) -> bool:
    """Whether the colours were reduced to a palette, each of which stands for all of a wide cell.

    Then the values of a channel heap however wide the noise was.
    """
    some = torch.stack([c[:: max(1, c.numel() // ASKED)] for c in channels]).double()
    if len(some) < 2:
        return False
    one = torch.tensor([2.0, 3.0, 5.0, 7.0]).double().sqrt()[: len(some)] @ some[:4]  # a colour, a number
    return PALETTE[0] <= len(torch.unique(one)) <= min(PALETTE[1], some.shape[1] // 16)


def _step(distinct: Tensor, count: int, extent: float) -> float:
    """Distance of neighbouring ones of the values that differ, of so many; 0 where they lie on no lattice."""
    if len(distinct) > count // 4 or len(distinct) < 2:
        return 0.0
    gaps = distinct.diff()
    gaps = gaps[gaps > 4e-7 * float(distinct.abs().max()) + 1e-9 * extent]
    return float(gaps.min()) if len(gaps) else 0.0
