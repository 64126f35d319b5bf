"""Windows of neighbouring slices: the frames of films, the slices of volumes, each with those around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pellucid.data.cache import Cache
from pellucid.data.crops import Region
from pellucid.data.folder import copies, images_in, of_one_white, open_all, same_channels
from pellucid.data.pool import Facts, read
from pellucid.data.source import Source
from pellucid.series import shared, stacks

SIDE = 256
"""pixels a side of the middle of a stack, by which noise is told that slices share"""
MOST = 32
"""slices of that"""
TOLD = 0.1
"""correlation of the noise of neighbouring slices that is worth a word"""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """How many slices are seen at once, and along which axis.

    Attributes:
        depth: slices, odd.
        axis: t, z, or auto: the time of films, else the depth of volumes, else the only axis there is.
        axes: what the axes of the stacks are, where the files do not say; None for what they say.
        across: whether pixels are hidden in all slices of a window, so that they may share their noise.
    """

    depth: int
    axis: str = "auto"
    axes: str | None = None
    across: bool = False


class Deep:
    """Stacks, of which every slice is shown in the middle of those before and after it.

    Args:
        place: a stack, or a folder of them.
        cache: for compressed files.
        windows: how many slices, and along which axis.
        data_range: what white is in them.

    Raises:
        ValueError: when a file is no stack, or nothing says along which axis its slices follow each other.
        FileNotFoundError: when there is no such folder.
    """

    def __init__(
        self, place: Path, cache: Cache, windows: Windows, *, data_range: float | None = None
    ) -> None:
        opened = open_all(images_in(place), cache, data_range=data_range)
        self.sources, white = of_one_white(opened.sources)
        self.depth = windows.depth
        self.runs: list[tuple[Source, stacks.Run]] = []
        groups: list[str] = []
        notes: list[str] = []
        letters: set[str] = set()
        for source, key in zip(self.sources, copies(opened.paths), strict=True):
            letter, runs, said = _runs(source, windows)
            letters.add(letter)
            notes += [note for note in said if note not in notes]
            self.runs += [(source, run) for run in runs]
            groups += [key] * len(runs)
        if len(letters) > 1:
            raise ValueError(
                f"all stacks must have their slices along one axis, got {' and '.join(sorted(letters))} in "
                f"{place}. Name it (--axis), or put them into different folders."
            )
        self.axis = "t" if letters == {"T"} or windows.axis == "t" else "z"
        if not windows.across and any(_shares(*found) for found in self.runs[:1]):
            notes.append(
                "neighbouring slices share their noise, which tells of what is hidden: "
                "--set across=true hides a pixel in all of them"
            )
        self.facts = Facts(
            regions=tuple(
                Region(
                    source=i,
                    first=0,
                    last=len(run),
                    top=0,
                    bottom=source.shape[2],
                    left=0,
                    right=source.shape[3],
                )
                for i, (source, run) in enumerate(self.runs)
            ),
            groups=tuple(groups),
            channels=same_channels(self.sources),
            color=all(source.color for source in self.sources),
            white=white,
            pictures=len(self.sources),
            left_out=opened.left_out,
            notes=tuple(notes),
        )

    def name(self, region: Region) -> str:
        """The name of the file."""
        return self.runs[region.source][0].name

    def views(
        self, region: Region, number: int, top: int, left: int, side: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """(D, C, side, side) the slices around one, none of them from outside the region."""
        source, run = self.runs[region.source]
        at = stacks.around(number - region.first, region.last - region.first, self.depth)
        slices = [read(source, run[region.first + place], top, left, side) for place in at]
        return torch.stack(slices), None


def _runs(source: Source, windows: Windows) -> tuple[str, Sequence[stacks.Run], tuple[str, ...]]:
    """The axis along which the slices of a source follow each other, its runs, and what is to be said."""
    axes, lengths = source.axes, source.lengths
    if windows.axes is not None:
        axes = stacks.named(axes, lengths, source.name, windows.axes)
    several = stacks.several_of(lengths, axes)
    if not several:
        raise ValueError(
            f"{source.name} is a single picture, and depth={windows.depth} asks for slices around each. Give "
            "stacks (T or Z), or leave depth at 1."
        )
    wanted = windows.axis if windows.axis != "auto" else "t" if "T" in several else "z"
    letter, notes = stacks.letter_of(
        lengths, axes, source.name, axis=windows.axis, method="a network with depth", wanted=wanted
    )
    return letter, stacks.runs_of(lengths, axes, letter), notes


def _shares(source: Source, run: stacks.Run) -> bool:
    """Whether the slices of a run have noise in common with the next ones."""
    _, _, height, width = source.shape
    rows, columns = (slice(max(0, n - SIDE) // 2, max(0, n - SIDE) // 2 + SIDE) for n in (height, width))
    film = np.stack([source.crop(n, rows, columns).mean(0) for n in run[:MOST]]).astype(np.float64)
    fine = film[:, : film.shape[1] // 2 * 2, : film.shape[2] // 2 * 2]
    detail = (fine[:, ::2, ::2] - fine[:, ::2, 1::2] - fine[:, 1::2, ::2] + fine[:, 1::2, 1::2]) / 2
    found = shared.noise(film, float(np.median(np.abs(detail))) / 0.6745)  # MAD
    return found is not None and found > TOLD
