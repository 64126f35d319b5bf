"""Pool: where crops come from, alone or as pairs; single images, and two folders of equal names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from pellucid.data.cache import Cache
from pellucid.data.crops import Region
from pellucid.data.folder import copies, images_in, of_one_white, open_all, same_channels
from pellucid.data.source import Source


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a pool.

    Attributes:
        regions: what may be cropped from.
        groups: for each region, what must not be torn apart by a split.
        channels: of every crop.
        color: whether they are display colours.
        white: the stored value that 1.0 stands for where it is one for all, else 0.
        pictures: how many files.
        left_out: what was not taken, and why.
        notes: what else the user should know.
        gap: frames between the two parts of a single stack.
    """

    regions: tuple[Region, ...]
    groups: tuple[str, ...]
    channels: int
    color: bool
    white: float
    pictures: int
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    gap: int = 1


class Pool(Protocol):
    """Gives views of places."""

    @property
    def facts(self) -> Facts:
        """What is known of it."""
        ...

    def name(self, region: Region) -> str:
        """What the picture of a region is called; seeds depend on it."""
        ...

    def views(
        self, region: Region, number: int, top: int, left: int, side: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | None] | None:
        """One or two views (C, side, side) of a place, or None where the place is not fit for a pair."""
        ...


def whole(source: Source, index: int) -> Region:
    """All of a source."""
    count, _, height, width = source.shape
    return Region(source=index, first=0, last=count, top=0, bottom=height, left=0, right=width)


def read(source: Source, number: int, top: int, left: int, side: int) -> Tensor:
    """(C, side, side) of a source."""
    return torch.from_numpy(source.crop(number, slice(top, top + side), slice(left, left + side)))


class Unpaired:
    """Single images, noisy or clean.

    Args:
        place: a folder of images, or one stack.
        cache: for compressed files.
        data_range: what white is in them.
        mixed: whether the numbers of channels may differ.

    Raises:
        ValueError: when no image can be read.
        FileNotFoundError: when there is no such folder.
    """

    def __init__(
        self, place: Path, cache: Cache, *, data_range: float | None = None, mixed: bool = False
    ) -> None:
        opened = open_all(images_in(place), cache, data_range=data_range)
        self.sources, white = of_one_white(opened.sources)
        self.facts = Facts(
            regions=tuple(whole(source, i) for i, source in enumerate(self.sources)),
            groups=tuple(copies(opened.paths)),
            channels=self.sources[0].shape[1] if mixed else same_channels(self.sources),
            color=all(source.color for source in self.sources),
            white=white,
            pictures=len(self.sources),
            left_out=opened.left_out,
        )

    def name(self, region: Region) -> str:
        """The name of the file."""
        return self.sources[region.source].name

    def views(
        self, region: Region, number: int, top: int, left: int, side: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """One view."""
        return read(self.sources[region.source], number, top, left, side), None


class Matched:
    """Pairs from two folders with equal names: the image, and another of the same scene.

    Args:
        place: the folder whose images are denoised.
        other: the folder of the others, clean or noisy.
        cache: for compressed files.
        data_range: what white is in them.

    Raises:
        ValueError: when names or sizes differ.
        FileNotFoundError: when there is no such folder.
    """

    def __init__(self, place: Path, other: Path, cache: Cache, *, data_range: float | None = None) -> None:
        paths, partners = images_in(place), {p.stem: p for p in images_in(other)}
        if len(paths) == len(partners) == 1:
            partners = {paths[0].stem: next(iter(partners.values()))}
        missing = [p.name for p in paths if p.stem not in partners]
        if missing:
            raise ValueError(
                f"{place} and {other} must hold images of equal names, {len(missing)} of {len(paths)} have "
                f"no "
                f"partner; the first is {missing[0]}. Remove or rename them."
            )
        first = open_all(paths, cache, data_range=data_range)
        second = open_all(
            [partners[p.stem] for p in first.paths], cache, data_range=data_range, prefix="other/"
        )
        _same_sizes(first.sources, second.sources)
        both, white = of_one_white((*first.sources, *second.sources))
        self.sources, self.others = both[: len(first.sources)], both[len(first.sources) :]
        self.facts = Facts(
            regions=tuple(whole(source, i) for i, source in enumerate(self.sources)),
            groups=tuple(copies(first.paths)),
            channels=same_channels(both),
            color=all(source.color for source in both),
            white=white,
            pictures=len(self.sources),
            left_out=first.left_out,
        )

    def name(self, region: Region) -> str:
        """The name of the first file."""
        return self.sources[region.source].name

    def views(
        self, region: Region, number: int, top: int, left: int, side: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """The same place in both."""
        return (
            read(self.sources[region.source], number, top, left, side),
            read(self.others[region.source], number, top, left, side),
        )


def _same_sizes(first: Sequence[Source], second: Sequence[Source]) -> None:
    if len(first) != len(second):
        raise ValueError(
            f"every image needs its partner, {len(second)} of {len(first)} partners can be read. Check them."
        )
    for one, two in zip(first, second, strict=True):
        if one.shape != two.shape:
            raise ValueError(
                f"partners must have one size, {one.name} is {one.shape} and {two.name} {two.shape} (slices, "
                "channels, height, width). Crop them alike."
            )
