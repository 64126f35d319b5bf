"""Training on a stack that is larger than memory: the anonymous memory of the process.

    python benchmarks/train_memory.py                          # 20 GB, sparse on the disk, 200 steps of n2v
    python benchmarks/train_memory.py --gigabytes 2 --format tif --steps 50 --method nb2nb

A sparse file takes no room on the disk. Every page of it that is read takes room in memory as a file page,
which the system drops when it needs to. What may not grow is anonymous memory (RssAnon of /proc/self/status,
Linux only), which is what this measures: its peak over the training, and that of the file pages beside.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

import pellucid


def resident() -> dict[str, float]:
    """GB of anonymous and of file pages of this process."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    found = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("RssAnon", "RssFile"))}
    return {name: int(value) / 1e6 for name, value in found.items()}


def stack(path: Path, gigabytes: float, side: int) -> int:
    """Write a sparse 16-bit stack with a little noise in a few frames; returns the number of frames."""
    frames = max(20, int(gigabytes * 1e9 / 2 / side**2))
    if path.suffix == ".npy":
        array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint16, shape=(frames, side, side))
    else:
        import tifffile

        array = tifffile.memmap(
            path, shape=(frames, side, side), dtype=np.uint16, photometric="minisblack", bigtiff=True
        )
    draws = np.random.default_rng(0)
    for frame in range(0, frames, max(1, frames // 8)):
        array[frame, :256, :256] = draws.integers(900, 1100, (256, 256))
    array.flush()
    return frames


class Watch(threading.Thread):
    """Keeps the peaks."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak: dict[str, float] = {}
        self.done = threading.Event()

    def run(self) -> None:
        """Look ten times a second."""
        while not self.done.wait(0.1):
            self.peak = {name: max(value, self.peak.get(name, 0.0)) for name, value in resident().items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float, default=20)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--format", choices=["npy", "tif"], default="npy")
    parser.add_argument("--method", default="n2v")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="where the sparse file is put; it must allow holes")
    given = parser.parse_args()
    import lightning.pytorch  # noqa: F401 - so that `start` holds all libraries

    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        path = Path(folder) / f"stack.{given.format}"
        frames = stack(path, given.gigabytes, given.side)
        start = resident()
        watch = Watch()
        watch.start()
        begun = time.perf_counter()
        done = pellucid.train(
            given.method, path, Path(folder) / "m.safetensors", steps=given.steps, every=given.steps,
            pairs="frames" if given.method in ("n2n", "toy") else None, device="cpu",
        )  # fmt: skip
        watch.done.set()
        watch.join()
        measured = {
            "file_gb": path.stat().st_size / 1e9,
            "on_disk_gb": path.stat().st_blocks * 512 / 1e9,
            "frames": frames,
            "start_anon_gb": start["RssAnon"],
            "peak_anon_gb": watch.peak["RssAnon"],
            "peak_file_gb": watch.peak["RssFile"],
            "seconds": time.perf_counter() - begun,
            "steps": done.steps,
        }
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
