"""Single-image methods on photographs with correlated noise, without any truth: SIDD33 and CC15.

    python benchmarks/photo.py                              all rows, 256 x 256 centre crops
    python benchmarks/photo.py --methods auto photo         some
    python benchmarks/photo.py --every 3                    a third of the pictures, spread over the sets

Every method is run by `pellucid denoise --method`, preset fast, with its own stop rule; the scores are read
from the files that it writes. `unseen` is `common` without the nine crops of SIDD33 and five of CC15 at which
somebody looked while `photo` was made; `common` is the mean over the pictures that all methods have.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean
from typing import Any

from skimage.io import imread, imsave

import record

SETS = ("sidd33", "cc15")
SEEN = {
    "sidd33": {"0000_N", "0002_N", "0008_N", "0018_N", "0026_N", "0032_N", "0040_N", "0046_N", "0054_N"},
    "cc15": {
        "5dmark3_iso3200_1_real",
        "5dmark3_iso3200_2_real",
        "d800_iso1600_1_real",
        "d800_iso1600_2_real",
        "d800_iso6400_1_real",
    },
}


def pairs(name: str, root: Path, limit: int | None, side: int, work: Path) -> list[tuple[Path, Path]]:
    """(noisy, clean) centre crops of a set, written to `work`."""
    found = record.pairs(root, name, limit)
    return [(crop(n, side, work / "noisy"), crop(c, side, work / "clean")) for n, c in found]


def crop(path: Path, side: int, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"{path.stem}.png"
    imsave(out, record.middle(imread(path), side), check_contrast=False)
    return out


def psnr(clean: Path, image: Path) -> float:
    return record.psnr(imread(clean), imread(image), data_range=255)


def score(method: str, noisy: Path, clean: Path, work: Path) -> record.Row:
    """One picture by one method."""
    out = work / method / f"{noisy.stem}.png"
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pellucid", "denoise", str(noisy), "-o", str(out), "--json"]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, "--method", method, "--overwrite"], stdout=subprocess.PIPE, text=True, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return {
        "noisy": psnr(clean, noisy),
        "psnr": psnr(clean, out),
        "seconds": round(told["seconds"], 2),
        "process_seconds": round(time.perf_counter() - start, 2),
        "method": told["method"],
        "iterations": told["iterations"],
    }


def summary(rows: dict[str, record.Row]) -> record.Row:
    """Means per set and method."""
    result: record.Row = {}
    for name, seen in SEEN.items():
        stems = sorted({key.split("/")[2] for key in rows if key.startswith(f"{name}/")})
        methods = sorted({key.split("/")[1] for key in rows if key.startswith(f"{name}/")})
        common = [s for s in stems if all(f"{name}/{m}/{s}" in rows for m in methods)]
        for method in methods:
            found = {s: rows[f"{name}/{method}/{s}"] for s in stems if f"{name}/{method}/{s}" in rows}
            unseen = [found[s]["psnr"] for s in common if s not in seen]
            result[f"{name}/{method}"] = {
                "images": len(found),
                "noisy": round(mean(r["noisy"] for r in found.values()), 3),
                "psnr": round(mean(r["psnr"] for r in found.values()), 3),
                "common": round(mean(found[s]["psnr"] for s in common), 3) if common else None,
                "common images": len(common),
                "unseen": round(mean(unseen), 3) if unseen else None,
                "seconds": round(mean(r["seconds"] for r in found.values()), 2),
            }
    return result


def main() -> None:
    parser = record.arguments(__doc__, "photo")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--methods", nargs="+", default=["auto", "photo", "nlm", "zs-n2n", "dip"])
    parser.add_argument("--every", type=int, default=1, help="take every so-manieth picture (1)")
    parser.add_argument("--side", type=int, default=256, help="of the centre crops, pixels (256)")
    given: argparse.Namespace = parser.parse_args()
    record.limit_threads(given.threads)
    out = record.destination(given)
    head = record.about(given, __doc__)
    rows = record.kept(out, head["source"])
    result: record.Row = {**head, "side": given.side, "rows": rows, "summary": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name in given.sets:
            files = pairs(name, given.data_root, given.limit, given.side, Path(folder) / name)
            for method in given.methods:
                for noisy, clean in files[:: given.every]:
                    key = f"{name}/{method}/{noisy.stem}"
                    if key not in rows:
                        rows[key] = score(method, noisy, clean, Path(folder) / name)
                        result["summary"] = summary(rows)
                        record.save(out, result)
                result["summary"] = summary(rows)
                record.save(out, result)
                print(name, method, summary(rows)[f"{name}/{method}"], flush=True)


if __name__ == "__main__":
    main()
