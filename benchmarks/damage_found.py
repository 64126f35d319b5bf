"""Finding damage: hit and false-alarm rates of `restore` on pictures with drawn scratches, and without any.

    python benchmarks/damage_found.py
        the photographs of scikit-image, each as it is and with damage drawn from three seeds
    python benchmarks/damage_found.py --pictures FOLDER --limit 40
        the same with photographs of your own that have no damage

A hit is a damaged pixel that the mask covers, of all damaged ones; a mark is hit where half of its pixels
are. A false alarm is a pixel of the mask more than two pixels away from any damage, of all pixels. Of
pictures without damage the mask should be empty. The scores were fitted on drawn damage of other photographs
(recipes/marks).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage
from skimage import data
from skimage.io import imread

import record
from pellucid.damage import marks

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "recipes" / "marks"))
from drawn import damaged

PHOTOGRAPHS = (
    "astronaut", "camera", "chelsea", "coffee", "rocket", "immunohistochemistry", "hubble_deep_field", "moon",
    "brick", "grass", "gravel", "coins", "page", "text", "clock", "retina",
)  # fmt: skip
THINGS = ("astronaut", "camera", "chelsea", "coffee", "rocket")
"""those that are photographs as an album has them"""
SEEDS = (1, 2, 3)


def shipped() -> dict[str, np.ndarray]:
    """The pictures that are on this machine: scikit-image fetches some of them."""
    found = {}
    for name in PHOTOGRAPHS:
        try:
            found[name] = np.atleast_3d(getattr(data, name)())[..., :3]
        except Exception as error:  # noqa: BLE001 - one that cannot be fetched is left out, and said
            print(f"{name} is left out: {type(error).__name__}", file=sys.stderr)
    return found


def looked(pixels: np.ndarray, truth: np.ndarray, light: bool) -> record.Row:
    started = time.perf_counter()
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32)
    found = marks.find(planes)
    row: record.Row = {
        "seconds": round(time.perf_counter() - started, 2),
        "light": found.light,
        "dark": found.dark,
        "masked": round(float(found.mask.mean()), 6),
    }
    if truth.any():
        near = ndimage.binary_dilation(truth, iterations=2)
        labels, count = ndimage.label(truth, np.ones((3, 3)))
        told = marks.find(planes, kinds=("light" if light else "dark",))
        share = ndimage.mean(found.mask, labels, np.arange(1, count + 1))
        row |= {
            "is_light": light,
            "pixels_hit": round(float(found.mask[truth].mean()), 4),
            "marks": count,
            "marks_hit": int((share >= 0.5).sum()),
            "false_alarm": round(float((found.mask & ~near).mean()), 6),
            "pixels_hit_told": round(float(told.mask[truth].mean()), 4),
            "false_alarm_told": round(float((told.mask & ~near).mean()), 6),
        }
    return row


def summary(rows: dict[str, record.Row]) -> dict[str, Any]:
    whole = [row for key, row in rows.items() if key.endswith("| whole")]
    worn = [row for key, row in rows.items() if not key.endswith("| whole")]
    found = [row for row in worn if row["masked"] > 0]

    def mean(name: str, digits: int = 3, *, things: bool = False) -> float:
        """Of all pictures with damage, or of the photographs of people, animals and things alone."""
        rows_ = [r for key, r in rows.items() if name in r and (not things or key.split(" |")[0] in THINGS)]
        return round(float(np.mean([row[name] for row in rows_])), digits) if rows_ else 0.0

    figures = {
        "pictures without damage": len(whole),
        "of them with an empty mask": sum(row["masked"] == 0 for row in whole),
        "their mean share of false pixels": round(float(np.mean([row["masked"] for row in whole])), 6),
        "pictures with damage": len(worn),
        "of them with marks found": len(found),
        "damaged pixels hit": round(float(np.mean([row["pixels_hit"] for row in worn])), 3),
        "damaged pixels hit where any were found": round(
            float(np.mean([row["pixels_hit"] for row in found])), 3
        ),
        "marks hit": round(sum(row["marks_hit"] for row in worn) / sum(row["marks"] for row in worn), 3),
        "mean share of false pixels": round(float(np.mean([row["false_alarm"] for row in worn])), 6),
        "damaged pixels hit where the kind is told": mean("pixels_hit_told"),
        "mean share of false pixels then": mean("false_alarm_told", 6),
        "damaged pixels hit in photographs of things": mean("pixels_hit", things=True),
        "the same where the kind is told": mean("pixels_hit_told", things=True),
    }
    here = any(key.split(" |")[0] in THINGS for key in rows)
    return figures if here else dict(list(figures.items())[:-2])


def main() -> None:
    parser = record.arguments(__doc__, "damage_found")
    parser.add_argument("--pictures", type=Path, help="a folder instead of scikit-image's")
    given = parser.parse_args()
    out, about = record.destination(given), record.about(given, __doc__)
    if given.pictures is None:
        pictures = shipped()
    else:
        paths = sorted(p for p in given.pictures.iterdir() if p.suffix.lower() in (".png", ".jpg"))
        pictures = {
            p.stem: np.atleast_3d(imread(p))[..., :3]
            for p in paths[:: max(1, len(paths) // (given.limit or 40))]
        }
    rows: dict[str, record.Row] = {}
    for name, picture in pictures.items():
        clean = picture.astype(np.float32) / 255
        rows[f"{name} | whole"] = looked(clean, np.zeros(clean.shape[:2], bool), True)
        for seed in SEEDS:
            worn, truth, light = damaged(clean, np.random.default_rng([seed, len(rows)]))
            rows[f"{name} | damage {seed}"] = looked(np.round(worn * 255) / 255, truth, light)
        print(name, *(rows[f"{name} | {what}"] for what in ("whole", "damage 1")), flush=True)
        record.save(out, about | {"summary": summary(rows), "rows": rows})
    print(summary(rows))


if __name__ == "__main__":
    main()
