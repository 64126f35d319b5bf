"""What runs a model's network: torch, or an exported copy of it that is made once and kept."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from pellucid.exporting.export import export
from pellucid.files.replace import replaced
from pellucid.models import exported
from pellucid.models.exported.facts import PRECISIONS
from pellucid.models.keeping import hash_of
from pellucid.networks.download import cache
from pellucid.request import Export

SUFFIX = {"onnx": ".onnx", "openvino": ".xml"}
LARGEST = 2**20
"""bytes of the file with the choices"""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A runtime and a precision: torch, onnx or openvino; float32, bfloat16 or int8.

    >>> str(Choice(runtime="openvino", precision="bfloat16"))
    'openvino, bfloat16'
    """

    runtime: str = "torch"
    precision: str = "float32"

    def __str__(self) -> str:
        return f"{self.runtime}, {self.precision}"


def run_by(
    path: Path, runtime: str, told: Callable[[str], object] = lambda text: None
) -> tuple[Path, Choice]:
    """The file that a runtime is given for a model, and what it is run by.

    Args:
        path: a model file, or an exported one.
        runtime: torch, onnx, openvino, or auto: that of an exported file, what `tune` kept for a model, else
            torch.
        told: of a copy that was made, as that takes a while.

    Raises:
        ValueError: for a model that cannot be run so.
        MissingExtra: when the runtime is not installed.
    """
    if exported.is_exported(path):
        own = exported.SUFFIXES[path.suffix.lower()]
        if runtime not in ("auto", own):
            raise ValueError(
                f"runtime must be auto or {own} for {path.name!r}, got {runtime!r}. Name the model that it "
                "was made of, or export that anew."
            )
        return path, Choice(runtime=own, precision=exported.facts(path).precision)
    choice = kept(path) if runtime == "auto" else Choice(runtime=runtime)
    return (path if choice.runtime == "torch" else ready(path, choice, told)), choice


def ready(path: Path, choice: Choice, told: Callable[[str], object] = lambda text: None) -> Path:
    """The exported copy of a model in the cache folder, made on first use; its graph is kept too."""
    folder = cache() / "exports"
    target = folder / f"{hash_of(path)[:32]}-{choice.precision}{SUFFIX[choice.runtime]}"
    if target.is_file():
        try:
            exported.facts(target)
            return target
        except (ValueError, OSError):
            pass  # damaged: it is made anew
    folder.mkdir(parents=True, exist_ok=True)
    first, began = Choice(runtime="onnx"), time.monotonic()
    base = ready(path, first) if choice != first else None
    export(Export(model=str(path), out=target, precision=choice.precision, overwrite=True), base=base)
    told(
        f"{path.stem} was exported for {choice}, once, in {time.monotonic() - began:.0f} s: the copy is kept "
        f"in {folder}"
    )
    return target


def keep(path: Path, choice: Choice, milliseconds: dict[str, float]) -> Path:
    """Keep a choice for a model on this machine; the file that it stands in."""
    file = cache() / "tuned.json"
    found = _choices() | {
        hash_of(path): asdict(choice) | {"machine": machine(), "name": path.stem, "ms": milliseconds}
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced(file) as opened:
        opened.write((json.dumps(found, indent=2) + "\n").encode())
    return file


def kept(path: Path) -> Choice:
    """What was kept for a model, if on this machine with these versions; else torch.

    >>> kept(Path("none.safetensors"))
    Choice(runtime='torch', precision='float32')
    """
    choices = _choices() if path.is_file() else {}
    found = choices.get(hash_of(path)) if choices else None
    if not isinstance(found, dict) or found.get("machine") != machine():
        return Choice()
    choice = Choice(runtime=str(found.get("runtime")), precision=str(found.get("precision")))
    known = choice.runtime in ("torch", *SUFFIX) and choice.precision in PRECISIONS
    return choice if known else Choice()


def machine() -> str:
    """What a measurement holds for: the processor, the threads, the versions."""
    packages = []
    for name in ("torch", "onnxruntime", "openvino"):
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join([_processor(), f"{torch.get_num_threads()} threads", *packages])


def _processor() -> str:
    """The name of the processor, where the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _choices() -> dict[str, Any]:
    """All that was kept; nothing where the file is missing or damaged."""
    file = cache() / "tuned.json"
    try:
        if file.stat().st_size > LARGEST:
            return {}
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
