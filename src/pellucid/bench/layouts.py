"""The pictures of a set, and how they lie in a folder: clean only, pairs, scenes, MATLAB blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
PICTURES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".npy"))
TRUTH = ("clean", "gt", "mean", "truth")
"""names of the folder, or of the file of a scene, that holds the truth"""
ENDINGS = (("_real", "_mean"), ("_noisy", "_clean"), ("_noisy", "_gt"), ("_N", "_CL"), ("_NOISY", "_GT"))
"""endings of the stems of a pair, noisy and clean"""


@dataclass(frozen=True)
class StoredPicture:
    """A picture in a file, or a block of a MATLAB file.

    Attributes:
        path: the file.
        variable: name within a MATLAB file, or "".
        index: place of the block within that variable.
    """

    path: Path
    variable: str = ""
    index: tuple[int, ...] = ()

    def read(self) -> tuple[Array, float]:
        """The stored values (C, H, W) in their own type, and the value that white has.

        Raises:
            ValueError: for a stack; the benchmark takes single pictures.
            OSError: when it cannot be read.
        """
        if self.variable:
            block = _variable(self.path, self.variable)[self.index]
            return np.ascontiguousarray(block.transpose(2, 0, 1)), 255.0
        from pellucid import files

        image = files.read(self.path)
        if image.pixels.shape[0] != 1:
            raise ValueError(
                f"{self.path.name} must hold one picture, got a stack of {image.pixels.shape[0]}. Split it."
            )
        values = image.pixels[0] * np.float32(image.scale)
        dtype = np.dtype(image.dtype)
        if dtype.kind in "ui":
            values = np.rint(values)
        return np.ascontiguousarray(values.astype(dtype)), image.scale


@dataclass(frozen=True, kw_only=True)
class SetPicture:
    """One picture of a set.

    Attributes:
        name: what rows call it; unique within the set.
        noisy: shots of it; empty where noise must be added to `clean`.
        clean: the truth, or None.
    """

    name: str
    noisy: tuple[StoredPicture, ...] = ()
    clean: StoredPicture | None = None


@lru_cache(maxsize=2)
def _variable(path: Path, variable: str) -> Array:
    """A variable of a MATLAB file; the last two are kept, as a set is read block by block."""
    from scipy.io import loadmat

    try:
        found: Array = loadmat(path, variable_names=[variable])[variable]
    except NotImplementedError as error:
        raise ValueError(f"{path} is a MATLAB 7.3 file. Save it with -v7, or as PNG files.") from error
    except KeyError as error:
        raise ValueError(f"{path} holds no variable {variable}. Get the file again.") from error
    return found


Layout = Callable[[Path], list[SetPicture]]


def natural(text: str) -> list[tuple[int, int | str]]:
    """A key that sorts names as people count; the order of a set, and what --limit cuts.

    >>> sorted(["a10", "a9"], key=natural)
    ['a9', 'a10']
    """
    parts = re.split(r"(\d+)", text)
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts if part]


def pictures(folder: Path) -> list[Path]:
    """The picture files in a folder, in natural order."""
    if not folder.is_dir():
        return []
    found = [p for p in folder.iterdir() if p.suffix.lower() in PICTURES and not p.name.startswith(".")]
    return sorted(found, key=lambda p: natural(p.name))


def clean(folder: Path) -> list[SetPicture]:
    """Every picture is a truth to which noise is added."""
    return [SetPicture(name=p.stem, clean=StoredPicture(p)) for p in pictures(folder)]


def noisy(folder: Path) -> list[SetPicture]:
    """Every picture is noisy, and nobody has the truth."""
    return [
        SetPicture(name=re.sub("_(noise|noisy)$", "", p.stem), noisy=(StoredPicture(p),))
        for p in pictures(folder)
    ]


def pairs(folder: Path) -> list[SetPicture]:
    """`noisy/` beside `clean/` (or gt, mean, truth) with stems that are equal but for an ending; or pairs by
    ending in one folder, such as `a_real.png` and `a_mean.png`.

    Raises:
        ValueError: naming a noisy picture without its truth.
    """
    truths = next((folder / n for n in TRUTH if (folder / n).is_dir()), None)
    if (folder / "noisy").is_dir() and truths is not None:
        known = {_stem(p, 1): p for p in pictures(truths)} | {p.stem: p for p in pictures(truths)}
        return [_pair(p, known.get(p.stem, known.get(_stem(p, 0)))) for p in pictures(folder / "noisy")]
    found = {p.stem: p for p in pictures(folder)}
    samples = []
    for stem, path in found.items():
        for ending, other in ENDINGS:
            if stem.endswith(ending) and stem.removesuffix(ending) + other in found:
                samples.append(_pair(path, found[stem.removesuffix(ending) + other]))
                break
    return samples


def _stem(path: Path, side: int) -> str:
    for endings in ENDINGS:
        if path.stem.endswith(endings[side]):
            return path.stem.removesuffix(endings[side])
    return path.stem


def _pair(path: Path, truth: Path | None) -> SetPicture:
    if truth is None:
        raise ValueError(f"{path} has no clean partner. Name it alike, or remove it.")
    return SetPicture(name=_stem(path, 0), noisy=(StoredPicture(path),), clean=StoredPicture(truth))


def scenes(folder: Path) -> list[SetPicture]:
    """A folder per scene with its shots; a file called clean, gt, mean or truth is the truth."""
    samples = []
    for scene in _folders(folder):
        found = pictures(scene)
        truth = next((p for p in found if p.stem.lower() in TRUTH), None)
        shots = tuple(StoredPicture(p) for p in found if p != truth)
        if shots:
            samples.append(
                SetPicture(name=scene.name, noisy=shots, clean=StoredPicture(truth) if truth else None)
            )
    return samples


def any_of(folder: Path, *, added: bool = False) -> list[SetPicture]:
    """A folder of one's own: blocks, pairs, scenes, or single pictures, whichever it is.

    Args:
        folder: the folder.
        added: whether noise will be added, so that single pictures count as clean.
    """
    if (folder / NOISY_BLOCKS).is_file():
        return blocks(folder)
    if found := pairs(folder):
        return found
    if pictures(folder):
        return clean(folder) if added else noisy(folder)
    if added and (folder / "clean").is_dir():
        return clean(folder / "clean")
    if (folder / "noisy").is_dir() and pictures(folder / "noisy"):
        return noisy(folder / "noisy")
    return scenes(folder)


NOISY_BLOCKS, CLEAN_BLOCKS = "ValidationNoisyBlocksSrgb.mat", "ValidationGtBlocksSrgb.mat"


def blocks(folder: Path) -> list[SetPicture]:
    """The validation blocks of SIDD: two MATLAB files of (40, 32, 256, 256, 3) bytes; names `scene-block`.

    Raises:
        ValueError: when the two files differ in shape.
    """
    files = folder / NOISY_BLOCKS, folder / CLEAN_BLOCKS
    if not all(p.is_file() for p in files):
        return []
    from scipy.io import whosmat

    names = [p.stem for p in files]
    shapes = []
    for path, name in zip(files, names, strict=True):
        shapes.append({n: shape for n, shape, _ in whosmat(path)}.get(name))
    if shapes[0] is None or len(shapes[0]) != 5 or shapes[0] != shapes[1]:
        raise ValueError(
            f"{folder} must hold blocks (scene, block, H, W, 3) under {names[0]} and {names[1]}, got shapes "
            f"{shapes[0]} and {shapes[1]}. Get the files again."
        )
    return [
        SetPicture(
            name=f"{scene:04}-{block:02}",
            noisy=(StoredPicture(files[0], names[0], (scene, block)),),
            clean=StoredPicture(files[1], names[1], (scene, block)),
        )
        for scene in range(shapes[0][0])
        for block in range(shapes[0][1])
    ]


def sidd_tree(folder: Path) -> list[SetPicture]:
    """SIDD's own tree: `Data/0001_.../0001_NOISY_SRGB_010.PNG` beside `..._GT_SRGB_010.PNG`."""
    samples = []
    for scene in _folders(folder / "Data" if (folder / "Data").is_dir() else folder):
        for path in pictures(scene):
            if "_NOISY_" in path.name:
                truth = path.with_name(path.name.replace("_NOISY_", "_GT_"))
                name = f"{scene.name.split('_')[0]}-{path.stem.rsplit('_', 1)[-1]}"
                samples.append(
                    SetPicture(
                        name=name,
                        noisy=(StoredPicture(path),),
                        clean=_pair(path, truth if truth.is_file() else None).clean,
                    )
                )
    return samples


_ISO = re.compile(r"_ISO(H?\d+)(?:-(\d+))?$", re.I)


def nind(folder: Path) -> list[SetPicture]:
    """NIND: a folder per scene with `NIND_scene_ISO200-1.png`; the lowest ISO is the truth.

    A sample is a scene at one higher ISO; pictures of one scene and ISO are its shots.
    """
    samples = []
    for scene in _folders(folder):
        speeds: dict[str, list[Path]] = {}
        for path in pictures(scene):
            found = _ISO.search(path.stem)
            if found:
                speeds.setdefault(found[1].upper(), []).append(path)
        order = sorted(speeds, key=lambda s: (s.startswith("H"), int(s.lstrip("H"))))
        for speed in order[1:]:
            shots = tuple(StoredPicture(p) for p in speeds[speed])
            name = f"{scene.name}_ISO{speed}"
            samples.append(SetPicture(name=name, noisy=shots, clean=StoredPicture(speeds[order[0]][0])))
    return samples


FMD_LEVELS = ("raw", "avg2", "avg4", "avg8", "avg16")


def fmd(folder: Path) -> list[SetPicture]:
    """FMD's mixed test set: `test_mix/raw|avg2|avg4|avg8|avg16/*.png` beside `test_mix/gt/*.png`."""
    root = folder / "test_mix" if (folder / "test_mix").is_dir() else folder
    truths = {p.name: p for p in pictures(root / "gt")}
    samples = []
    for level in FMD_LEVELS:
        for path in pictures(root / level):
            truth = _pair(path, truths.get(path.name)).clean
            samples.append(SetPicture(name=f"{path.stem}_{level}", noisy=(StoredPicture(path),), clean=truth))
    return samples


def fmd_iddp(folder: Path) -> list[SetPicture]:
    """FMD without wide-field and without two-photon BPAE, as the paper of IDDP leaves it: 120 pictures."""
    return [s for s in fmd(folder) if not s.name.startswith(("WideField", "TwoPhoton_BPAE"))]


def celeba(folder: Path) -> list[SetPicture]:
    """CelebA's test part, by its own list, else whatever is there."""
    found = clean(folder / "img_align_celeba" if (folder / "img_align_celeba").is_dir() else folder)
    split = next((p for p in folder.glob("**/list_eval_partition.txt")), None)
    if split is None:
        return found
    test = {
        Path(line.split()[0]).stem for line in split.read_text().splitlines() if line.split()[1:] == ["2"]
    }
    return [sample for sample in found if sample.name in test]


def below(*names: str, layout: Layout = clean) -> Layout:
    """The layout in the first of these subfolders that exists, else in the folder itself."""

    def read(folder: Path) -> list[SetPicture]:
        return layout(next((folder / n for n in names if (folder / n).is_dir()), folder))

    return read


def first(*layouts: Layout) -> Layout:
    """The first layout that finds anything."""

    def read(folder: Path) -> list[SetPicture]:
        return next((found for layout in layouts if (found := layout(folder))), [])

    return read


def _folders(folder: Path) -> Iterable[Path]:
    if not folder.is_dir():
        return []
    found = (p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    return sorted(found, key=lambda p: natural(p.name))
