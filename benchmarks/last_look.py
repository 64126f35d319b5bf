"""How often the last look is right, on results and on mishaps of known truth, and what `auto` then does.

    python benchmarks/last_look.py                       all scenes
    python benchmarks/last_look.py --limit 2             two of every kind; nothing is kept

Crops of 192 x 192 at the fullest place of real pairs (CC15, PolyU51, SIDD33, microscopy), of Berkeley
pictures with white noise, JPEG, half size, thin dark lines, noise that grows across the field, and of pages,
drawings and stars. Each is denoised by `auto` as chosen, by `bm3d` told the level, twice and four times of
it (of what is measured, where nobody knows it), blurred, put through a median of 3 x 3, made brighter, robbed
of its strokes. Harm: more than 1 dB below the input, and below 42 dB. A hit is harm of low trust, a false
alarm is low trust in a result of `auto` or of the right level that gains 0.3 dB or more.
"""

from __future__ import annotations

import io
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter, grey_closing, median_filter
from skimage.io import imread, imsave

import record

SIDE = 192
HARM, SEEN, GOOD = -1.0, 42.0, 0.3  # dB
Picture = NDArray[Any]


@dataclass(frozen=True)
class Scene:
    """A picture of 8 bits as it comes, its truth, and the level of its noise where it is known."""

    kind: str
    name: str
    noisy: Picture
    truth: Picture
    sigma: float | None = None


def bytes8(pixels: Picture) -> Picture:
    return np.clip(pixels, 0, 255).round().astype(np.uint8)


def draw(*words: object) -> np.random.Generator:
    """A generator of its own for every scene."""
    return np.random.default_rng([ord(letter) for letter in " ".join(map(str, words))])


def fullest(pixels: Picture) -> tuple[slice, slice]:
    """The part of SIDE x SIDE with most fine detail."""
    gray = pixels.astype(float).mean(-1) if pixels.ndim == 3 else pixels.astype(float)
    detail = gaussian_filter(np.abs(gray - gaussian_filter(gray, 3)), SIDE / 6)
    half = SIDE // 2
    inner = detail[half : max(half + 1, len(gray) - half), half : max(half + 1, gray.shape[1] - half)]
    top, left = np.unravel_index(int(np.argmax(inner)), inner.shape)
    return slice(int(top), int(top) + SIDE), slice(int(left), int(left) + SIDE)


def jpeg(pixels: Picture, quality: int) -> Picture:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def half(pixels: Picture) -> Picture:
    size = (pixels.shape[1] // 2, pixels.shape[0] // 2)
    return np.asarray(Image.fromarray(bytes8(pixels)).resize(size, Image.Resampling.LANCZOS))


def real(root: Path, limit: int | None) -> Iterator[Scene]:
    """Noise of cameras and microscopes."""
    for name, step in (("cc15", 1), ("polyu51", 5), ("sidd33", 4)):
        for noisy, clean in record.pairs(root, name, None)[::step][:limit]:
            pixels, truth = imread(noisy)[..., :3], imread(clean)[..., :3]
            here = fullest(truth)
            yield Scene(name, noisy.stem, pixels[here], truth[here])
    for noisy in sorted((root / "microscopy/pairs").glob("*_noisy.png"))[:limit]:
        pixels, truth = imread(noisy), imread(str(noisy).replace("_noisy", "_gt"))
        here = fullest(truth)
        if pixels.dtype == np.uint8:
            yield Scene("microscopy", noisy.stem, pixels[here], truth[here])


def made(root: Path, limit: int | None) -> Iterator[Scene]:
    """Noise that was drawn, on pictures that no constant of the last look was set by in other scenes."""
    paths = sorted((root / "train/BSDS500_train_test").glob("*.jpg"))[5::19]
    for number, path in enumerate(paths[: 12 if limit is None else limit]):
        whole, random = imread(path).astype(float), draw(path.stem)
        clean = whole[fullest(whole)]
        sigma = (5, 10, 25, 50)[number % 4]
        yield Scene(
            "white",
            f"{path.stem} {sigma}",
            bytes8(clean + random.normal(0, sigma, clean.shape)),
            clean,
            sigma,
        )
        if number % 3 == 0:
            noisy = jpeg(bytes8(clean + random.normal(0, 15, clean.shape)), (95, 85, 70, 50)[number // 3])
            yield Scene("jpeg", path.stem, noisy, clean, 15)
        if number % 3 == 1:
            small, noisy = half(whole), half(whole + random.normal(0, 15, whole.shape))
            yield Scene("half size", path.stem, noisy[fullest(small)], small[fullest(small)].astype(float))
        if number % 3 == 2:
            lined, pencil = Image.fromarray(bytes8(clean)), random.integers(8, SIDE - 8, (8, 4)).tolist()
            for line in pencil:
                ImageDraw.Draw(lined).line(line, fill=(0, 0, 0))
            lines = np.asarray(lined).astype(float)
            noisy = bytes8(lines + random.normal(0, 8, clean.shape))
            yield Scene("thin lines", path.stem, noisy, lines, 8)
        if number % 4 == 0:
            gray, level = clean.mean(-1), np.linspace(4, 38, clean.shape[1])
            noisy = bytes8(gray + random.normal(0, 1, gray.shape) * level)
            yield Scene("field", path.stem, noisy, gray)


def drawn(limit: int | None) -> Iterator[Scene]:
    """Pages, drawings and stars."""
    levels = (0, 4, 10, 20, 30)[:limit]
    for name, truth in (("page 9", page(9, 30, 240)), ("page 12", page(12, 0, 255)), ("drawing", drawing())):
        for sigma in levels:
            noisy = bytes8(truth + draw(name, sigma).normal(0, sigma, truth.shape))
            yield Scene("text", f"{name} {sigma}", noisy, truth, sigma)
        yield Scene("text", f"{name} JPEG 80", jpeg(bytes8(truth), 80), truth)
    for sigma in levels[1:3]:
        random = draw("stars", sigma)
        sky = np.full((SIDE, SIDE), 20.0)
        sky[tuple(random.integers(2, SIDE - 2, (2, 300)))] = 20 + 10 * sigma
        yield Scene("stars", str(sigma), bytes8(sky + random.normal(0, sigma, sky.shape)), sky, sigma)


def page(size: int, ink: int, paper: int) -> Picture:
    sheet = Image.new("L", (SIDE, SIDE), paper)
    font = ImageFont.load_default(size)
    for top in range(2, SIDE, size + 3):
        ImageDraw.Draw(sheet).text((4, top), "Whoever reads this small text may keep it", fill=ink, font=font)
    return np.asarray(sheet).astype(float)


def drawing() -> Picture:
    sheet = Image.new("L", (SIDE, SIDE), 255)
    pen = ImageDraw.Draw(sheet)
    for i in range(10):
        pen.rectangle((6 + 8 * i, 6 + 6 * i, 186 - 8 * i, 186 - 5 * i), outline=0)
        pen.line((0, 22 * i, SIDE, 180 - 15 * i), fill=0)
    return np.asarray(sheet).astype(float)


def treated(scene: Scene, image: Any) -> Iterator[tuple[str, Picture, Any]]:
    """(what was done, estimate (C, H, W) in 0 to 1, verdict) of a scene."""
    import pellucid
    from pellucid.noise.report import NoiseReport
    from pellucid.run.verdict import judge

    first = pellucid.denoise(image, force=True, return_result=True)
    yield "auto", first.estimate[0], first.trust
    if first.trust.level == "low":
        acted = pellucid.denoise(image, return_result=True)
        yield "auto, after the last look", acted.estimate[0], acted.trust
    level = scene.sigma if scene.sigma is not None else 255 * first.noise.level
    for name, factor in (("right level", 1), ("twice", 2), ("four times", 4)):
        if level > 0 and (factor > 1 or scene.sigma is not None):
            told = min(factor * max(level, 2.0 * (factor > 1)), 250)
            done = pellucid.denoise(image, "bm3d", sigma=told, data_range=255, return_result=True)
            yield name, done.estimate[0], done.trust
    noisy, auto = image.pixels[0], first.estimate[0]
    report = (
        first.noise if scene.sigma is None else NoiseReport.white(scene.sigma / 255, len(noisy), scale=255)
    )
    span = float(np.subtract(*np.quantile(noisy, (0.99, 0.01))))
    spoilt = {
        "blurred": gaussian_filter(noisy, (0, 1.5, 1.5)),
        "median": np.stack([median_filter(plane, 3) for plane in noisy]),
        "brighter": auto + 0.1 * span,
    }
    if scene.kind in ("thin lines", "text"):
        spoilt["strokes erased"] = np.stack([gaussian_filter(grey_closing(p, (5, 5)), 0.7) for p in auto])
    for name, estimate in spoilt.items():
        after = torch.from_numpy(estimate.astype(np.float32))
        yield name, estimate, judge(torch.from_numpy(noisy.copy()), after, report)


def rows_of(scene: Scene) -> list[record.Row]:
    """A row for every treatment of a scene."""
    import pellucid

    with tempfile.TemporaryDirectory(prefix="pellucid-look-") as folder:
        path = Path(folder) / "noisy.png"
        imsave(path, scene.noisy, check_contrast=False)
        image = pellucid.read(path)
    truth = np.atleast_3d(scene.truth).transpose(2, 0, 1) / 255
    given = record.psnr(truth, np.asarray(image.pixels[0], float))
    found: list[record.Row] = []
    for name, estimate, trust in treated(scene, image):
        after = record.psnr(truth, np.clip(np.asarray(estimate, float), 0, 1))
        found.append(
            {
                "kind": scene.kind,
                "treatment": name,
                "noisy_psnr": min(given, 99.0),
                "psnr": min(after, 99.0),
                "trust": trust.level,
                "reasons": list(trust.reasons),
            }
        )
    return found


def gain(row: record.Row) -> float:
    return float(row["psnr"] - row["noisy_psnr"])


def summary(rows: dict[str, list[record.Row]]) -> record.Row:
    """Hits, false alarms, and what `auto` gains by the last look."""
    every = [row for found in rows.values() for row in found]
    harmful = [row for row in every if gain(row) < HARM and row["psnr"] < SEEN]
    good = [row for row in every if row["treatment"] in ("auto", "right level") and gain(row) >= GOOD]
    pairs = [
        (a, b) for a, b in ((found[0], found[1]) for found in rows.values()) if "after" in b["treatment"]
    ]
    kinds = sorted({row["kind"] for row in every})

    def rate(of: list[record.Row], *levels: str) -> float | None:
        return round(mean(row["trust"] in levels for row in of), 3) if of else None

    def split(of: list[record.Row], key: str) -> dict[str, record.Row]:
        names = list(dict.fromkeys(row[key] for row in of))
        part = {name: [row for row in of if row[key] == name] for name in names}
        return {name: {"count": len(p), "low": rate(p, "low")} for name, p in part.items()}

    return {
        "harmful": len(harmful),
        "hits": rate(harmful, "low"),
        "hits, medium counted": rate(harmful, "low", "medium"),
        "hits by treatment": split(harmful, "treatment"),
        "hits by kind": split(harmful, "kind"),
        "good": len(good),
        "false alarms": rate(good, "low"),
        "medium among good": rate(good, "medium"),
        "good by kind": {
            kind: dict(Counter(row["trust"] for row in good if row["kind"] == kind)) for kind in kinds
        },
        "auto acted on": len(pairs),
        "gain before": round(mean(gain(a) for a, _ in pairs), 3) if pairs else None,
        "gain after": round(mean(gain(b) for _, b in pairs), 3) if pairs else None,
        "worst after": round(min(gain(b) for _, b in pairs), 3) if pairs else None,
        "worse by it": sum(gain(b) < gain(a) - 0.01 for a, b in pairs),
    }


def main() -> None:
    given = record.arguments(__doc__, "last_look").parse_args()
    record.limit_threads(given.threads)
    out = record.destination(given)
    rows: dict[str, Any] = {}
    result = record.about(given, __doc__)
    for scenes in (
        real(given.data_root, given.limit),
        made(given.data_root, given.limit),
        drawn(given.limit),
    ):
        for scene in scenes:
            found = rows[f"{scene.kind}: {scene.name}"] = rows_of(scene)
            print(
                scene.kind,
                scene.name,
                [(r["treatment"], round(gain(r), 2), r["trust"]) for r in found],
                flush=True,
            )
            result |= {"summary": summary(rows), "rows": rows}
            record.save(out, result)
    print(result["summary"])


if __name__ == "__main__":
    main()
