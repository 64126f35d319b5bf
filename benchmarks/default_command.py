"""`pellucid denoise` with no options, as a user types it, scored from the files that it writes.

    python benchmarks/default_command.py                      all sets
    python benchmarks/default_command.py --sets white clean   some

cc15, polyu51, sidd33: real noise, scored against the mean of many shots. white: Set9 with Gaussian noise of
sigma 25, rounded and clipped to 8-bit PNG, beside our CBM3D told that sigma on the same files. clean: Set9 as
it is, scored against itself. One process per set; scores and means are taken from the PNG files with
scikit-image and NumPy alone, and the clean files are never shown to pellucid. The level is the root mean
square over the channels, in grey levels; so is `true_sigma`, the residual's standard deviation.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.io import imread, imsave

import record

SETS = ("cc15", "polyu51", "sidd33", "white", "clean")
SIGMA = 25
KNOWN = ("--method", "bm3d", "--sigma", str(SIGMA / 255))
MEAN_BAR = 0.002
Pair = tuple[Path, Path]


def pairs(name: str, root: Path, limit: int | None, work: Path) -> list[Pair]:
    """(noisy, clean) files of a set; those of `white` are made in `work`."""
    if name in ("cc15", "polyu51", "sidd33"):
        return record.pairs(root, name, limit)
    clean = record.pictures(root, "clean/Set9", limit)
    return [(p, p) for p in clean] if name == "clean" else [(noise(p, work / "noisy"), p) for p in clean]


def noise(path: Path, folder: Path) -> Path:
    """Write the noisy 8-bit version of a picture, from its own frozen seed."""
    import torch

    from pellucid import seeds

    clean = imread(path).astype(np.float32)
    draws = seeds.generator(0, "awgn", path.parent.name, path.stem, SIGMA)
    normal = torch.randn((clean.shape[2], *clean.shape[:2]), generator=draws).numpy().transpose(1, 2, 0)
    folder.mkdir(exist_ok=True)
    out = folder / f"{path.stem}.png"
    imsave(out, np.clip(np.round(clean + SIGMA * normal), 0, 255).astype(np.uint8), check_contrast=False)
    return out


def command(inputs: Sequence[Path], out: Path, options: Sequence[str] = ()) -> tuple[list[Any], float]:
    """One process: the records of its JSON and its wall seconds."""
    if out.exists():
        raise SystemExit(f"{out} exists: give --keep an empty folder.")
    out.mkdir(parents=True)
    program = [sys.executable, "-m", "pellucid", "denoise"]
    start = time.perf_counter()
    done = subprocess.run(
        [*program, *map(str, inputs), "-o", str(out), "--json", *options], stdout=subprocess.PIPE, text=True
    )
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 3):  # 3: some outputs are the inputs
        raise SystemExit(f"pellucid ended with code {done.returncode}: {done.stdout[-2000:]}")
    found = json.loads(done.stdout)
    return (found if isinstance(found, list) else [found]), seconds


def psnr(clean: NDArray[Any], image: NDArray[Any]) -> float | None:
    """On 8-bit values; None for equal images, as JSON has no infinity."""
    value = record.psnr(clean, image, data_range=255)
    return value if math.isfinite(value) else None


def rms(values: Any) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def score(found: dict[str, Any], noisy_file: Path, clean_file: Path) -> record.Row:
    """One row from the written file and the record of the JSON."""
    noisy, clean, written = imread(noisy_file), imread(clean_file), imread(found["output"])
    if not noisy.shape == clean.shape == written.shape:
        raise SystemExit(f"{noisy_file.name}: shapes {noisy.shape}, {clean.shape}, {written.shape} differ.")
    before, after = (image.reshape(-1, image.shape[-1]).mean(0) for image in (noisy, written))
    residual = (noisy.astype(float) - clean).reshape(-1, clean.shape[-1]).std(0)
    ours, given = psnr(clean, written), psnr(clean, noisy)
    return {
        "noisy_psnr": given,
        "psnr": ours,
        "gain": None if ours is None or given is None else round(ours - given, 4),
        "method": found["method"],
        "reason": found["reason"],
        "seconds": found["seconds"],
        "sigma": round(rms(found["noise"]["sigma_file_units"]), 3),
        "true_sigma": round(rms(residual), 3),
        "correlated": found["noise"]["correlated"]["flag"],
        "mean_shift": round(float(np.abs(after / np.maximum(before, 1e-9) - 1).max()), 5),
        "warnings": found["warnings"],
    }


def run_set(name: str, root: Path, limit: int | None, work: Path) -> record.Row:
    files = pairs(name, root, limit, work)
    inputs = [noisy for noisy, _ in files]
    found, seconds = command(inputs, work / "out")
    rows = {p.stem: score(f, p, c) for f, (p, c) in zip(found, files, strict=True)}
    result: record.Row = {"process_seconds": round(seconds, 2), "images": rows}
    if name == "white":
        known, result["known_process_seconds"] = command(inputs, work / "known", KNOWN)
        for record_, (path, clean) in zip(known, files, strict=True):
            rows[path.stem]["known_sigma_psnr"] = psnr(imread(clean), imread(record_["output"]))
    return result


def average(rows: dict[str, record.Row], key: str, equal: float = 100.0) -> float:
    """Mean of a figure; a PSNR of equal images counts as `equal` dB."""
    return round(mean(equal if row[key] is None else row[key] for row in rows.values()), 3)


def judged(name: str, rows: dict[str, record.Row]) -> record.Row:
    """The figures of a set against the bars of issue 2."""
    result: record.Row = {"images": len(rows), "noisy": average(rows, "noisy_psnr")}
    result["psnr"] = ours = average(rows, "psnr")
    if name == "clean":
        least = min(100.0 if row["psnr"] is None else row["psnr"] for row in rows.values())
        result |= {"noisy": None, "least": least, "bar": "each >= 45", "met": least >= 45}
    elif name == "white":
        known = average(rows, "known_sigma_psnr")
        result |= {"known sigma": known, "bar": f">= {known - 0.2:.2f}", "met": ours >= known - 0.2}
    else:
        gains = [row["gain"] for row in rows.values()]
        gain = round(mean(gains), 3)
        result |= {"gain": gain, "worst gain": min(gains), "best gain": max(gains)}
        bars = {
            "cc15": ("mean >= 37.5", ours >= 37.5),
            "polyu51": ("gain >= 1.8, worst >= -0.3", gain >= 1.8 and min(gains) >= -0.3),
            "sidd33": ("gain >= 10", gain >= 10),
        }
        result["bar"], result["met"] = bars[name]
    shift = max(row["mean_shift"] for row in rows.values())
    return result | {
        "methods": dict(Counter(row["method"] for row in rows.values())),
        "seconds per image": average(rows, "seconds"),
        "largest mean shift": shift,
        "mean kept": shift <= MEAN_BAR,
    }


def show(summary: record.Row, sets: dict[str, record.Row]) -> None:
    for name, row in sets.items():
        print(f"\n{name}: {'image':34} noisy   psnr   gain  sigma   true  seconds  method")
        for image, r in row["images"].items():
            figures = [r["noisy_psnr"], r["psnr"], r["gain"], r["sigma"], r["true_sigma"], r["seconds"]]
            cells = " ".join("   same" if v is None else f"{v:6.2f}" for v in figures)
            print(f"{image[:40]:40} {cells}  {r['method']}")
    print()
    for name, row in summary.items():
        print(f"{name:8} {'met   ' if row['met'] and row['mean kept'] else 'MISSED'} {row}")


def main() -> None:
    parser = record.arguments(__doc__, "default_command")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the written pictures here")
    parser.add_argument("--again", action="store_true", help="also sets that this code has already done")
    given = parser.parse_args()
    out, head = record.destination(given), record.about(given, __doc__)
    record.limit_threads(given.threads)
    done = {} if given.again else record.kept(out, head["source"])
    result: record.Row = head | {"rows": done, "summary": {}}
    for name in given.sets:
        if name not in done:
            with tempfile.TemporaryDirectory(prefix="pellucid-default-") as folder:
                work = Path(folder) if given.keep is None else given.keep / name
                work.mkdir(parents=True, exist_ok=True)
                done[name] = run_set(name, given.data_root, given.limit, work)
        result["summary"] = {n: judged(n, row["images"]) for n, row in done.items()}
        record.save(out, result)
    show(result["summary"], {name: done[name] for name in given.sets})


if __name__ == "__main__":
    main()
