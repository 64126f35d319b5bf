"""Time and memory of whole processes: CBM3D beside the `bm3d` wheel, a photograph, large ones, a batch.

    python benchmarks/speed.py [--only cbm3d photograph two large scan batch]

Each run is a fresh process. `start` is the same call on 32 x 32 pixels of the picture: what a figure is above
it is the work. Processor seconds depend little on what else the machine does; wall seconds do, and
`load_before` says how busy it was. The large picture is a mosaic of crops of photographs with their own
noise, as JPEG of quality 95. The wheel is asked only where it is installed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.io import imread, imsave

import record

OURS = """
import sys, numpy, pellucid
noisy = numpy.load(sys.argv[1])
numpy.save(sys.argv[2], pellucid.denoise(noisy, "bm3d", sigma=25 / 255, data_range=1.0, channel_axis=2))
"""
WHEEL = """
import sys, numpy, bm3d
numpy.save(sys.argv[2], bm3d.bm3d_rgb(numpy.load(sys.argv[1]), 25 / 255))
"""
SMALL = 32
RUNS = 3


def process(words: list[str], threads: int) -> record.Row:
    """Seconds and peak memory of one process."""
    start = time.perf_counter()
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    child = subprocess.Popen([sys.executable, *words], env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 3):  # 3: written, and in one of them the input came back
        raise SystemExit(f"a run ended with code {child.returncode}; its message is above.")
    return {
        "seconds": round(time.perf_counter() - start, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_gb": round(usage.ru_maxrss / 1e6, 2),  # Linux counts in kB
    }


def best(words: list[str], threads: int, runs: int = RUNS) -> record.Row:
    """The quickest of several."""
    return min((process(words, threads) for _ in range(runs)), key=lambda row: float(row["seconds"]))


def above(row: record.Row, start: record.Row) -> record.Row:
    """A run and what it takes beyond its start-up."""
    return {
        **row,
        "start": start,
        "work_seconds": round(row["seconds"] - start["seconds"], 2),
        "work_cpu_seconds": round(row["cpu_seconds"] - start["cpu_seconds"], 2),
    }


def cbm3d(root: Path, folder: Path, threads: int) -> record.Row:
    """CBM3D of 512 x 512 pixels told sigma 25, and the wheel's."""
    (path,) = record.pictures(root, "clean/Set9", None, "image_Lena512rgb.png")
    clean = imread(path).astype(np.float32) / 255
    noisy = clean + np.float32(25 / 255) * np.random.default_rng(0).standard_normal(clean.shape, np.float32)
    large, small, out = (folder / name for name in ("large.npy", "small.npy", "out.npy"))
    np.save(large, noisy)
    np.save(small, noisy[:SMALL, :SMALL])
    result: record.Row = {}
    for who, code in (("ours", OURS), ("wheel", WHEEL)):
        if who == "wheel" and util.find_spec("bm3d") is None:
            continue
        start = best(["-c", code, str(small), str(out)], threads)
        row = above(best(["-c", code, str(large), str(out)], threads, RUNS if who == "ours" else 1), start)
        result[who] = row | {"psnr": record.psnr(clean, np.load(out), digits=3)}
    if "wheel" in result:
        for name in ("work_seconds", "work_cpu_seconds"):
            result[f"times_faster_{name}"] = round(result["wheel"][name] / result["ours"][name], 1)
    return result


def photograph(root: Path, folder: Path, threads: int) -> record.Row:
    """The default on 512 x 512 pixels, quick and normal."""
    path = record.pairs(root, "cc15", None)[3][0]
    imsave(folder / "small.png", imread(path)[:SMALL, :SMALL], check_contrast=False)
    result: record.Row = {}
    for effort in ("quick", "normal"):
        common = ["--effort", effort, "--overwrite", "-o", str(folder / "out.png")]
        start = best(["-m", "pellucid", "denoise", str(folder / "small.png"), *common], threads)
        result[effort] = above(best(["-m", "pellucid", "denoise", str(path), *common], threads), start)
    return result


def mosaic(root: Path, height: int, width: int) -> NDArray[np.uint8]:
    """Crops of photographs with their own noise, side by side."""
    tiles = [imread(path) for path, _ in record.pairs(root, "cc15", None)]
    down, across = (-(-n // len(tiles[0])) for n in (height, width))
    rows = [
        np.concatenate([tiles[(across * r + c) % len(tiles)] for c in range(across)], 1) for r in range(down)
    ]
    return np.concatenate(rows)[:height, :width]


def large(root: Path, folder: Path, threads: int) -> record.Row:
    """12 megapixels."""
    Image.fromarray(mosaic(root, 3000, 4000)).save(folder / "large.jpg", quality=95, subsampling=0)
    words = ["-m", "pellucid", "denoise", str(folder / "large.jpg"), "-o", str(folder / "large.png")]
    efforts = ("quick", "normal")
    return {each: process([*words, "--effort", each, "--overwrite"], threads) for each in efforts}


def scan(root: Path, folder: Path, threads: int) -> record.Row:
    """100 megapixels as TIFF, by quick."""
    imsave(folder / "scan.tif", mosaic(root, 10000, 10000), check_contrast=False)
    words = ["-m", "pellucid", "denoise", str(folder / "scan.tif"), "-o", str(folder / "out.tif")]
    return {"quick": process([*words, "--effort", "quick"], threads)}


def two(root: Path, folder: Path, threads: int) -> record.Row:
    """Two processes at once on 512 x 512 pixels, the slower one over one alone."""
    path = record.pairs(root, "cc15", None)[3][0]
    result: record.Row = {}
    for effort in ("quick", "normal"):
        words = ["-m", "pellucid", "denoise", str(path), "--effort", effort, "--overwrite", "-o"]
        alone = best([*words, str(folder / "one.png")], threads)["seconds"]
        with ThreadPoolExecutor(2) as pool:
            ran = list(
                pool.map(lambda i, w=words: process([*w, str(folder / f"{i}.png")], threads), range(2))
            )
        both = max(row["seconds"] for row in ran)
        result[effort] = {"alone": alone, "both": both, "times": round(both / alone, 2)}
    return result


def batch(root: Path, folder: Path, threads: int) -> record.Row:
    """100 pictures of 256 x 256 pixels in one command, quick."""
    given, out = folder / "given", folder / "out"
    given.mkdir()
    paths = [noisy for noisy, _ in record.pairs(root, "cc15", None)]
    for i in range(100):
        top, left = 64 * (i // 15 % 5), 64 * (i // 75)
        cut = imread(paths[i % 15])[top : top + 256, left : left + 256]
        imsave(given / f"{i:03}.png", cut, check_contrast=False)
    words = ["-m", "pellucid", "denoise", str(given), "--effort", "quick", "-o"]
    jobs = f"{folder / 'jobs'}"
    return {
        "quick": process([*words, str(out)], threads),
        "quick, --jobs 2": process([*words, jobs, "--jobs", "2"], threads),
    }


def main() -> None:
    parts = {part.__name__: part for part in (cbm3d, photograph, two, large, scan, batch)}
    parser = record.arguments(__doc__, "speed")
    parser.add_argument("--only", nargs="+", choices=list(parts), default=list(parts), help="else all")
    given = parser.parse_args()
    out, result = record.destination(given), record.about(given, __doc__)
    result["load_before"] = [round(v, 2) for v in os.getloadavg()]
    for part in (parts[name] for name in given.only):
        with tempfile.TemporaryDirectory(prefix="pellucid-speed-") as folder:
            result[part.__name__] = part(given.data_root, Path(folder), given.threads)
        print(part.__name__, result[part.__name__], flush=True)
        record.save(out, result)


if __name__ == "__main__":
    main()
