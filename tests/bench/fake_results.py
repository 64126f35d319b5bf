"""Small results folders as `bench run` writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def line(method: str, image: str, **changes: Any) -> dict[str, Any]:
    """One finished cell."""
    return {
        "key": f"{method} {image}",
        "source": "aaaa",
        "set": "Set9:gaussian:25",
        "image": image,
        "seed": 0,
        "method": method,
        "preset": "fast",
        "crop": 64,
        "oracle": "@" in method,
        "psnr": 30.0,
        "ssim": 0.9,
        "noisy_psnr": 20.0,
        "noisy_ssim": 0.4,
        "seconds": 2.0,
        "cpu_seconds": 1.9,
        "peak_mb": 300.0,
        "iterations": 1,
        "stopped": "finished",
        "file": None,
        "clean": None,
        "noisy": None,
        "error": None,
        "skipped": None,
    } | changes


def folder(root: Path, lines: list[dict[str, Any]], **manifest: Any) -> Path:
    """Write the two files."""
    root.mkdir(parents=True, exist_ok=True)
    about = {"protocol": 1, "command": "pellucid bench run", "label": "", "seeds": [0], "threads": 1}
    (root / "manifest.json").write_text(json.dumps(about | manifest))
    (root / "cells.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in lines))
    return root
