"""`manifest.json`: what was asked for, by which code, with which libraries, on which machine."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from pellucid.files.replace import replaced

NAME = "manifest.json"
PROTOCOL = 1
"""version of the protocol; numbers of different versions are not compared"""
PACKAGES = ("pellucid", "torch", "numpy", "scipy", "scikit-image", "pywavelets", "imagecodecs", "pillow")
MERGED = ("sets", "methods", "seeds")
RUN = (
    "command", "created", "commit", "source", "machine", "threads", "device",
    "sets", "label", "limit", "images", "crop",
)  # fmt: skip
"""what "runs" keeps of each: how it ran, and which sets it cut down how far"""
_SOURCE = Path(__file__).resolve().parents[1]
Manifest = dict[str, Any]


def make(command: Sequence[str], **asked: Any) -> Manifest:
    """The manifest of a run that begins.

    Args:
        command: as typed.
        asked: sets, methods, preset, seeds, limit, crop, device, threads, label ...
    """
    return {
        "protocol": PROTOCOL,
        "command": shlex.join(command),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **asked,
        "commit": commit(),
        "source": source(),
        "versions": versions(PACKAGES),
        "machine": machine(),
    }


def keep(folder: Path, manifest: Manifest) -> None:
    """Write it; what earlier runs into this folder asked for stays: lists are joined, commands go to "runs".

    Raises:
        ValueError: when the folder holds results of another protocol.
    """
    path = folder / NAME
    earlier: Manifest = {}
    if path.is_file():
        earlier = json.loads(path.read_text(encoding="utf-8"))
        if earlier.get("protocol") != manifest["protocol"]:
            raise ValueError(
                f"{folder} holds results of protocol {earlier.get('protocol')}, this code has "
                f"{manifest['protocol']}. Choose another -o."
            )
    short = {k: manifest[k] for k in RUN if k in manifest}
    joined = {
        name: list(dict.fromkeys([*earlier.get(name, []), *manifest[name]]))
        for name in MERGED
        if name in manifest
    }
    whole = manifest | joined | {"runs": [*earlier.get("runs", []), short]}
    with replaced(path) as file:
        file.write(json.dumps(whole, indent=1, ensure_ascii=False).encode() + b"\n")


@cache
def source() -> str:
    """A hash of the code of the package, so that results of other code are told apart."""
    digest = hashlib.sha256()
    for path in sorted(_SOURCE.rglob("*.py")):
        digest.update(path.relative_to(_SOURCE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@cache
def commit() -> str:
    """The commit of a checkout, with "+" where the source was changed since; "" for an installed package."""
    place = _SOURCE.parent
    if not (place.parent / ".git").exists():
        return ""
    try:
        done = [
            subprocess.run(
                ["git", *words], cwd=place, capture_output=True, text=True, check=True
            ).stdout.strip()
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--", "."])
        ]
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done[0] + ("+" if done[1] else "")


def versions(packages: Sequence[str]) -> dict[str, str | None]:
    """The versions of Python and of packages; None for one that is not installed."""
    return {"python": platform.python_version()} | {p: _version(p) for p in packages}


def machine() -> str:
    """Processor, cores and system, in words."""
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()}"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
