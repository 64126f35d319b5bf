"""Weight files of others, read without running anything in them: .pth, .npz and MatConvNet's .mat.

Every layout becomes the same plain list of convolutions, with batch normalisation folded in.
"""

from __future__ import annotations

import pickle
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.io import loadmat
from torch import Tensor

# what readers of foreign or damaged files raise; anything else is a fault of ours and is not hidden
_UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ImportError,
    RuntimeError,
    NotImplementedError,
    EOFError,
    OSError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
)


@dataclass(frozen=True)
class Convolution:
    """One convolution: weight (out, in, 3, 3) and bias (out,)."""

    weight: Tensor
    bias: Tensor


@dataclass(frozen=True)
class Layers:
    """The convolutions of a file in their order, and whether MATLAB wrote it (2 x 2 phases by columns)."""

    convolutions: list[Convolution]
    matlab: bool


def read(path: str | Path) -> Layers:
    """The convolutions in a file; its kind is told by its content, not by its name.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is no such weight file, or a damaged one, with the reason.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"model must be a file of weights, there is none at {str(path)!r}.")
    try:
        with path.open("rb") as file:
            start = file.read(128)
        matlab = start.startswith(b"MATLAB")
        if matlab:
            convolutions = _from_matconvnet(loadmat(path))
        elif zipfile.is_zipfile(path) and _holds_arrays(path):
            with np.load(path, allow_pickle=False) as arrays:
                tensors = {name: torch.from_numpy(np.array(arrays[name])) for name in arrays}
            convolutions = _from_names(tensors)
        else:
            convolutions = _from_names(_state(torch.load(path, map_location="cpu", weights_only=True)))
        _check(convolutions)
    except _UNREADABLE as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise ValueError(
            f"model {path.name!r} is not a readable DnCNN or FFDNet weight file ({reason}). Expected the "
            "authors' .mat (MatConvNet, before v7.3), a .pth state dict, or an .npz of convolutions."
        ) from error
    return Layers(convolutions, matlab)


def _holds_arrays(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith(".npy") for name in archive.namelist())


def _state(loaded: Any) -> Mapping[str, Tensor]:
    """The state dict itself, out of the wrappers that trainers put around it."""
    for key in ("state_dict", "params", "model"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    if not isinstance(loaded, Mapping) or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise ValueError("it holds no dictionary of tensors")
    return loaded


def _from_names(tensors: Mapping[str, Tensor]) -> list[Convolution]:
    """Order the tensors by the numbers in their names and fold batch normalisation."""
    groups: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        stem, _, kind = name.rpartition(".")
        groups.setdefault(stem, {})[kind] = tensor.float()
    result: list[Convolution] = []
    for stem in sorted(groups, key=lambda s: [int(n) for n in re.findall(r"\d+", s)]):
        group = groups[stem]
        if "running_mean" in group:
            spread = (group["running_var"] + 1e-5).sqrt()  # PyTorch's default epsilon
            result[-1] = _fold(result[-1], group["weight"], group["bias"], group["running_mean"], spread)
        elif "weight" in group and group["weight"].ndim == 4:
            weight = group["weight"]
            result.append(Convolution(weight, group.get("bias", torch.zeros(weight.shape[0]))))
        else:
            raise ValueError(f"{stem or 'a tensor'!r} is neither a convolution nor a normalisation")
    return result


def _from_matconvnet(content: Mapping[str, Any]) -> list[Convolution]:
    """The `net.layers` of MatConvNet: kernels are (height, width, in, out)."""
    result: list[Convolution] = []
    for cell in content["net"][0, 0]["layers"].ravel():
        layer = cell[0, 0]
        kind = str(layer["type"].ravel()[0])
        if kind in ("conv", "bnorm"):
            names = layer.dtype.names or ()
            parts = layer["weights"].ravel() if "weights" in names else (layer["filters"], layer["biases"])
            arrays = [torch.from_numpy(np.array(part, dtype=np.float32)) for part in parts]
            if kind == "bnorm":
                mean, spread = (
                    arrays[2][:, 0],
                    arrays[2][:, 1],
                )  # MatConvNet stores the root, epsilon included
                result[-1] = _fold(result[-1], arrays[0].flatten(), arrays[1].flatten(), mean, spread)
                continue
            kernel = arrays[0] if arrays[0].ndim == 4 else arrays[0][..., None]  # MATLAB drops a last 1
            result.append(Convolution(kernel.permute(3, 2, 0, 1).contiguous(), arrays[1].flatten()))
    return result


def _fold(conv: Convolution, scale: Tensor, shift: Tensor, mean: Tensor, spread: Tensor) -> Convolution:
    """The convolution that does what it and the normalisation after it did."""
    factor = scale / spread
    return Convolution(conv.weight * factor.view(-1, 1, 1, 1), (conv.bias - mean) * factor + shift)


def _check(convolutions: list[Convolution]) -> None:
    if not convolutions:
        raise ValueError("it holds no convolution")
    previous = convolutions[0].weight.shape[1]
    for i, conv in enumerate(convolutions, start=1):
        out, inside, *kernel = conv.weight.shape
        if kernel != [3, 3] or inside != previous or conv.bias.shape != (out,):
            raise ValueError(
                f"convolution {i} of shape {tuple(conv.weight.shape)} does not fit the one before"
            )
        if not bool(conv.weight.isfinite().all() and conv.bias.isfinite().all()):
            raise ValueError(f"convolution {i} holds numbers that are not finite")
        previous = out
