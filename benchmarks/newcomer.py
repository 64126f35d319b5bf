"""The ten commands of docs/newcomer.md for each of four people, in a fresh clone, with the seconds of each.

    python benchmarks/newcomer.py
    python benchmarks/newcomer.py --person photographer

The clone is of the commit that is checked out, its environment one of its own that sees the packages of this
one, so that nothing is downloaded. The seconds go behind the commands of the page, and, with those of the
processor, which other work does not lengthen, into benchmarks/results/newcomer.json.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile
import torch
from PIL import Image
from skimage import data

import record

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "newcomer.md"
BLOCK = re.compile(r"^## The (\w+)\n.*?^```shell\n(.*?)^```", re.M | re.S)
NOTE = re.compile(r"\s+# [\d.]+ s$")


def commands() -> dict[str, list[str]]:
    """The commands of each person, as the page has them."""
    found = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    return {person: [NOTE.sub("", line) for line in block.splitlines()] for person, block in found}


def save(path: Path, pixels: np.ndarray, **more: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8)).save(path, **more)


def draw(place: Path) -> None:
    """The pictures that the page speaks of."""
    from pellucid.noise.camera import Camera

    draws = np.random.default_rng(0)
    cell, coffee = data.cell()[190:446, 240:496] / 255, data.coffee()[60:316, 120:440].astype(float)
    photons = draws.poisson(cell * 200) / 200
    tifffile.imwrite(place / "cells.tif", np.clip(photons * 30000, 0, 65535).astype(np.uint16))
    scenes = [np.roll(cell, k, 0)[:160, :160] for k in range(6)]
    stack = np.stack([draws.poisson(s * 100) for s in scenes]).astype(np.uint16)
    tifffile.imwrite(place / "stack.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    planes = torch.from_numpy(np.moveaxis(coffee / 255, -1, 0).astype(np.float32).copy())
    taken = Camera(peak=60, read=0.02, quality=92).apply(planes, torch.Generator().manual_seed(0))
    save(place / "photo.jpg", np.moveaxis(taken.numpy(), 0, -1) * 255, quality=95)
    for k in range(6):
        part = coffee[20 * k : 20 * k + 128, 20 * k : 20 * k + 128]
        save(place / "album" / f"{k}.png", part + draws.normal(0, 20, part.shape))
        save(place / "frames" / f"{k}.png", photons[:128, 10 * k : 10 * k + 128] * 255)
        if k < 3:
            save(place / f"{k + 1}.png", coffee + draws.normal(0, 25, coffee.shape))
            save(place / "pairs" / "clean" / f"{k}.png", part)
            save(place / "pairs" / "noisy" / f"{k}.png", part + draws.normal(0, 20, part.shape))
    page = data.page().astype(float)
    save(place / "scan.png", page + draws.normal(0, 15, page.shape))
    scratch = np.zeros(page.shape)
    scratch[40:160, 200:203] = 255
    save(place / "scratch.png", scratch)
    old = data.camera()[60:316, 100:356].astype(float)
    for at in (40, 120, 200):
        old[20:230, at : at + 2] = 245
    for row, column in draws.integers(8, 248, (60, 2)):
        old[row : row + 3, column : column + 2] = 240
    save(place / "print.png", old + draws.normal(0, 8, old.shape))
    for k, below in enumerate(("a", "a", "b")):
        part = page[:, 60 * k : 60 * k + 200]
        save(place / "pages" / below / f"{k}.png", part + draws.normal(0, 15, part.shape))


def fresh(place: Path) -> tuple[Path, dict[str, str]]:
    """A clone with an environment of its own; what its commands see."""
    clone = place / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place / "env")], check=True)
    seen = [path for path in sys.path if path.endswith("site-packages")]
    own = next((place / "env").glob("lib/python*/site-packages"))
    (own / "there.pth").write_text("\n".join(seen) + "\n")
    rest = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return clone, rest | {"PATH": f"{place / 'env' / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def processor() -> float:
    """Seconds that the children of this process have had of the processor."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def run(command: str, clone: Path, files: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of one command, of the wall and of the processor; the end of the run where it fails."""
    words = shlex.split(command)
    install = words[:2] == ["pip", "install"]
    if install:
        words = ["python", "-m", *words, "--no-deps", "--no-build-isolation", "--quiet"]
    began, before = time.monotonic(), processor()
    done = subprocess.run(
        words, cwd=clone if install else files, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{command}\nended with {done.returncode}: {done.stderr[-2000:]}")
    return round(time.monotonic() - began, 1), round(processor() - before, 1)


def main() -> None:
    parser = record.arguments(__doc__, "newcomer")
    parser.add_argument(
        "--person", choices=list(commands()), help="one of them; the others stay as they were"
    )
    given = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    spent: dict[str, dict[str, float]] = {}
    for person, lines in commands().items():
        if given.person not in (None, person):
            continue
        found[person], spent[person] = {}, {}
        with tempfile.TemporaryDirectory() as folder:
            clone, environment = fresh(Path(folder))
            files = Path(folder) / "files"
            files.mkdir()
            draw(files)
            for number, line in enumerate(lines, 1):
                seconds, own = run(line, clone, files, environment)
                found[person][f"{number}. {line}"], spent[person][f"{number}. {line}"] = seconds, own
                print(f"{seconds:6.1f} s {own:6.1f} s  {line}", flush=True)
    out = record.destination(given)
    earlier = json.loads(out.read_text()) if out is not None and out.exists() else {}
    told = record.about(given, __doc__) | {
        "seconds": {**earlier.get("seconds", {}), **found},
        "processor_seconds": {**earlier.get("processor_seconds", {}), **spent},
    }
    told["load_average"] = [round(value, 1) for value in os.getloadavg()]
    record.save(out, told)
    lines, person = PAGE.read_text(encoding="utf-8").split("\n"), ""
    waiting = {
        name: [(key.split(". ", 1)[1], seconds) for key, seconds in block.items()]
        for name, block in found.items()
    }
    for at, line in enumerate(lines):
        person = line.removeprefix("## The ") if line.startswith("## ") else person
        if waiting.get(person) and NOTE.sub("", line) == waiting[person][0][0]:
            lines[at] = "{}  # {:g} s".format(*waiting[person].pop(0))
    PAGE.write_text("\n".join(lines), encoding="utf-8")
    print(json.dumps({person: round(sum(block.values()), 1) for person, block in found.items()}))


if __name__ == "__main__":
    main()
