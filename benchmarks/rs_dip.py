"""RS-DIP against what it starts from: near-clean images, their mean, and average-then-denoise.

    python benchmarks/rs_dip.py                     all parts
    python benchmarks/rs_dip.py shots               two shots, sigma 15 and 25, BM3D on each; CBSD68 crops
    python benchmarks/rs_dip.py cc15                one shot, two near-clean images (--pair); CC15 crops
    python benchmarks/rs_dip.py ablation --limit 3  RS-DIP-1 (no sampling), RS-DIP-2 (multi-scale) and others
    python benchmarks/rs_dip.py time                against DIP on one picture, fast and paper

Noise of `shots`: white, not clipped, one frozen seed per image and sigma; levels are measured, none is told.
PSNR on floats, data range 1. `gain` is over the mean of the near-clean images, with its sign: the loss of two
targets is that of one target at their mean, so it is all that the network brings. `time` counts processor
seconds, near-clean images included; of the paper presets a few steps are taken and scaled to the whole.
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

PARTS = ("shots", "cc15", "ablation", "time")
LEVELS = (15, 25)
BAR, ALIKE = -0.05, 0.5  # dB: gain over the mean, and how near the two near-clean images of CC15 must be
STEPS = 4  # of the paper presets, for the time
VARIANTS: dict[str, dict[str, Any]] = {
    "rs-dip": {},
    "rs-dip-1 (no sampling)": {"sampling": False},
    "rs-dip-2 (multi-scale)": {"network": "multi-scale"},
    "input code": {"input": "code"},
    "target mean": {"target": "mean"},
    "target noisy": {"target": "noisy"},
    "output residual": {"output": "residual"},
    "output direct": {"output": "direct"},
}
Pixels = NDArray[np.float32]


def psnr(estimate: Any, clean: Pixels) -> float:
    """Of (1, C, H, W) against (H, W, C), dB."""
    return record.psnr(clean, np.asarray(estimate)[0].transpose(1, 2, 0))


def crop(path: Path, size: int) -> Pixels:
    """The centre of a picture, (size, size, 3) in [0, 1]."""
    return np.ascontiguousarray(record.middle(imread(path)[..., :3].astype(np.float32) / 255, size))


def shots_of(clean: Pixels, path: Path) -> list[Pixels]:
    """Two shots with white noise."""
    import torch

    from pellucid import seeds

    found = []
    for sigma in LEVELS:
        draws = seeds.generator(0, "awgn", path.parent.name, path.stem, sigma)
        noise = torch.randn((3, *clean.shape[:2]), generator=draws).numpy().transpose(1, 2, 0)
        found.append(clean + np.float32(sigma / 255) * noise)
    return found


def scored(result: Any, clean: Pixels) -> record.Row:
    """Everything that stands beside a result of RS-DIP."""
    extras = result.extras
    near = [psnr(image, clean) for image in extras["near_clean"]]
    row: record.Row = {
        "near_clean": {f"{i} {n}": near[i - 1] for i, n in enumerate(extras["near_clean_methods"], 1)},
        "mean": psnr(extras["mean"], clean),
        "rs_dip": psnr(result.estimate, clean),
        "gap": round(max(near) - min(near), 4),
        "iterations": result.iterations,
        "stopped_by": result.stopped_by,
    }
    row["gain"] = round(row["rs_dip"] - row["mean"], 4)
    if extras["average_then_denoise"] is not None:
        row["average_then_denoise"] = psnr(extras["average_then_denoise"], clean)
        row["gain_over_average_then_denoise"] = round(row["rs_dip"] - row["average_then_denoise"], 4)
    return row


def tried(part: str, path: Path, size: int, preset: str, variant: str, pair: str) -> record.Row:
    import pellucid

    common: dict[str, Any] = {"preset": preset, "channel_axis": -1, "return_result": True, "data_range": 1.0}
    if part == "time":
        return timed(path, size, preset)
    start = time.process_time()
    if part == "cc15":
        clean = crop(path.with_name(path.name.replace("_real", "_mean")), size)
        result = pellucid.denoise(crop(path, size), "rs-dip", near_clean=pair, **common)
    else:
        clean = crop(path, size)
        shots = shots_of(clean, path)
        common["set"] = VARIANTS[variant] if part == "ablation" else None
        result = pellucid.denoise(shots, "rs-dip", shots=True, near_clean="bm3d", **common)
    return scored(result, clean) | {"cpu_seconds": round(time.process_time() - start, 2)}


def timed(path: Path, size: int, preset: str) -> record.Row:
    """Processor seconds of RS-DIP and of DIP with one preset."""
    import pellucid
    from pellucid import methods

    shots = shots_of(crop(path, size), path)

    def spent(steps: int | None, name: str, what: Any, **more: Any) -> tuple[float, int]:
        start = time.process_time()
        result = pellucid.denoise(
            what, name, preset=preset, iterations=steps, channel_axis=-1, data_range=1.0,
            return_result=True, **more,
        )  # fmt: skip
        return time.process_time() - start, result.iterations

    for name, what in (("rs-dip", [shots[0][:32, :32]] * 2), ("dip", shots[0][:32, :32])):
        spent(2, name, what, **({"shots": True, "near_clean": "bm3d"} if name == "rs-dip" else {}))  # warm up
    row: record.Row = {"size": size}
    asked = (("rs-dip", shots, {"shots": True, "near_clean": "bm3d"}), ("dip", shots[0], {}))
    for name, what, more in asked:
        if preset == "fast":
            seconds, count = spent(None, name, what, **more)
        else:
            count = methods.load(name).presets[preset].iterations
            first, _ = spent(1, name, what, **more)
            some, _ = spent(1 + STEPS, name, what, **more)
            seconds = first + (some - first) / STEPS * (count - 1)
        row[name] = {"cpu_seconds": round(seconds, 2), "iterations": count}
    row["ratio"] = round(row["rs-dip"]["cpu_seconds"] / row["dip"]["cpu_seconds"], 4)
    return row


def summary(rows: dict[str, record.Row]) -> record.Row:
    """Figures against the bars of issue 3."""
    result: record.Row = {}
    titles = dict.fromkeys(key.rsplit("/", 1)[0] for key in rows)
    for title in titles:
        found = [row for key, row in rows.items() if key.rsplit("/", 1)[0] == title]
        if title.startswith("time"):
            bar = 1 / 3 if "fast" in title else 1 / 10
            ratios = [row["ratio"] for row in found]
            result[title] = {"ratio to dip": max(ratios), "bar": round(bar, 3), "met": max(ratios) <= bar}
            continue
        gains = [row["gain"] for row in found]
        entry: record.Row = {
            "images": len(found),
            "near-clean": [
                round(mean(list(row["near_clean"].values())[i] for row in found), 3) for i in range(2)
            ],
            "mean": round(mean(row["mean"] for row in found), 3),
            "rs-dip": round(mean(row["rs_dip"] for row in found), 3),
            "gain": round(mean(gains), 4),
            "least gain": min(gains),
            "most": max(gains),
            "met": mean(gains) >= BAR,
        }
        if "average_then_denoise" in found[0]:
            entry["average then denoise"] = round(mean(row["average_then_denoise"] for row in found), 3)
        else:
            alike = [row["gain"] for row in found if row["gap"] <= ALIKE]
            entry["within 0.5 dB of each other"] = len(alike)
            entry["gain there"] = round(mean(alike), 4) if alike else None
        result[title] = entry
    return result


def main() -> None:
    parser = record.arguments(__doc__, "rs_dip")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="else all")
    parser.add_argument("--preset", choices=["fast", "paper"], default="fast")
    parser.add_argument("--size", type=int, default=128, help="side of the crops; cc15 takes twice that")
    parser.add_argument("--pair", default="bm3d,wavelet", help="near-clean methods of cc15")
    parser.add_argument("--workers", type=int, default=1, help="images at a time")
    given = parser.parse_args()
    parts, jobs = given.parts or list(PARTS), []
    pictures = record.pictures(given.data_root, "clean/CBSD68", given.limit)
    if "shots" in parts:
        jobs += [("shots", path, given.size, given.preset, "rs-dip", "") for path in pictures]
    if "cc15" in parts:
        photos = record.pictures(given.data_root, "real/CC15", given.limit, "*_real.*")
        jobs += [("cc15", path, 2 * given.size, given.preset, "rs-dip", given.pair) for path in photos]
    if "ablation" in parts:
        jobs += [
            ("ablation", path, given.size, given.preset, variant, "")
            for variant in VARIANTS
            for path in pictures[: given.limit or 10]
        ]
    if "time" in parts:
        jobs += [("time", pictures[0], given.size, preset, "rs-dip", "") for preset in ("fast", "paper")]
    out, head = record.destination(given), record.about(given, __doc__)
    rows = record.kept(out, head["source"])
    result: record.Row = head | {"rows": rows}

    def each() -> None:
        result["summary"] = summary(rows)
        record.save(out, result)

    def name(part: str, path: Path, size: int, preset: str, variant: str, pair: str) -> str:
        details = [part, f"{preset} {size}"]
        details += [variant] if part == "ablation" else [pair] if pair else []
        return "/".join([*details, path.stem])

    record.fill(rows, jobs, tried, name=name, workers=given.workers, threads=given.threads, each=each)
    each()
    for title, row in result["summary"].items():
        print(f"{title}: {row}")


if __name__ == "__main__":
    main()
