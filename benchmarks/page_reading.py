"""Pages read by tesseract: character errors of the scan, `denoise`, `restore --document`, OpenCV's NLM.

    python benchmarks/page_reading.py
        pages drawn here with stains, folds and grain, and the scans in PELLUCID_DATA, if there are any
    python benchmarks/page_reading.py --texts texts.json
        scans whose text is known: {"train/2": "There exist …", …}; others count against what tesseract
        reads of their clean partner

Needs tesseract (Debian: apt-get install tesseract-ocr); OpenCV's needs opencv-python-headless. Every page is
enlarged three times (bicubic) for tesseract, which is told that it is one block of text, and read twice: with
one threshold between ink and paper for the whole page (Otsu's, what tesseract does by itself), under which a
dark stain is all ink, and with a local one (Sauvola's). The error is the edit distance over the length of the
text, runs of white space being one space.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

import pellucid
import record

THRESHOLDS = {"one threshold": 0, "local threshold": 2}
"""tesseract's numbers of the ways to tell ink from paper"""
WORDS = (
    "It was the clerk who found the box under the stairs. Nobody had opened it since the flood, and the "
    "letters in it were brown at the rim and gray in the folds. She put them on the table in the order in "
    "which they had been written, weighed the corners down with spoons, and began to read: the price of "
    "barley, a quarrel about a fence, the birth of twins in March, and then, in another hand, five lines "
    "that nobody was meant to see."
)


def drawn() -> dict[str, tuple[np.ndarray, str]]:
    """Pages that are drawn here, in three kinds of trouble and in none, with their text."""
    lines, line = [], ""
    for word in WORDS.split():
        if len(line) + len(word) > 58:
            lines, line = [*lines, line], ""
        line = f"{line} {word}".strip()
    lines.append(line)
    sheet = Image.new("L", (560, 36 + 26 * len(lines)), 255)
    for number, text in enumerate(lines):
        font = ImageFont.load_default(size=16)
        ImageDraw.Draw(sheet).text((16, 16 + 26 * number), text, fill=30, font=font)
    clean = gaussian_filter(np.asarray(sheet, np.float32) / 255, 0.4)
    rows, columns = np.mgrid[: clean.shape[0], : clean.shape[1]].astype(np.float32)
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 1, clean.shape)
    ring = np.hypot(rows - 120, columns - 260)
    stain = 1 - 0.45 * (ring < 110) - 0.25 * (np.abs(ring - 110) < 4)
    cloud = gaussian_filter(rng.normal(0, 1, clean.shape), 14)
    cloud = 0.72 + 0.16 * cloud / cloud.std()
    folds = (
        1 - 0.25 * np.exp(-np.abs(columns + 0.3 * rows - 300) / 5) + 0.12 * np.exp(-np.abs(rows - 150) / 4)
    )
    paper = {"clean": 1.0, "stained": stain, "clouded": cloud, "folded": 0.85 * folds, "grainy": 0.9}
    return {
        f"drawn, {name}": (
            np.clip((clean * under + grain * (0.1 if name == "grainy" else 0.02)) * 255, 0, 255).astype(
                np.uint8
            ),
            " ".join(lines),
        )
        for name, under in paper.items()
    }


def scans(root: Path, texts: dict[str, str]) -> dict[str, tuple[np.ndarray, str]]:
    """The scans, and their text, or what is read of their clean partner; those with neither are left out."""
    found = {}
    folder = root / "real" / "documents"
    for path in sorted(folder.glob("t*/*.png")):
        name = f"{path.parent.name}/{path.stem}"
        partner = folder / "train_cleaned" / path.name
        if path.parent.name == "train_cleaned":
            continue
        if name in texts:
            found[name] = (gray(path), texts[name])
        elif path.parent.name == "train" and partner.exists():
            found[name] = (gray(path), read(gray(partner)))
    return found


def gray(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L"))


def read(page: np.ndarray, threshold: str = "one threshold") -> str:
    """What tesseract reads."""
    image = Image.fromarray(page)
    image = image.resize((3 * image.width, 3 * image.height), Image.Resampling.BICUBIC)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.png"
        image.save(path)
        words = ["tesseract", str(path), "-", "--psm", "6", "-l", "eng"]
        words += ["-c", f"thresholding_method={THRESHOLDS[threshold]}"]
        environment = os.environ | {"OMP_THREAD_LIMIT": "1"}
        return subprocess.run(words, capture_output=True, text=True, check=True, env=environment).stdout


def errors(text: str, truth: str) -> float:
    """Edit distance over the length of the truth, in per cent.

    >>> errors("a  cat", "a cut")
    20.0
    """
    found, wanted = " ".join(text.split()), " ".join(truth.split())
    row = list(range(len(found) + 1))
    for number, letter in enumerate(wanted, 1):
        last, row[0] = row[0], number
        for place, other in enumerate(found, 1):
            last, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, last + (letter != other))
    return round(100 * row[-1] / len(wanted), 2)


def ways() -> dict[str, Any]:
    """What is done to a page, by name."""
    found = {
        "scan": lambda page: page,
        "denoise": pellucid.denoise,
        "restore --document": lambda page: pellucid.restore(page, document=True),
    }
    if record.has("cv2"):
        import cv2

        found["OpenCV NLM"] = lambda page: cv2.fastNlMeansDenoising(page, None, 10, 7, 21)
    return found


def main() -> None:
    parser = record.arguments(__doc__, "page_reading")
    parser.add_argument("--texts", type=Path, help="JSON with the texts of scans")
    given = parser.parse_args()
    if which("tesseract") is None:
        raise SystemExit("skipped: tesseract is missing. Debian: apt-get install tesseract-ocr")
    record.limit_threads(given.threads)
    out, about = record.destination(given), record.about(given, __doc__)
    about["versions"] |= record.manifest.versions(("opencv-python-headless",))
    version = subprocess.run(["tesseract", "--version"], capture_output=True, text=True, check=True)
    about["versions"]["tesseract"] = (version.stdout or version.stderr).split()[1]
    texts = json.loads(given.texts.read_text()) if given.texts else {}
    rows: dict[str, dict[str, record.Row]] = {}
    pages = drawn() | scans(given.data_root, texts)
    for name, (page, truth) in list(pages.items())[: given.limit]:
        made = {way: does(page) for way, does in ways().items()}
        for threshold in THRESHOLDS:
            row = {way: errors(read(picture, threshold), truth) for way, picture in made.items()}
            rows.setdefault(threshold, {})[name] = row
            print(name, threshold, row, flush=True)
        mean = {
            threshold: {way: round(float(np.mean([row[way] for row in found.values()])), 2) for way in made}
            for threshold, found in rows.items()
        }
        record.save(out, about | {"unit": "character errors in per cent", "mean": mean, "rows": rows})


if __name__ == "__main__":
    main()
