"""Channels that are not what their number says: a gray picture stored as colour, stains, empty channels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Channels:
    """Which channels of a file are filtered, and from which of them each comes back.

    Attributes:
        kept: the channels of the file that are filtered, in order.
        source: for every channel of the file, which of the kept ones it comes back from: the mean of them,
            as equal channels must come back equal; () for an empty channel, which comes back as it was.
        values: (N, C) the value of every empty channel of every slice, working units; 0 for others.
        color: whether what is left are display colours.
        words: what was found.
    """

    kept: tuple[int, ...]
    source: tuple[tuple[int, ...], ...]
    values: Tensor
    color: bool
    words: str

    def lay(self, pixels: Tensor) -> Tensor:
        """(..., C, H, W) to the channels that are filtered."""
        return pixels[..., list(self.kept), :, :]

    def lay_map(self, levels: Tensor) -> Tensor:
        """The same for levels or flags of all pixels."""
        return self.lay(levels)

    def back(self, laid: Tensor, index: int) -> Tensor:
        """What became of slice `index`, as the file has its channels; empty ones bit for bit."""
        return self._spread(laid, self.values[index].to(laid))

    def back_map(self, laid: Tensor, index: int) -> Tensor:
        """The same for a map of standard deviations: an empty channel has none."""
        return self._spread(laid, torch.zeros(len(self.source)).to(laid))

    def _spread(self, laid: Tensor, values: Tensor) -> Tensor:
        planes = []
        for channel, source in enumerate(self.source):
            if not source:
                planes.append(torch.full_like(laid[..., 0, :, :], float(values[channel])))
            else:
                same = laid[..., list(source), :, :]
                planes.append(same.double().mean(-3).to(laid))
        return torch.stack(planes, -3)


def find(pixels: Tensor, *, color: bool) -> Channels | None:
    """Whether channels are equal to one another, or empty: of one value, in every slice.

    Equal channels are one picture. One or two pictures in the channels of a colour file are stains, each with
    a noise of its own, and no colours. A scan in gray whose channels have each its noise is left as it is:
    there the channels say more than one of them.

    Args:
        pixels: (N, C, H, W), or the shots of a scene (S, N, C, H, W).
        color: whether the channels are display colours.

    Returns:
        None where every channel shows a picture of its own, or none shows any.

    >>> gray = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    >>> find(gray.expand(1, 3, 4, 4), color=True).words
    'all 3 channels are equal: one gray picture'
    >>> find(torch.cat([0 * gray, gray, 0 * gray], 1), color=True).words
    'only channel 2 of 3 is not empty: no colours'
    """
    shots = pixels if pixels.ndim == 5 else pixels[None]
    count = shots.shape[2]
    if count == 1:
        return None
    empty = [bool((shots[:, :, c] == shots[:, :, c, :1, :1]).all()) for c in range(count)]
    sums = [float(shots[:, :, c].sum(dtype=torch.float64)) for c in range(count)]  # mostly differ if these do
    kept: list[int] = []
    source: list[tuple[int, ...]] = []
    for c in range(count):
        like = [k for k, other in enumerate(kept) if sums[c] == sums[other]]
        twin = next((k for k in like if torch.equal(shots[:, :, c], shots[:, :, kept[k]])), None)
        source.append(() if empty[c] else (len(kept) if twin is None else twin,))
        if twin is None and not empty[c]:
            kept.append(c)
    if not kept or len(kept) == count:
        return None
    blank = torch.tensor(empty)
    values = torch.where(blank, shots[:, :, :, 0, 0].mean(0), 0.0)
    words = _words(kept, empty, source, color)
    return Channels(kept=tuple(kept), source=tuple(source), values=values, color=False, words=words)


def whole(found: Channels) -> Channels:
    """The same for a method that takes the channels of the file as they are: only the way back is left.

    >>> gray = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    >>> whole(find(gray.expand(1, 3, 4, 4), color=True)).source
    ((0, 1, 2), (0, 1, 2), (0, 1, 2))
    """
    like = {k: tuple(c for c, s in enumerate(found.source) if s == (k,)) for k in range(len(found.kept))}
    return Channels(
        kept=tuple(range(len(found.source))),
        source=tuple(like[s[0]] if s else () for s in found.source),
        values=found.values,
        color=True,
        words=found.words,
    )


def _words(kept: list[int], empty: list[bool], source: list[tuple[int, ...]], color: bool) -> str:
    """What was found, channels counted from 1."""
    count = len(empty)
    if len(kept) == 1 and not any(empty):
        return f"all {count} channels are equal: one gray picture"
    shown = [str(c + 1) for c in range(count) if not empty[c]]
    several = len(shown) > 1
    words = []
    if any(empty):
        which = f"channel{'s' * several} {_list(shown)} of {count}"
        words.append(f"only {which} {'are' if several else 'is'} not empty")
    for k in range(len(kept)):
        twins = [str(c + 1) for c in range(count) if source[c] == (k,)]
        if len(twins) > 1:
            words.append(f"channels {_list(twins)} are equal")
    return ", ".join(words) + (": no colours" if color else "")


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
