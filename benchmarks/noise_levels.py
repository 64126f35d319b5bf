"""The noise analysis against the truth: level and correlation, on real images and on white noise.

    python benchmarks/noise_levels.py               all three parts
    python benchmarks/noise_levels.py cc15          level against the true residual (image less _mean)
    python benchmarks/noise_levels.py white         CBSD68 with white noise of known sigma, floats, unclipped
    python benchmarks/noise_levels.py flags         `correlated` on CC15, PolyU51 and SIDD33

The level is the root mean square over the channels, in grey levels of 255; so is the residual's standard
deviation. White noise: one frozen seed per image and sigma. MAD and Chen's estimate stand beside ours.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.io import imread

import record

SIGMAS = (5, 10, 15, 25, 35, 50)
REAL = {
    "CC15": ("real/CC15", "*_real.*"),
    "PolyU51": ("real/PolyU51", "*_real.*"),
    "SIDD33": ("real/SIDD33/noisy", "*_N.*"),
}
NEAR, LEAST_NEAR = 0.25, 13  # CC15: within 25 % on at least 13
WHITE_BAR = {5: 0.20} | dict.fromkeys(SIGMAS[1:], 0.05)
FLAG_BAR = 0.95


def rms(values: Any) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def residual(noisy: NDArray[Any], clean: NDArray[Any]) -> float:
    """Root mean square over the channels of the standard deviation of the noise, its mean not counted."""
    difference = noisy.astype(float) - clean
    return rms(difference.reshape(-1, difference.shape[-1]).std(0))


def analysed(what: Any, *, white: float | None = None, **how: Any) -> record.Row:
    """The figures of a report, in units of the file, or such that 1.0 is `white`."""
    import pellucid

    start = time.perf_counter()
    report = pellucid.inspect(what, **how)
    seconds = time.perf_counter() - start
    unit = report.scale if white is None else white
    return {
        "level": round(report.level * unit, 3),
        "correlated": report.correlated,
        "length_px": round(report.length_px, 2),
        "mad": round(rms(report.mad) * unit, 3) if report.mad else None,
        "chen": round(report.chen * unit, 3),
        "seconds": round(seconds, 3),
    }


def real(path: Path) -> record.Row:
    """A file, and the truth where a mean of many shots lies beside it."""
    import pellucid

    row = analysed(pellucid.read(path))
    clean = path.with_name(path.name.replace("_real", "_mean"))
    if clean != path and clean.exists():
        row["truth"] = round(residual(imread(path), imread(clean)), 3)
        row["ratio"] = round(row["level"] / row["truth"], 3)
    return row


def white(path: Path, sigma: int) -> record.Row:
    """A clean picture with white noise, as a float array."""
    import torch

    from pellucid import seeds

    clean = imread(path).astype(np.float32) / 255
    draws = seeds.generator(0, "awgn", path.parent.name, path.stem, sigma)
    noise = torch.randn((clean.shape[2], *clean.shape[:2]), generator=draws).numpy().transpose(1, 2, 0)
    row = analysed(clean + np.float32(sigma / 255) * noise, white=255, channel_axis=2, data_range=1.0)
    row["ratio"] = round(row["level"] / sigma, 4)
    return row


def measured(kind: str, path: Path, sigma: int) -> record.Row:
    return white(path, sigma) if kind == "CBSD68" else real(path)


def summary(rows: dict[str, record.Row]) -> record.Row:
    """Figures against the bars of issue 2."""
    result: record.Row = {}
    cc15 = {k: v for k, v in rows.items() if k.startswith("CC15/") and "ratio" in v}
    if cc15:
        near = sum(abs(row["ratio"] - 1) <= NEAR for row in cc15.values())
        ratios = [row["ratio"] for row in cc15.values()]
        result["CC15 level"] = {
            "images": len(cc15),
            f"within {NEAR:.0%}": near,
            "least ratio": min(ratios),
            "most": max(ratios),
            "met": near >= LEAST_NEAR,
        }
    for sigma in SIGMAS:
        found = [row for key, row in rows.items() if key.startswith(f"CBSD68/{sigma}/")]
        if found:
            ratios = [row["ratio"] for row in found]
            result[f"CBSD68 {sigma}"] = {
                "images": len(found),
                "mean ratio": round(mean(ratios), 4),
                "least": min(ratios),
                "most": max(ratios),
                "images within 10%": sum(abs(r - 1) <= 0.1 for r in ratios),
                "called correlated": sum(row["correlated"] for row in found),
                "met": abs(mean(ratios) - 1) <= WHITE_BAR[sigma],
            }
    groups = {
        "real noise called correlated": (tuple(f"{k}/" for k in REAL), True),
        "white noise called white": (("CBSD68/",), False),
        **{f"{k} called correlated": ((f"{k}/",), True) for k in REAL},
    }
    for title, (starts, truth) in groups.items():
        right = [row["correlated"] == truth for key, row in rows.items() if key.startswith(starts)]
        if right:
            rate = sum(right) / len(right)
            result[title] = {"images": len(right), "rate": round(rate, 4), "met": rate >= FLAG_BAR}
    return result


def main() -> None:
    parser = record.arguments(__doc__, "noise_levels")
    parser.add_argument("parts", nargs="*", choices=["cc15", "white", "flags", []], help="else all")
    parser.add_argument("--workers", type=int, default=1, help="images at a time")
    given = parser.parse_args()
    parts = set(given.parts) or {"cc15", "white", "flags"}
    names = [k for k in REAL if "flags" in parts or (k == "CC15" and "cc15" in parts)]
    jobs = [
        (kind, path, 0)
        for kind in names
        for path in record.pictures(given.data_root, REAL[kind][0], given.limit, REAL[kind][1])
    ]
    if "white" in parts:
        paths = record.pictures(given.data_root, "clean/CBSD68", given.limit)
        jobs += [("CBSD68", path, sigma) for sigma in SIGMAS for path in paths]
    out, head = record.destination(given), record.about(given, __doc__)
    rows = record.kept(out, head["source"])
    result: record.Row = head | {"rows": rows}

    def each() -> None:
        result["summary"] = summary(rows)
        record.save(out, result)

    record.fill(
        rows,
        jobs,
        measured,
        name=lambda kind, path, sigma: f"{kind}/{sigma}/{path.stem}" if sigma else f"{kind}/{path.stem}",
        workers=given.workers,
        threads=given.threads,
        each=each,
    )
    each()
    for name, row in result["summary"].items():
        print(f"{name}: {row}")


if __name__ == "__main__":
    main()
