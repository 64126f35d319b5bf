"""Holds a change of structure to its promise: what the program gives stays bit for bit the same.

    python benchmarks/same_outputs.py record before/          # with the old code
    python benchmarks/same_outputs.py record after/           # with the new code
    python benchmarks/same_outputs.py compare before/ after/

`record` runs every method of the table on small pictures drawn from a fixed seed (gray and colour, with every
degradation that it undoes; a method that is trained is first trained for two steps), and the command
`pellucid denoise` without options on ten files of several kinds. `--only NAME` keeps what begins with NAME.
Each result is kept as an array, so that `compare` can say by how much two differ; it exits with 1 where any
does. Compare on one machine with one number of threads.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import tifffile
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

import pellucid
from pellucid import methods
from pellucid.cli import main as command

SIDE = (52, 47)
ITERATIONS = {"ms-dip": 300, "idbp": 3, "zssr": 20}
FEW = 6
SHOTS = ("rs-dip",)

Call = Callable[[], np.ndarray]


def drawn(channels: int, seed: int = 0) -> np.ndarray:
    """A piecewise smooth picture with white noise, (H, W) or (H, W, C), float32."""
    y, x = np.linspace(0, 1, SIDE[0])[:, None, None], np.linspace(0, 1, SIDE[1])[None, :, None]
    disk = ((x - 0.4) ** 2 + (y - 0.6) ** 2 < 0.07).astype(float)
    clean = 0.3 + 0.25 * x * y + 0.3 * disk + 0.05 * np.sin(12 * x + 5 * y + np.arange(channels))
    draws = np.random.default_rng(seed or 99)
    noisy = (clean + 0.1 * draws.standard_normal(clean.shape)).astype(np.float32)
    return noisy[..., 0] if channels == 1 else noisy


def plain(channels: int) -> dict[str, Any]:
    """How an array of so many channels is given."""
    return {} if channels == 1 else {"channel_axis": -1}


def of_methods(work: Path) -> Iterator[tuple[str, Call]]:
    """A name and a call for every method, picture and degradation."""
    for name in methods.METHODS:
        method = methods.load(name)
        for channels in (1, 3):
            case = f"{name}/{channels}"
            if method.learning is not None:
                yield f"{case}/trained", lambda n=name, c=channels: trained(n, c, work)
                continue
            if method.needs_model:
                continue
            limits: dict[str, Any] = (
                {} if not method.stochastic else {"iterations": ITERATIONS.get(name, FEW)}
            )
            if method.denoises:
                yield (
                    f"{case}/noise",
                    lambda n=name, c=channels, k=limits: pellucid.denoise(
                        drawn(c), n, seed=3, **k, **plain(c)
                    ),
                )
            if method.denoises and name in SHOTS:
                yield (
                    f"{case}/shots",
                    lambda n=name, c=channels, k=limits: pellucid.denoise(
                        [drawn(c), drawn(c, 5)], n, shots=True, seed=3, **k, **plain(c)
                    ),
                )
            if "mask" in method.restores:
                hole = np.random.default_rng(5).random(SIDE) < 0.3
                yield (
                    f"{case}/mask",
                    lambda n=name, c=channels, h=hole, k=limits: pellucid.inpaint(
                        drawn(c), h, n, seed=3, **k, **plain(c)
                    ),
                )
            if "downsample" in method.restores:
                yield (
                    f"{case}/downsample",
                    lambda n=name, c=channels, k=limits: pellucid.upscale(
                        drawn(c), 2, n, seed=3, **k, **plain(c)
                    ),
                )
    for channels in (1, 3):
        yield f"auto/{channels}/noise", lambda c=channels: pellucid.denoise(drawn(c), **plain(c))
        yield (
            f"auto/{channels}/shots",
            lambda c=channels: pellucid.denoise([drawn(c), drawn(c, 5), drawn(c, 6)], shots=True, **plain(c)),
        )
        yield (
            f"swift/{channels}/noise",
            lambda c=channels: pellucid.denoise(
                drawn(c), model="swift-color" if c == 3 else "swift-gray", **plain(c)
            ),
        )


def trained(name: str, channels: int, work: Path) -> np.ndarray:
    """What a method gives after two steps of training."""
    folder = work / f"pictures-{channels}"
    if not folder.exists():
        folder.mkdir()
        for number in range(2):
            for target in (folder, work / f"others-{channels}"):
                target.mkdir(exist_ok=True)
                picture = np.tile(
                    drawn(channels, 10 + number + 5 * (target != folder)), (3, 3, 1)[: 2 + (channels == 3)]
                )
                Image.fromarray((picture.clip(0, 1) * 255).astype(np.uint8)).save(target / f"{number}.png")
    out = work / f"{name}-{channels}.safetensors"
    wishes: dict[str, Any] = {"steps": 2, "every": 10, "seed": 1, "overwrite": True}
    if name == "supervised":
        wishes["noise"] = "gaussian:25"
    elif name == "n2n":
        wishes["pairs"] = work / f"others-{channels}"
    with contextlib.redirect_stderr(io.StringIO()):
        pellucid.train(name, folder, out, **wishes)
    told = {"sigma": 0.1} if methods.load(name).uses_noise else {}
    return pellucid.denoise(drawn(channels), model=str(out), seed=3, **told, **plain(channels))


def files(folder: Path) -> list[Path]:
    """Ten files as people bring them."""
    draws = np.random.default_rng(1)
    gray = skimage.data.camera()[100:260, 150:310].astype(float)
    color = skimage.data.chelsea()[60:220, 120:280].astype(float)

    def bytes_(values: np.ndarray) -> np.ndarray:
        return values.round().clip(0, 255).astype(np.uint8)

    def white(values: np.ndarray, sigma: float) -> np.ndarray:
        return values + sigma * draws.standard_normal(values.shape)

    shared = gaussian_filter(draws.standard_normal(color.shape), (0.8, 0.8, 0)) * 30
    spots = draws.random(color.shape[:2])
    hit = np.where(spots[..., None] < 0.03, 0, np.where(spots[..., None] > 0.97, 255, color))
    Image.fromarray(bytes_(white(gray, 20))).save(folder / "gray.png")
    Image.fromarray(bytes_(white(color, 25))).save(folder / "color.png")
    Image.fromarray(bytes_(white(color, 6))).save(folder / "weak.png")
    Image.fromarray(bytes_(color + shared)).save(folder / "shared.jpg", quality=92)
    Image.fromarray(bytes_(hit)).save(folder / "salt.png")
    Image.fromarray(bytes_(color)).save(folder / "clean.png")
    alpha = np.full((*color.shape[:2], 1), 200.0)
    Image.fromarray(bytes_(np.concatenate([white(color, 15), alpha], -1))).save(folder / "alpha.png")
    counts = draws.poisson(gray * 0.5).astype(np.uint16)
    tifffile.imwrite(folder / "counts.tif", counts)
    stack = np.stack([white(gray, 12) / 255 for _ in range(3)]).astype(np.float32)
    tifffile.imwrite(folder / "stack.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    tifffile.imwrite(
        folder / "deep.tif", (white(color, 20).clip(0, 255) * 16).astype(np.uint16), photometric="rgb"
    )
    return sorted(folder.iterdir())


def of_files(work: Path) -> Iterator[tuple[str, Call]]:
    """A name and a call for every file."""
    given, out = work / "files", work / "out"
    given.mkdir()
    out.mkdir()

    def default(path: Path) -> np.ndarray:
        target = out / (path.stem + (".tif" if path.suffix == ".tif" else ".png"))
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
            try:
                command(["denoise", str(path), "-o", str(target), "--json", "--overwrite"])
            except SystemExit as end:
                if end.code:
                    raise RuntimeError(said.getvalue()) from end
        return np.frombuffer(target.read_bytes(), np.uint8)

    for path in files(given):
        yield f"default/{path.name}", lambda p=path: default(p)


def record(folder: Path, only: list[str]) -> None:
    """Run everything and keep what came out; what fails is kept as its error."""
    folder.mkdir(parents=True, exist_ok=True)
    index: dict[str, str] = (
        json.loads((folder / "index.json").read_text()) if (folder / "index.json").exists() else {}
    )
    with tempfile.TemporaryDirectory() as work:
        for name, call in (*of_files(Path(work)), *of_methods(Path(work))):
            if only and not name.startswith(tuple(only)):
                continue
            start = time.perf_counter()
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    array = np.asarray(call())
                kept = name.replace("/", "_") + ".npy"
                np.save(folder / kept, array)
                index[name] = kept
            except (ValueError, TypeError, RuntimeError, ArithmeticError, OSError) as error:
                index[name] = f"error: {type(error).__name__}: {error}"
            print(f"{name}: {time.perf_counter() - start:.1f} s {index[name][:100]}", flush=True)
            (folder / "index.json").write_text(json.dumps(index, indent=1))


def compare(before: Path, after: Path, only: list[str]) -> int:
    """Say what differs; the exit code."""
    old, new = (json.loads((folder / "index.json").read_text()) for folder in (before, after))
    both = [n for n in old if n in new and (not only or n.startswith(tuple(only)))]
    differing = 0
    for name in both:
        words = difference(before / old[name], after / new[name], old[name], new[name])
        if words:
            differing += 1
            print(f"{name}: {words}")
    print(f"{len(both)} compared, {differing} differ; {len(old) - len(both)} were not run again")
    return 1 if differing else 0


def difference(before: Path, after: Path, old: str, new: str) -> str:
    """How two results differ, in words; "" where they are the same bits."""
    if old.startswith("error") or new.startswith("error"):
        return "" if old == new else f"before {old[:200]}, after {new[:200]}"
    a, b = np.load(before), np.load(after)
    if a.dtype != b.dtype or a.shape != b.shape:
        return f"before {a.dtype} {a.shape}, after {b.dtype} {b.shape}"
    if a.tobytes() == b.tobytes():
        return ""
    return f"differs by at most {np.abs(a.astype(float) - b.astype(float)).max():.3g}"


def main() -> None:
    """Record or compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording, comparing = verbs.add_parser("record"), verbs.add_parser("compare")
    recording.add_argument("folder", type=Path)
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    for verb in (recording, comparing):
        verb.add_argument("--only", nargs="*", default=[], help="keep what begins so")
    given = parser.parse_args()
    if given.verb == "compare":
        sys.exit(compare(given.before, given.after, given.only))
    torch.set_num_threads(1)
    record(given.folder, given.only)


if __name__ == "__main__":
    main()
