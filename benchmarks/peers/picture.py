"""What the recipes do alike: read the noisy file, time the denoiser, write its result, say what it took."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile


def read(path: Path) -> tuple[np.ndarray, np.dtype]:
    """(H, W) or (H, W, C) float32 with white = 1, and the type in the file (floats are as they are)."""
    stored = tifffile.imread(path) if path.suffix in (".tif", ".tiff") else imagecodecs.imread(str(path))
    white = np.iinfo(stored.dtype).max if stored.dtype.kind in "ui" else 1
    return (stored / np.float32(white)).astype(np.float32), stored.dtype


def write(path: Path, estimate: np.ndarray, dtype: np.dtype) -> None:
    """The estimate in the type of the input: integers are rounded and clipped, floats are not."""
    if dtype.kind in "ui":
        white = np.iinfo(dtype).max
        estimate = np.clip(np.rint(estimate.astype(np.float64) * white), 0, white)
    stored = np.ascontiguousarray(estimate.astype(dtype))
    if path.suffix in (".tif", ".tiff"):
        tifffile.imwrite(
            path, stored, photometric="rgb" if stored.ndim == 3 and stored.shape[2] == 3 else None
        )
    else:
        imagecodecs.imwrite(str(path), stored)


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Two files, and the level for those that are told it."""
    found = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("noisy", type=Path)
    found.add_argument("out", type=Path)
    found.add_argument("--sigma", type=float, help="true level in 8-bit units; else it is estimated")
    return found


def carry_out(given: argparse.Namespace, denoise: Callable[[np.ndarray, float | None], Any]) -> None:
    """Read, denoise, write, and print the line that `pellucid bench` reads.

    Args:
        given: from `parser`.
        denoise: from the picture and the told sigma (white = 1) to the estimate, or to it and the iterations.
    """
    noisy, dtype = read(given.noisy)
    begin, cpu = time.perf_counter(), time.process_time()
    done = denoise(noisy, None if given.sigma is None else given.sigma / 255)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    estimate, iterations = done if isinstance(done, tuple) else (done, None)
    write(given.out, np.asarray(estimate).reshape(noisy.shape), dtype)
    print("pellucid-peer " + json.dumps({"seconds": seconds, "cpu_seconds": cpu, "iterations": iterations}))
