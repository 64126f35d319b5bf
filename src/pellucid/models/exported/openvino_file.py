"""A pair of files of OpenVINO (.xml, .bin), looked at as a stranger's before any network is made of it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from pellucid import extras
from pellucid.models.exported.facts import EXPORT, FORMAT, Facts

MOST_XML, MOST = 2**24, 2**27
"""bytes of the two files"""
_NAMES = (
    "Abs Add AvgPool BatchNormInference Broadcast Clamp Concat Const Convert Convolution "
    "ConvolutionBackpropData DepthToSpace Divide FakeQuantize Gather Interpolate MVN MaxPool Maximum "
    "Minimum Multiply PReLU Pad Parameter Range ReLU ReduceMean Reshape Result ShapeOf Sigmoid Slice "
    "SpaceToDepth Split Sqrt Squeeze Subtract Tanh Transpose Unsqueeze VariadicSplit StridedSlice "
)
LAYERS = frozenset(_NAMES.split())


@cache
def core() -> Any:
    """The runtime of this process."""
    extras.need("openvino", "OpenVINO", "openvino")
    import openvino

    return openvino.Core()


def read(path: Path) -> Facts:
    """What the file says; see `contents`."""
    return contents(path)[1]


def contents(path: Path) -> tuple[Any, Facts]:
    """The network of a pair of files that holds nothing but what exports hold, and what it says of itself.

    Raises:
        FileNotFoundError: when there is no .bin beside it.
        ValueError: naming what is wrong.
        MissingExtra: when openvino is not installed.
    """
    extras.need("openvino", "A file of OpenVINO", "openvino")
    values = path.with_suffix(".bin")
    if not values.is_file():
        raise FileNotFoundError(f"model {path.name!r} has its values in {values.name!r}, which is not there.")
    if path.stat().st_size > MOST_XML or values.stat().st_size > MOST:
        raise ValueError(f"model {path.name!r} is larger than any export.")
    text = path.read_text(encoding="utf-8", errors="replace")
    if "<!" in text:
        raise ValueError(f"model {path.name!r} is refused: it declares more than data. Export it anew.")
    layers = re.findall(r"<layer\b[^>]*>", text)
    kinds = {kind for layer in layers for kind in re.findall(r"\stype\s*=\s*[\"']([^\"']*)", layer)}
    unknown = sorted(kinds - LAYERS)
    if unknown or not layers:
        what = f"the layer {unknown[0][:40]!r}, which exports do not have" if unknown else "no layers"
        raise ValueError(f"model {path.name!r} is refused: it holds {what}. Export the model anew.")
    try:
        model = core().read_model(str(path), str(values))
        texts = {
            key: str(model.get_rt_info([key]).astype(str))
            for key in (_key(FORMAT), _key(EXPORT))
            if model.has_rt_info([key])
        }
    except RuntimeError as error:
        words = " ".join(str(error).split())[-160:]
        raise ValueError(f"model {path.name!r} is damaged or no file of OpenVINO ({words}).") from error
    return model, Facts.of({_plain(key): text for key, text in texts.items()}, path.name)


def write(model: Any, facts: Facts, path: Path) -> None:
    """Write a network with its card, all values as they are, to `path` and the .bin beside it."""
    import openvino

    for key, text in facts.texts().items():
        model.set_rt_info(text, [_key(key)])
    openvino.save_model(model, str(path), compress_to_fp16=False)


def _key(key: str) -> str:
    """A key as a name of XML."""
    return key.replace(" ", "_")


def _plain(key: str) -> str:
    return key.replace("_", " ")
