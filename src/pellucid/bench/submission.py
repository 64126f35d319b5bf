"""Results on DND in the form in which its server takes them; it has the truth, and nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np

from pellucid import checks, files
from pellucid.bench import log
from pellucid.files.replace import replaced

IMAGES, BOXES = 50, 20


def dnd(results: Path, method: str, out: Path, *, preset: str | None = None, seed: int = 0) -> int:
    """Bundle the 1000 crops of DND: `0001.mat` to `0050.mat`, each with `Idenoised`, a cell of 20 crops.

    Args:
        results: folder that `bench run` wrote, with the set DND.
        method: entry as in its rows.
        out: folder; made where it does not exist.
        preset: where the entry was run with several.
        seed: of the run.

    Returns:
        how many files were written.

    Raises:
        ValueError: when crops are missing, or the method is not there.

    Source: the submission kit of Plotz and Roth, CVPR 2017: variables Idenoised, israw, eval_version.
    """
    rows = [r for r in log.read(results).values() if r["set"] == "DND" and r["crop"] is None]
    checks.one_of("method", method, list(dict.fromkeys(r["method"] for r in rows)) or ["none: run DND first"])
    mine = [r for r in rows if r["method"] == method and r["seed"] == seed and preset in (None, r["preset"])]
    presets = list(dict.fromkeys(r["preset"] for r in mine))
    if len(presets) > 1:
        raise ValueError(f"preset must be given, {method} was run with {', '.join(presets)}.")
    done = {row["image"]: results / row["file"] for row in mine if row.get("file") and not row["error"]}
    wanted = [[f"{i:04}_{b:02}" for b in range(1, BOXES + 1)] for i in range(1, IMAGES + 1)]
    missing = [name for names in wanted for name in names if name not in done]
    if missing:
        raise ValueError(
            f"{len(missing)} of {IMAGES * BOXES} crops of {method} are missing, the first is {missing[0]}. "
            "Run them first."
        )
    from scipy.io import savemat

    out.mkdir(parents=True, exist_ok=True)
    for number, names in enumerate(wanted, 1):
        crops = np.empty(BOXES, dtype=object)
        for place, name in enumerate(names):
            image = files.read(done[name])
            crops[place] = np.moveaxis(image.pixels[0], 0, -1).astype(np.float32)
        with replaced(out / f"{number:04}.mat") as file:
            savemat(cast(Any, file), {"Idenoised": crops, "israw": False, "eval_version": "1.0"})
    return IMAGES
