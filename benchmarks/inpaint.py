"""Filling holes: idbp against OpenCV's Telea and scikit-image's biharmonic, dB in the hole and seconds.

    python benchmarks/inpaint.py
        256 x 256 crops of scikit-image's pictures under four drawn masks (half and four fifths of the pixels
        drawn at random, a page of text, scratches), and the pictures of the DIP paper with their own masks
    python benchmarks/inpaint.py --limit 1
        a trial; nothing is kept

OpenCV is a rival here and nowhere else: pip install opencv-python-headless. All run one after the other in
one process, after each has run once (compiling is not counted); the seconds, by the wall and of the
processor, are those of the call alone, with what `pellucid.inpaint` spends on looking at the picture. PSNR is
over the hidden pixels, in 8 bits. idbp was tuned on crops of up to 144 x 144 of scikit-image's pictures,
not on those of the paper.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data, restoration
from skimage.io import imread

import pellucid
import record

SIZE = 256
PICTURES = {
    "astronaut": (0, 128),
    "coffee": (80, 150),
    "chelsea": (20, 80),
    "camera": (80, 140),
    "rocket": (120, 200),
    "brick": (100, 100),
}
"""first row and column of the crop of each"""
TEXT = "the quick brown fox jumps over the lazy dog and runs away"


def text() -> np.ndarray:
    """Lines of text all over the picture."""
    page = Image.new("L", (SIZE, SIZE))
    font = ImageFont.load_default(size=14)
    for number, top in enumerate(range(2, SIZE, 22)):
        ImageDraw.Draw(page).text((3 - 5 * number % 7, top), TEXT, fill=255, font=font)
    return np.asarray(page) > 64


def scratches() -> np.ndarray:
    """Twelve bent lines, one to five pixels wide."""
    draw, page = np.random.default_rng(0), Image.new("L", (SIZE, SIZE))
    for _ in range(12):
        ends = draw.uniform(0, SIZE, 4)
        middle = draw.normal(0, 12, 2) + (ends[:2] + ends[2:]) / 2
        path = [(ends[0], ends[1]), tuple(middle), (ends[2], ends[3])]
        ImageDraw.Draw(page).line(path, fill=255, width=int(draw.integers(1, 6)))
    return np.asarray(page) > 0


def masks() -> dict[str, np.ndarray]:
    drawn = np.random.default_rng(1).random((SIZE, SIZE))
    return {"half": drawn < 0.5, "four fifths": drawn < 0.8, "text": text(), "scratches": scratches()}


def cases(root: Path) -> list[tuple[str, str, np.ndarray, np.ndarray]]:
    """(set, name, picture of 8 bits, hidden) of all that is filled."""
    found = []
    for name, (top, left) in PICTURES.items():
        whole = getattr(data, name)()
        piece = np.ascontiguousarray(whole[top : top + SIZE, left : left + SIZE])
        found += [(kind, name, piece, hidden) for kind, hidden in masks().items()]
    folder = root / "restore" / "DIP" / "inpainting"
    for path in sorted(folder.glob("*_mask.png")):
        picture = imread(path.with_name(path.name.replace("_mask", "")))[..., :3]
        mask = imread(path)  # there black is what is missing
        mask = mask[..., :3].mean(-1) if mask.ndim == 3 else mask
        found.append(("DIP paper", path.stem.removesuffix("_mask"), picture, mask < 128))
    return found


def fillers() -> dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]:
    """What fills, by name."""

    def by(method: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        def fill(picture: np.ndarray, hidden: np.ndarray) -> np.ndarray:
            axis = -1 if picture.ndim == 3 else None
            return pellucid.inpaint(picture, hidden, method, channel_axis=axis)

        return fill

    def biharmonic(picture: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        axis = -1 if picture.ndim == 3 else None
        filled = restoration.inpaint_biharmonic(picture / 255, hidden, channel_axis=axis)
        return np.rint(filled.clip(0, 1) * 255).astype(np.uint8)

    found = {"idbp": by("idbp"), "scikit-image biharmonic": biharmonic}
    if record.has("cv2"):
        import cv2

        cv2.setNumThreads(1)
        for name, how in (("Telea", cv2.INPAINT_TELEA), ("Navier-Stokes", cv2.INPAINT_NS)):
            found[f"OpenCV {name}"] = lambda picture, hidden, how=how: cv2.inpaint(
                picture, hidden.astype(np.uint8), 3, how
            )
    return found


def psnr(clean: np.ndarray, filled: np.ndarray, hidden: np.ndarray) -> float:
    error = (clean.astype(float) - filled.astype(float))[hidden]
    return round(10 * float(np.log10(255**2 / np.square(error).mean())), 2)


def main() -> None:
    parser = record.arguments(__doc__, "inpaint")
    parser.set_defaults(threads=2)
    given = parser.parse_args()
    record.limit_threads(given.threads)
    out, about = record.destination(given), record.about(given, __doc__)
    about["versions"] |= record.manifest.versions(("opencv-python-headless",))
    all_cases = cases(given.data_root)
    rows: dict[str, record.Row] = {}
    for name, fill in fillers().items():
        fill(data.camera()[:64, :64].copy(), np.eye(64) > 0)
        fill(data.astronaut()[:64, :64].copy(), np.eye(64) > 0)
        for kind, picture, clean, hidden in all_cases[: given.limit]:
            holed = np.where(hidden if clean.ndim == 2 else hidden[..., None], 0, clean).astype(np.uint8)
            started, spent = time.perf_counter(), time.process_time()
            filled = fill(holed, hidden)
            seconds = round(time.perf_counter() - started, 2)
            spent = round(time.process_time() - spent, 2)
            key = f"{kind} | {picture} | {name}"
            size = f"{clean.shape[0]} x {clean.shape[1]}"
            made = psnr(clean, filled, hidden)
            rows[key] = {"psnr": made, "seconds": seconds, "cpu_seconds": spent, "size": size}
            print(key, rows[key], flush=True)
            record.save(out, about | {"summary": summary(rows), "rows": rows})


def summary(rows: dict[str, record.Row]) -> dict[str, Any]:
    """Mean dB and seconds by kind of mask and method, and the slowest of 256 x 256."""
    found: dict[str, Any] = {}
    for kind in dict.fromkeys(key.split(" | ")[0] for key in rows):
        for name in dict.fromkeys(key.split(" | ")[2] for key in rows):
            own = [
                row for key, row in rows.items() if key.startswith(f"{kind} |") and key.endswith(f"| {name}")
            ]
            if own:
                found[f"{kind}: {name}"] = {
                    "pictures": len(own),
                    "psnr": round(float(np.mean([row["psnr"] for row in own])), 2),
                    "seconds": round(float(np.mean([row["seconds"] for row in own])), 2),
                    "cpu_seconds": round(float(np.mean([row["cpu_seconds"] for row in own])), 2),
                    "most_cpu_seconds": max(row["cpu_seconds"] for row in own),
                }
    return found


if __name__ == "__main__":
    main()
