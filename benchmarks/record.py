"""What the benchmarks do alike: find the data, say what made a result, keep JSON that can be resumed."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from importlib import util
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pellucid.bench import manifest

HERE = Path(__file__).resolve().parent
PACKAGES = ("pellucid", "torch", "numpy", "scipy", "scikit-image", "pywavelets", "bm3d", "bm4d")
Row = dict[str, Any]


def arguments(doc: str | None, name: str) -> argparse.ArgumentParser:
    """A parser with what all share: --data-root, --limit, --out, --threads."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = os.environ.get("PELLUCID_DATA", HERE.parent.parent / "shared" / "data")
    parser.add_argument("--data-root", type=Path, default=Path(data), help="else PELLUCID_DATA")
    parser.add_argument("--limit", type=int, help="only so many images per set; then nothing is kept")
    parser.add_argument("--out", type=Path, help=f"else benchmarks/results/{name}.json")
    cores = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    parser.add_argument("--threads", type=int, default=cores, help=f"per process (here {cores})")
    parser.set_defaults(name=name)
    return parser


def pictures(root: Path, folder: str, limit: int | None, pattern: str = "*") -> list[Path]:
    """The pictures of a set, or the end of the program when there are none."""
    found = sorted(p for p in (root / folder).glob(pattern) if p.suffix.lower() in (".png", ".jpg", ".bmp"))
    if not found:
        raise SystemExit(f"skipped: no pictures in {root / folder}. Give --data-root or set PELLUCID_DATA.")
    return found[:limit]


def pairs(root: Path, name: str, limit: int | None) -> list[tuple[Path, Path]]:
    """(noisy, clean) files of a set of real noise: cc15, polyu51 or sidd33."""
    if name == "sidd33":
        noisy = pictures(root, "real/SIDD33/noisy", limit, "*_N.*")
        return [(p, p.parents[1] / "clean" / p.name.replace("_N.", "_CL.")) for p in noisy]
    noisy = pictures(root, f"real/{'CC15' if name == 'cc15' else 'PolyU51'}", limit, "*_real.*")
    return [(p, p.with_name(p.name.replace("_real", "_mean"))) for p in noisy]


def middle(image: Any, side: int) -> Any:
    """The centre of an array (H, W, …), at most `side` pixels a side."""
    top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
    return image[top : top + side, left : left + side]


def centre(path: Path, size: int) -> Any:
    """The centre crop of a colour picture as a tensor (3, size, size) in [0, 1]."""
    import numpy as np
    import torch
    from skimage.io import imread

    piece = middle(imread(path)[..., :3].astype(np.float32), size)
    return (torch.from_numpy(piece).permute(2, 0, 1) / 255).contiguous()


def white(path: Path, size: int, sigma: float) -> tuple[Any, Any]:
    """A clean centre crop and the Task with its noisy version: white noise, seed 0, the level told."""
    import torch

    from pellucid import seeds
    from pellucid.noise.report import NoiseReport
    from pellucid.steps import Task

    clean = centre(path, size)
    noise = torch.randn(clean.shape, generator=seeds.generator(0, "noise", path.stem))
    return clean, Task(shots=(clean + sigma * noise)[None], noise=NoiseReport.white(sigma, 3))


def psnr(clean: Any, estimate: Any, *, data_range: float = 1.0, digits: int = 4) -> float:
    """PSNR in dB of arrays or tensors of equal shape, as they are: not clipped, not rounded to 8 bits."""
    from pellucid import metrics

    return round(metrics.psnr(clean, estimate, data_range=data_range), digits)


def about(given: argparse.Namespace, doc: str | None) -> Row:
    """Command, code, versions, machine, threads and date."""
    words = ["…" if Path(word).is_absolute() else word for word in sys.argv[1:]]
    return {
        "what": " ".join((doc or "").split("\n\n")[0].split()),
        "command": " ".join(["python", f"benchmarks/{given.name}.py", *words]),
        "commit": manifest.commit() or "unknown",
        "source": manifest.source(),
        "versions": manifest.versions(PACKAGES),
        "machine": manifest.machine(),
        "threads": given.threads,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def destination(given: argparse.Namespace) -> Path | None:
    """Where results go; None for a trial with --limit, which must not replace a whole run."""
    if given.out is None and given.limit is not None:
        return None
    out: Path = given.out or HERE / "results" / f"{given.name}.json"
    return out


def kept(out: Path | None, code: str) -> dict[str, Row]:
    """Rows of an earlier run that the same code made."""
    if out is None or not out.exists():
        return {}
    earlier: Row = json.loads(out.read_text())
    return dict(earlier.get("rows", {})) if earlier.get("source") == code else {}


def save(out: Path | None, result: Row) -> None:
    """Write the file in one go, so that an interrupt leaves the last whole state."""
    if out is None:
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".part")
    partial.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    partial.replace(out)


def fill(
    rows: dict[str, Row],
    jobs: Iterable[tuple[Any, ...]],
    work: Callable[..., Row],
    *,
    name: Callable[..., Hashable],
    workers: int,
    threads: int,
    each: Callable[[], None],
) -> None:
    """Add a row for every job that has none, in processes of `threads` threads; `each` after every row."""
    left = {str(name(*job)): job for job in jobs}
    left = {key: job for key, job in left.items() if key not in rows}
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=limit_threads, initargs=(threads,)) as pool:
        running = {pool.submit(work, *job): key for key, job in left.items()}
        for count, job in enumerate(as_completed(running), 1):
            rows[running[job]] = job.result()
            print(f"{count}/{len(left)} {running[job]}: {rows[running[job]]}", file=sys.stderr, flush=True)
            each()


def limit_threads(threads: int) -> None:
    """In this process, and in libraries that read the variable when they are loaded."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    import torch

    torch.set_num_threads(threads)


def has(module: str) -> bool:
    """Whether a module can be imported, without importing it."""
    return util.find_spec(module) is not None
