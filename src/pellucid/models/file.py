"""The file itself: tensors by name in safetensors, with the card as JSON in its header."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from pellucid.files.replace import replaced
from pellucid.models import exported
from pellucid.models.card import Card

FORMAT = "pellucid model 1"
"""the one key of the metadata: several would come in any order, and equal models differ in their bytes"""
HEADER = 2**22
"""bytes of a header, which is read as a whole; the values are never more than the file has bytes for"""
_ADVICE = "Expected a file that `pellucid train` wrote."
_OTHERS = (
    "holds weights of another program: it has no card. `pellucid denoise --model FILE` takes those of the "
    "networks in docs/zoo.md; here a file is expected that `pellucid train` wrote."
)


def is_model(path: str | os.PathLike[str]) -> bool:
    """Whether the name says that a file is one of these.

    >>> is_model("frames.safetensors"), is_model("ffdnet.pth")
    (True, False)
    """
    return Path(path).suffix.lower() == ".safetensors"


def of_others(path: str | os.PathLike[str]) -> bool:
    """Whether a file holds weights of another program: by its name, or as it has no card.

    A damaged file of ours is ours, so that its reader says what is wrong with it.

    >>> of_others("ffdnet.pth"), of_others("frames.safetensors")
    (True, False)
    """
    if not is_model(path):
        return not exported.is_exported(path)
    try:
        with Path(path).open("rb") as raw:
            if int.from_bytes(raw.read(8), "little") > HEADER:
                return False
        with safe_open(path, framework="pt") as opened:
            metadata: dict[str, str] = opened.metadata() or {}
    except (SafetensorError, OSError, ValueError, RuntimeError):
        return False
    return not any(key.startswith("pellucid model") for key in metadata)


def write(
    path: str | os.PathLike[str],
    card: Card,
    weights: Mapping[str, Tensor],
    *,
    half: bool = False,
    overwrite: bool = True,
) -> Path:
    """Write a model file; it appears whole or not at all.

    Args:
        path: ends in .safetensors.
        card: what it says about itself.
        weights: the state dict of the network.
        half: keep 16 bits of the floats, which halves the file.
        overwrite: whether a file that is there may be replaced.

    Raises:
        ValueError: for another ending, or weights that are not finite.
        OSError: when it cannot be written.
    """
    target = Path(path)
    if not is_model(target):
        raise ValueError(f"a model file must end in .safetensors, got {target.name!r}. Rename it.")
    tensors: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        plain = tensor.detach().to("cpu", copy=True)
        plain = plain.half() if half and plain.is_floating_point() else plain
        if not bool(torch.isfinite(plain).all()):
            raise ValueError(
                f"weights must be finite, {name} is not. The training went wrong; lower the rate."
            )
        tensors[name] = plain.contiguous()
    data = save(tensors, metadata={FORMAT: card.to_json()})
    with replaced(target, overwrite=overwrite) as file:
        file.write(data)
    return target


def read_card(path: str | os.PathLike[str]) -> Card:
    """The card of a model file or of an exported one; the weights of the first stay on the disk.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is damaged, or no model file of pellucid.
    """
    return exported.facts(path).card if exported.is_exported(path) else _read(path, weights=False)[0]


def read(path: str | os.PathLike[str]) -> tuple[Card, dict[str, Tensor]]:
    """The card and the weights (floats as float32) of a model file, on the CPU.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is damaged, or no model file of pellucid.
    """
    return _read(path, weights=True)


def _read(path: str | os.PathLike[str], *, weights: bool) -> tuple[Card, dict[str, Tensor]]:
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"model must be a file, there is none at {str(path)!r}. Check the path.")
    if not is_model(file):
        raise ValueError(f"model {file.name!r} {_OTHERS}")
    tensors: dict[str, Tensor] = {}
    try:
        with file.open("rb") as raw:
            length = int.from_bytes(raw.read(8), "little")
        if length > HEADER:
            raise ValueError(f"its header has {length:,} bytes, more than {HEADER:,}")
        with safe_open(file, framework="pt") as opened:
            metadata: dict[str, Any] = opened.metadata() or {}
            if weights:
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        words = " ".join(str(error).split())[:160]
        raise ValueError(
            f"model {file.name!r} is damaged, incomplete or no safetensors file ({words}). {_ADVICE}"
        ) from error
    found = next((key for key in metadata if key.startswith("pellucid model")), None)
    if found is None:
        raise ValueError(f"model {file.name!r} {_OTHERS}")
    if found != FORMAT:
        raise ValueError(
            f"model {file.name!r} must be of the format {FORMAT!r}, got {found[:40]!r}. Update pellucid."
        )
    try:
        card = Card.from_json(metadata[FORMAT])
    except ValueError as error:
        raise ValueError(f"model {file.name!r} has a card that is not valid: {error} {_ADVICE}") from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point():
            tensors[name] = tensor.float()
            if not bool(torch.isfinite(tensors[name]).all()):
                raise ValueError(
                    f"model {file.name!r} holds numbers that are not finite, in {name}. {_ADVICE}"
                )
    return card, tensors
