"""Exported models: the graph of a network as ONNX or OpenVINO has it, with the same card inside.

>>> is_exported("model.onnx"), is_exported("model.xml"), is_exported("model.safetensors")
(True, True, False)
"""

from __future__ import annotations

import os
from pathlib import Path

from pellucid.models.exported import onnx_file, openvino_file
from pellucid.models.exported.facts import EXPORT, FORMAT, Facts
from pellucid.models.exported.running import Exported, network

SUFFIXES = {".onnx": "onnx", ".xml": "openvino"}
"""endings, and the runtime that such a file is for"""

__all__ = ["EXPORT", "FORMAT", "SUFFIXES", "Exported", "Facts", "facts", "is_exported", "network"]


def is_exported(path: str | os.PathLike[str]) -> bool:
    """Whether the name says that a file is one of these."""
    return Path(path).suffix.lower() in SUFFIXES


def facts(path: str | os.PathLike[str]) -> Facts:
    """What an exported file says about itself; it is looked at as a stranger's.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is damaged, asks for more than an export does, or has no card.
        MissingExtra: when the package that reads it is not installed.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"model must be a file, there is none at {str(path)!r}. Check the path.")
    return onnx_file.read(file) if file.suffix.lower() == ".onnx" else openvino_file.read(file)
