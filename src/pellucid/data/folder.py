"""What is in a folder: sources of equal channels, with the files that were left out and why."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pellucid import files
from pellucid.data.cache import Cache
from pellucid.data.source import Source, natural, open_source

HASHED = 2**20
"""bytes at the start of a file by which copies are told"""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """Sources, and what was left out.

    Attributes:
        sources: in natural order of their names.
        paths: of these.
        left_out: file: reason.
    """

    sources: tuple[Source, ...]
    paths: tuple[Path, ...]
    left_out: tuple[str, ...] = ()


def images_in(place: Path) -> list[Path]:
    """The image files in a folder, or the file itself, in natural order.

    Raises:
        FileNotFoundError: when there is nothing of that name.
        ValueError: when the folder holds no image.
    """
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise FileNotFoundError(f"data must be a folder of images or a stack, there is none at {place}.")
    found = [p for p in place.iterdir() if p.is_file() and p.suffix.lower() in files.SUFFIXES]
    found = [p for p in found if not p.name.startswith(".")]
    if not found:
        inside = " Its subfolders do: --pairs shots takes one folder per scene." if folders_in(place) else ""
        raise ValueError(f"data must hold images ({', '.join(files.SUFFIXES)}), {place} holds none.{inside}")
    return sorted(found, key=natural)


def folders_in(place: Path) -> list[Path]:
    """The folders in a folder, in natural order."""
    found = (p for p in place.iterdir() if p.is_dir() and not p.name.startswith("."))
    return sorted(found, key=natural) if place.is_dir() else []


def open_all(
    paths: Sequence[Path], cache: Cache, *, data_range: float | None = None, prefix: str = ""
) -> Opened:
    """Open files; one that cannot be read is left out, and said.

    Args:
        paths: of the files.
        cache: for those that must be decoded.
        data_range: what white is in them.
        prefix: put before their names.

    Raises:
        ValueError: when none can be read, or they differ in their channels.
    """
    sources: list[Source] = []
    good: list[Path] = []
    bad: list[str] = []
    for path in paths:
        try:
            sources.append(open_source(path, cache, data_range=data_range, name=f"{prefix}{path.name}"))
            good.append(path)
        except (ValueError, TypeError, OSError) as error:
            words = " ".join(str(error).split())
            bad.append(words if str(path) in words else f"{path}: {words}")
    if not sources:
        raise ValueError(f"no image can be read of {len(paths)}; the first: {bad[0]}")
    return Opened(sources=tuple(sources), paths=tuple(good), left_out=tuple(bad))


def of_one_white(sources: Sequence[Source]) -> tuple[tuple[Source, ...], float]:
    """Sources whose pixels are relative to one stored value, and that value.

    Integers beyond 8 bits mean the same in all files of a set, so the largest white serves all; where 8-bit
    pictures or ordinary floats are among them, every file keeps its own and the value is 0.
    """
    if any(source.white <= 255 for source in sources):
        return tuple(sources), 0.0
    common = max(source.white for source in sources)
    return tuple(_with_white(source, common) for source in sources), common


def _with_white(source: Any, white: float) -> Source:
    changed: Source = replace(source, white=white)
    return changed


def same_channels(sources: Sequence[Source]) -> int:
    """How many channels all of them have.

    Raises:
        ValueError: naming two that differ.
    """
    first = sources[0]
    for source in sources:
        if source.shape[1] != first.shape[1]:
            raise ValueError(
                f"images must have one number of channels, {first.name} has {first.shape[1]} and "
                f"{source.name} "
                f"has {source.shape[1]}. Put them into different folders, or train with gray=True (--gray)."
            )
    return first.shape[1]


def copies(paths: Sequence[Path]) -> list[str]:
    """A key per file that equal files share, so that a copy never ends up on both sides of a split."""
    sizes = [path.stat().st_size for path in paths]
    return [
        _digest(path, size) if sizes.count(size) > 1 else f"{path.name} {size}"
        for path, size in zip(paths, sizes, strict=True)
    ]


def _digest(path: Path, size: int) -> str:
    with path.open("rb") as opened:
        start = opened.read(HASHED)
        opened.seek(max(0, size - HASHED))
        return hashlib.blake2b(start + opened.read(HASHED), digest_size=16).hexdigest()
