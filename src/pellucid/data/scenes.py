"""Pairs from several shots of a scene, a folder per scene: laid on each other, or refused with the reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pellucid.data.cache import Cache
from pellucid.data.crops import Region
from pellucid.data.folder import folders_in, images_in, of_one_white, open_all, same_channels
from pellucid.data.pool import Facts, read
from pellucid.data.source import Source
from pellucid.shots import Placement, align
from pellucid.shots.moving import moved

COMPARED = 1024
"""side of the middle part that is registered"""
MARGIN = 16
"""pixels around a crop that is moved by a part of a pixel"""
SAME = 0.02
"""by how much the brightness of repeated shots may differ"""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Shots of one scene.

    Attributes:
        name: of its folder.
        shots: at least two, of one size.
        placements: where each lies on the first.
    """

    name: str
    shots: tuple[Source, ...]
    placements: tuple[Placement, ...]

    @property
    def margin(self) -> int:
        """Pixels at the border that not all shots show, with room for a move by a part of a pixel."""
        down, across = zip(*(p.shift for p in self.placements), strict=True)
        reach = max(max(down) - min(down), max(across) - min(across))
        return math.ceil(reach) + MARGIN if reach else 0


class Scenes:
    """Repeated shots, or exposures, of scenes.

    Args:
        place: a folder with one folder per scene, or with the shots of one scene.
        cache: for compressed files.
        exposures: whether brightness may differ, and is then matched.
        data_range: what white is in the files.

    Raises:
        ValueError: when no scene has two shots that fit; the reasons are in the message.
    """

    def __init__(
        self, place: Path, cache: Cache, *, exposures: bool = False, data_range: float | None = None
    ) -> None:
        self.exposures = exposures
        left_out: list[str] = []
        self._notes: list[str] = []
        opened: list[tuple[str, tuple[Source, ...]]] = []
        folders = (folders_in(place) if place.is_dir() else []) or [place]
        for folder in folders:
            try:
                found = open_all(images_in(folder), cache, data_range=data_range, prefix=f"{folder.name}/")
            except ValueError as error:
                left_out.append(f"scene {folder.name}: {error}")
                continue
            left_out += found.left_out
            opened.append((folder.name, found.sources))
        flat, white = of_one_white([s for _, sources in opened for s in sources] or _nothing(place, left_out))
        rest = iter(flat)
        scenes = []
        for name, sources in opened:
            scene = self._scene(name, tuple(next(rest) for _ in sources), left_out)
            scenes += [scene] if scene else []
        if not scenes:
            _nothing(place, left_out)
        self.scenes = tuple(scenes)
        shots = [shot for scene in scenes for shot in scene.shots]
        self.facts = Facts(
            regions=tuple(_region(scene, i) for i, scene in enumerate(scenes)),
            groups=tuple(scene.name for scene in scenes),
            channels=same_channels(shots),
            color=all(shot.color for shot in shots),
            white=white,
            pictures=len(shots),
            left_out=tuple(left_out),
            notes=tuple(self._notes),
        )

    def _scene(self, name: str, sources: tuple[Source, ...], left_out: list[str]) -> Scene | None:
        first, placed = sources[0], []
        for shot in sources:
            if shot.shape != first.shape:
                left_out.append(f"{shot.name}: its size is {shot.shape}, that of {first.name} {first.shape}")
                continue
            try:
                placement, doubts = _place(first, shot)
            except ValueError as error:
                left_out.append(f"{shot.name}: {error}")
                continue
            self._notes += doubts
            change = max(abs(g - 1) for g in placement.gain)
            if change > SAME and not self.exposures:
                left_out.append(
                    f"{shot.name}: its brightness differs from that of {first.name} by {100 * change:.0f} %; "
                    "--pairs exposures matches it"
                )
                continue
            placed.append((shot, placement))
        if len(placed) < 2:
            left_out.append(f"scene {name}: a pair needs two shots that fit, got {len(placed)}")
            return None
        shots, placements = zip(*placed, strict=True)
        return Scene(name=name, shots=shots, placements=placements)

    def name(self, region: Region) -> str:
        """The name of the scene."""
        return self.scenes[region.source].name

    def views(
        self, region: Region, number: int, top: int, left: int, side: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """Two different shots; the second is laid on the first, which is given as it was taken."""
        scene = self.scenes[region.source]
        one, two = torch.randperm(len(scene.shots), generator=generator)[:2].tolist()
        here, there = scene.placements[one], scene.placements[two]
        noisy = read(scene.shots[one], number, top, left, side)
        down, across = (b - a for a, b in zip(here.shift, there.shift, strict=True))
        other = _laid(scene.shots[two], number, top, left, side, down, across)
        if here.gain != there.gain or here.offset != there.offset:
            gain = torch.tensor([b / a for a, b in zip(here.gain, there.gain, strict=True)]).view(-1, 1, 1)
            offset = [(b - a) / g for a, b, g in zip(here.offset, there.offset, here.gain, strict=True)]
            other = other * gain + torch.tensor(offset).view(-1, 1, 1)
        return noisy, other


def _place(first: Source, shot: Source) -> tuple[Placement, tuple[str, ...]]:
    """Where a shot lies on the first, told from the middle of its first slice, and what is in doubt."""
    height, width = first.shape[2:]
    if shot is first:
        ones = (1.0,) * first.shape[1]
        still = Placement(shift=(0.0, 0.0), correlation=1.0, gain=ones, offset=(0.0,) * first.shape[1])
        return still, ()
    rows = _middle(height)
    columns = _middle(width)
    pair = [torch.from_numpy(source.crop(0, rows, columns))[None] for source in (first, shot)]
    aligned = align(torch.stack(pair), [first.name, shot.name])
    return aligned.placements[1], aligned.warnings


def _middle(size: int) -> slice:
    start = max(0, (size - COMPARED) // 2)
    return slice(start, min(size, start + COMPARED))


def _laid(shot: Source, number: int, top: int, left: int, side: int, down: float, across: float) -> Tensor:
    """The crop of a shot whose content is to move by (down, across) first."""
    rows, columns = round(down), round(across)
    rest = (down - rows, across - columns)
    if rest == (0.0, 0.0):
        return read(shot, number, top - rows, left - columns, side)
    wide = read(shot, number, top - rows - MARGIN, left - columns - MARGIN, side + 2 * MARGIN)
    return moved(wide, *rest)[:, MARGIN:-MARGIN, MARGIN:-MARGIN].contiguous()


def _region(scene: Scene, index: int) -> Region:
    count, _, height, width = scene.shots[0].shape
    margin = scene.margin
    return Region(
        source=index,
        first=0,
        last=count,
        top=margin,
        bottom=height - margin,
        left=margin,
        right=width - margin,
    )


def _nothing(place: Path, left_out: list[str]) -> list[Source]:
    reasons = "; ".join(left_out[:3]) or "there is no image"
    raise ValueError(
        f"{place} must hold folders of two or more shots of a scene, none can be used: {reasons}. Give every "
        "scene a folder of its own, of shots that differ in their noise alone."
    )
