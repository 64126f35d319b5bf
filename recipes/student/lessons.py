"""Lessons of the student for photographs: noisy crops, and what the default makes of them.

    python recipes/student/lessons.py pictures/ lessons/ --photographs full-size/ --count 1500 --seed 0

Two of three crops are reduced photographs behind the camera of recipes/reading (light, noise, mosaic,
development, some noise reduction, some JPEG), the third is a photograph at its full size (pictures.py
--whole), with the noise that its own camera left. The default denoises each, without a last look; kept are
those in which it read noise that pixels share, with the level that the network is told. Nothing clean is
kept, and the student sees nothing clean. A run that was broken off goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import pellucid
from pellucid.methods.filters.photo import equivalent, sharing

sys.path.insert(0, str(Path(__file__).parent.parent / "reading"))
import spoil

SIDE = 256
LEAST = 0.3
"""degree of sharing from which on the default does more than ask its network"""
SEEN = 0.8 / 255
"""level of noise from which on a crop at full size is taken"""
MIX = replace(spoil.MIXES["third"], drawn=0.03, clean=0.0, camera=0.85, mixed=0.5, dim=0.15)
TRIES = 8


def spoilt(draws: np.random.Generator, pool: list[list[Path]]) -> NDArray[np.uint8]:
    """A crop behind a camera."""
    noisy = spoil.sample(draws, pool, MIX).noisy[:SIDE, :SIDE]
    return np.clip(noisy, 0, 255).round().astype(np.uint8)


def photograph(draws: np.random.Generator, pool: list[Path]) -> NDArray[np.uint8] | None:
    """A crop at full size in which noise is seen."""
    for _ in range(TRIES):
        with Image.open(pool[int(draws.integers(len(pool)))]) as picture:
            picture.draft("RGB", None)
            width, height = picture.size
            if min(width, height) < 1000:
                continue
            x, y = int(draws.integers(width - SIDE)), int(draws.integers(height - SIDE))
            crop = np.asarray(picture.convert("RGB").crop((x, y, x + SIDE, y + SIDE)))
        if crop.std() < 3:
            continue
        noise = pellucid.inspect(crop, channel_axis=-1)
        if noise.correlated and noise.level >= SEEN:
            return crop
    return None


def lesson(seed: int, pool: list[list[Path]], photographs: list[Path], out: Path) -> dict[str, Any] | None:
    """One crop and what is made of it; None where there is nothing to be learnt."""
    draws = np.random.default_rng(seed)
    real = bool(photographs) and seed % 3 == 0
    noisy = photograph(draws, photographs) if real else spoilt(draws, pool)
    if noisy is None:
        return None
    result = pellucid.denoise(noisy, channel_axis=-1, return_result=True, force=True)
    told = equivalent(result.noise, color=True)
    if result.method != "photo" or sharing(told, result.noise.level) < LEAST:
        return None
    target = np.moveaxis(result.estimate[0], 0, -1)
    part = out / f"{seed}.part"
    with part.open("wb") as file:
        np.savez(file, noisy=noisy, target=target.astype(np.float16), told=np.float32(told))
    part.rename(out / f"{seed}.npz")  # a training that reads meanwhile finds whole files
    return {"seed": seed, "real": real, "level": float(result.noise.level), "told": float(told)}


def main() -> None:
    """Collect."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photographs", type=Path)
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    pool = [sorted(given.pictures.glob("*.png"))]
    photographs = sorted(given.photographs.glob("*.jpg")) if given.photographs else []
    given.out.mkdir(parents=True, exist_ok=True)
    file = given.out / f"{given.seed}.jsonl"
    done = len(file.read_text().splitlines()) if file.exists() else 0
    with file.open("a") as lines:
        for seed in range(given.seed + done, given.seed + given.count):
            lines.write(json.dumps(lesson(seed, pool, photographs, given.out)) + "\n")
            lines.flush()


if __name__ == "__main__":
    main()
