"""An ONNX graph with 8-bit convolutions, made in a process of its own as its calibrator logs and warns.

What lies between the first convolution and the last is worked on in whole numbers of 8 bits, by factors that
noisy pictures give. The first and the last keep floats, and so does the sum in which the picture itself goes
past the network: the residual is rounded, never the picture.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid import extras, files
from pellucid.exporting import graph, pictures
from pellucid.files.formats import SUFFIXES
from pellucid.models.exported import Facts
from pellucid.noise import analysis

KINDS = ("Conv", "ConvTranspose")
MOST = 16
"""pictures of a folder"""
CROP = 256
"""side of what is taken of each, pixels"""
LONGEST = 1800.0
"""seconds that it may take"""
Given = list[tuple[Tensor, float]]


def quantise(source: Path, facts: Facts, out: Path, data: Path | None) -> Facts:
    """Write the 8-bit form of a graph.

    Args:
        source: the graph in floats.
        facts: what is known of it.
        out: what to write.
        data: a folder of noisy pictures; None for those of scikit-image with noise of the levels of the card.

    Raises:
        ValueError: when there is no picture of its channels, or the graph has too few convolutions.
        MissingExtra: when onnxruntime is not installed.
    """
    extras.need("onnx", "Calibrating int8", "onnx", "onnxruntime")
    given = _drawn(facts) if data is None else list(_measured(data, facts.card.channels))
    with tempfile.TemporaryDirectory(prefix="pellucid-calibrate-") as folder:
        stored = Path(folder, "pictures.npz")
        arrays: dict[str, Any] = {f"picture{i}": noisy.numpy() for i, (noisy, _) in enumerate(given)}
        np.savez(stored, levels=np.array([level for _, level in given], np.float32), **arrays)
        command = [sys.executable, "-P", "-W", "ignore", "-m", __spec__.name]
        command += [str(path) for path in (source, stored, out)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    if done.returncode or not out.is_file():
        words = " ".join(done.stderr.strip().splitlines()[-1:])[:300]
        raise ValueError(f"the graph cannot be quantised: {words or 'no reason was given'}")
    import onnx

    made = replace(facts, precision="int8")
    graph.save(onnx.load(str(out), load_external_data=False), made, out)
    return made


def _drawn(facts: Facts) -> Given:
    """Three levels of noise on each picture of scikit-image."""
    channels = facts.card.channels
    return [
        (pictures.noisy(pictures.clean(channels, name, side=CROP), level, seed=seed), level)
        for name in pictures.NAMES
        for seed, level in enumerate(pictures.levels(facts.card, 3))
    ]


def _measured(folder: Path, channels: int) -> Iterator[tuple[Tensor, float]]:
    """The middles of pictures in a folder, each with the level of its noise."""
    if not folder.is_dir():
        raise FileNotFoundError(f"data must be a folder of noisy pictures, there is none at {str(folder)!r}.")
    found = 0
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)[:MOST]:
        image = files.read(path)
        pixels = torch.from_numpy(np.array(image.pixels[:1]))
        if channels == 1:
            pixels = pixels[:, :1]
        if pixels.shape[1] != channels:
            continue
        top, left = (max(0, (side - CROP) // 2) for side in pixels.shape[-2:])
        part = pixels[..., top : top + CROP, left : left + CROP].contiguous()
        found += 1
        yield part, analysis.analyse(part, color=image.color, scale=image.scale).level
    if not found:
        raise ValueError(f"there is no picture of {channels} channels in {str(folder)!r} to calibrate on.")


class _Reader:
    """Hands the calibrator one picture after the other."""

    def __init__(self, stored: Mapping[str, NDArray[np.float32]], told: bool) -> None:
        levels = stored["levels"]
        self._rest = iter([(stored[f"picture{i}"], levels[i]) for i in range(len(levels))])
        self._told = told

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The inputs of the next run, or None at the end."""
        for noisy, level in self._rest:
            told = {"sigma": np.full((1, 1, 1, 1), level, np.float32)} if self._told else {}
            return {"noisy": noisy, **told}
        return None


def _make(source: Path, stored: Path, out: Path) -> None:
    """The work of that process."""
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    model = onnx.load(str(source), load_external_data=False)
    layers = [node.name for node in model.graph.node if node.op_type in KINDS]
    if len(layers) < 3:
        raise ValueError(f"it has {len(layers)} convolutions, and the first and the last stay as they are")
    told = any(one.name == "sigma" for one in model.graph.input)
    with np.load(stored, allow_pickle=False) as arrays:
        quantize_static(
            str(source),
            str(out),
            _Reader(arrays, told),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(KINDS),
            nodes_to_exclude=[layers[0], layers[-1]],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


def main() -> None:
    """Quantise what the command line names."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    _make(*map(Path, sys.argv[1:]))


if __name__ == "__main__":
    main()
