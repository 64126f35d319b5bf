"""Counts what the structure of the code costs a reader, so that a redesign can be held to numbers.

    python benchmarks/structure.py [--json]

Static, from the source: files, lines, the median file, modules that one other module imports, files under
60 lines, public names of classes that stand for two things. Running, from one `pellucid denoise PHOTO -o
OUT` without options on a colour picture of 162 x 162 (`sys.setprofile`): the deepest chain of pellucid's
own functions, calls that cross from one package of `src/pellucid` into another, and the way of the pixels:
every call of a function that is handed the picture (an Image or an array or tensor of its size, alone or in
a list or record) from the moment the file is decoded to the moment it is encoded. Rooms are the modules on
that way, climbs are steps from a module to one that stands above it in the layers of pyproject.toml, calls
upward those of them in which the lower module itself calls the upper one (a function that it was handed): in
all others it returned, and who had called it went on. Names are the different parameter names under which
the picture is handed on, and parameters the different parameters of functions.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import dataclasses
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "pellucid"
SIDE = 162
"""of the picture, pixels; no network here has so many channels, whose weights would pass for the picture"""


def modules() -> dict[str, Path]:
    """Every module by its dotted name."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = ("pellucid", *path.relative_to(SOURCE).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of pellucid that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in known}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found |= {whole} if whole in known else {node.module} & set(known)
    return found


def static() -> dict[str, Any]:
    """What can be read without running."""
    known = modules()
    lines = {name: len(path.read_text().splitlines()) for name, path in known.items()}
    importers: Counter[str] = Counter()
    names: dict[str, set[str]] = {}
    for name, path in known.items():
        importers.update(imports(path, known) - {name})
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                names.setdefault(node.name, set()).add(name)
    twice = {n: sorted(m) for n, m in names.items() if len(m) > 1 and n != "Config" and not n.startswith("_")}
    return {
        "files": len(known),
        "lines": sum(lines.values()),
        "median file, lines": statistics.median(lines.values()),
        "largest file, lines": max(lines.values()),
        "files under 60 lines": sum(n < 60 for n in lines.values()),
        "modules with one importer": sum(importers[n] == 1 for n in known),
        "class names in several modules": twice,
    }


def carries(value: Any, depth: int = 2) -> bool:
    """Whether a value holds the picture."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and depth:
        return any(carries(getattr(value, f.name, None), depth - 1) for f in dataclasses.fields(value))
    if isinstance(value, list | tuple) and depth and len(value) < 20:
        return any(carries(item, depth - 1) for item in value)
    if isinstance(value, type):  # whose shape is no tuple; an error here would end the watch in silence
        return False
    shape = tuple(getattr(value, "shape", ()))
    return len(shape) >= 2 and shape.count(SIDE) >= 2


def running() -> dict[str, Any]:
    """What one run of the default shows."""
    import numpy as np
    import skimage.data
    from PIL import Image

    from pellucid.cli import main

    known = {str(path): name for name, path in modules().items()}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if "layers" in contract)
    height = {part.strip("() "): -place for place, layer in enumerate(layers) for part in layer.split("|")}

    def floor(name: str) -> int:
        return height.get(".".join(name.split(".")[:2]), 0)

    stack: list[str] = []
    seen = {"depth": 0, "borders": 0}
    crossed: set[tuple[str, str]] = set()
    way: list[str] = []
    upward: set[tuple[str, str]] = set()
    handed: set[tuple[str, str, str]] = set()

    def watch(frame: FrameType, event: str, _: Any) -> None:
        name = known.get(frame.f_code.co_filename)
        if name is None or frame.f_code.co_name.startswith("<"):
            return
        if event == "return":
            if stack:
                stack.pop()
            return
        if event != "call":
            return
        if stack and stack[-1].split(".")[:2] != name.split(".")[:2]:
            seen["borders"] += 1
            crossed.add((".".join(stack[-1].split(".")[:2]), ".".join(name.split(".")[:2])))
        caller = stack[-1] if stack else name
        stack.append(name)
        seen["depth"] = max(seen["depth"], len(stack))
        code = frame.f_code
        count = code.co_argcount + code.co_kwonlyargcount
        held = [n for n in code.co_varnames[:count] if n != "self" and carries(frame.f_locals.get(n))]
        if held:
            handed.update((name, code.co_qualname, n) for n in held)
            if floor(name) > floor(caller):
                upward.add((caller, name))
            if not way or way[-1] != name:
                way.append(name)

    with tempfile.TemporaryDirectory() as work:
        noisy = skimage.data.chelsea()[60 : 60 + SIDE, 120 : 120 + SIDE] + 25 * np.random.default_rng(
            0
        ).standard_normal((SIDE, SIDE, 3))
        path = Path(work) / "photo.png"
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path)
        for profile in (None, watch):  # the first run imports
            sys.setprofile(profile)
            try:
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    main(["denoise", str(path), "-o", str(Path(work) / "out.png"), "--overwrite"])
            except SystemExit:
                pass
            finally:
                sys.setprofile(None)
    climbs = sum(floor(b) > floor(a) for a, b in pairwise(way))
    return {
        "deepest chain": seen["depth"],
        "border crossings": seen["borders"],
        "different borders": len(crossed),
        "rooms of the pixels": len(set(way)),
        "climbs of the pixels": climbs,
        "calls upward with the pixels": sorted(f"{a} -> {b}" for a, b in upward),
        "packages of the pixels": len({".".join(n.split(".")[:2]) for n in way}),
        "names of the pixels": len({n for _, _, n in handed}),
        "parameters of the pixels": len(handed),
    }


def seconds(*arguments: str) -> float:
    """The median time of a fresh process."""
    found = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - start)
    return round(statistics.median(found), 3)


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = static() | running()
    found["import pellucid, s"] = seconds("-c", "import pellucid")
    found["pellucid --help, s"] = seconds("-m", "pellucid", "--help")
    if given.json:
        print(json.dumps(found, indent=1))
    else:
        for name, value in found.items():
            print(f"{name}: {value}")


if __name__ == "__main__":
    main()
