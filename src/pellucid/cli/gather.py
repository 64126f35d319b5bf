"""The inputs that a command line means: files, the pictures of folders, and patterns in quotes."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pellucid import files
from pellucid.stores import is_zarr


@dataclass(frozen=True)
class Found:
    """An input, and where it lies below what was named.

    Attributes:
        path: the file.
        below: folders between what was named and the file, which an output folder repeats.
        gathered: whether a folder or a pattern gave it, so that the outputs are a folder too.
    """

    path: Path
    below: Path = Path()
    gathered: bool = False


def gather(named: Sequence[Path], *, recursive: bool = False, without: Path | None = None) -> list[Found]:
    """The files meant, in order, each once; a name that is neither folder nor pattern is taken as a file.

    Args:
        named: what was typed.
        recursive: also the folders in folders.
        without: the folder of the outputs, which are no inputs where it lies in one of those.

    Raises:
        ValueError: for a folder or a pattern without pictures.
    """
    found: list[Found] = []
    for name in named:
        if name.is_dir() and not is_zarr(name):
            found += _inside(name, recursive, without)
        elif glob.has_magic(str(name)) and not name.exists():
            found += _matching(name, recursive, without)
        else:
            found.append(Found(name))
    once: dict[Path, Found] = {}
    for one in found:
        once.setdefault(one.path.absolute(), one)
    return list(once.values())


def _inside(folder: Path, recursive: bool, without: Path | None) -> list[Found]:
    every = sorted(folder.rglob("*") if recursive else folder.iterdir())
    pictures = [path for path in every if _is_picture(path.relative_to(folder), path)]
    if without is not None and without.absolute() != folder.absolute():
        pictures = [path for path in pictures if without.absolute() not in path.absolute().parents]
    if not pictures:
        deeper = "" if recursive else " Pictures in folders below it are taken with --recursive."
        raise ValueError(f"{folder}: expected pictures in this folder, got none.{deeper}")
    return [Found(path, path.parent.relative_to(folder), True) for path in pictures]


def _is_picture(name: Path, path: Path) -> bool:
    hidden = any(part.startswith(".") for part in name.parts)
    if hidden or any(is_zarr(folder) for folder in path.parents if folder.suffix.lower() == ".zarr"):
        return False  # what lies in a store is no picture of its own
    return (path.suffix.lower() in files.SUFFIXES and (path.is_file() or _leads_nowhere(path))) or (
        path.suffix.lower() == ".zarr" and is_zarr(path)
    )


def _leads_nowhere(path: Path) -> bool:
    """Whether this is a link to a file that is gone: it is named as an input that fails, not passed over."""
    return path.is_symlink() and not path.exists()


def _matching(pattern: Path, recursive: bool, without: Path | None) -> list[Found]:
    paths = [Path(path) for path in sorted(glob.glob(str(pattern), recursive=True))]
    pictures = [Found(path, gathered=True) for path in paths if path.is_file() or _leads_nowhere(path)]
    for folder in (path for path in paths if path.is_dir() and recursive):
        pictures += [
            Found(one.path, Path(folder.name) / one.below, True)
            for one in _inside(folder, recursive, without)
        ]
    if not pictures:
        raise ValueError(
            f"{pattern}: expected files that match, got none. Quote the pattern, or name a folder."
        )
    return pictures
