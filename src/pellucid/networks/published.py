"""DnCNN and FFDNet with the public weights of others; which one a file holds is told by its content.

Every layout becomes the same plain list of convolutions, with batch normalisation folded in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from pellucid import seeds
from pellucid.networks import weight_files
from pellucid.networks.classics import DnCNN, FFDNet

Network = TypeVar("Network", DnCNN, FFDNet)


@dataclass(frozen=True)
class Convolution:
    """One convolution: weight (out, in, 3, 3) and bias (out,)."""

    weight: Tensor
    bias: Tensor


_COLUMNS = [0, 2, 1, 3]  # from MATLAB's order of the 2 x 2 phases, by columns, to PyTorch's, by rows


def load(path: str | Path) -> DnCNN | FFDNet:
    """The network in a weight file, in evaluation mode, on the CPU.

    Args:
        path: a .pth, .npz or MatConvNet .mat file, as the authors and others publish them.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is damaged, or holds another network.
    """
    convolutions, matlab = _read(Path(path))
    first, last = convolutions[0].weight.shape[1], convolutions[-1].weight.shape[0]
    depth, width = len(convolutions), convolutions[0].weight.shape[0]
    channels, rest = divmod(last, 4)
    with seeds.fixed(0, "published"):  # the weights that the constructors draw are all replaced
        if first == last and first in (1, 3) and 15 <= depth <= 20:
            return _fill(DnCNN(first, depth=depth, width=width), convolutions, path)
        if rest == 0 and channels in (1, 3) and first - last in (1, channels) and 8 <= depth <= 15:
            return _ffdnet(convolutions, channels, first - last, matlab, path)
    raise ValueError(
        f"model {Path(path).name!r} must hold DnCNN (1 or 3 channels in and out, 15 to 20 layers) or FFDNet "
        f"(5 in and 4 out, 13 or 15 in and 12 out, 8 to 15 layers), got {first} in, {last} out, "
        f"{depth} layers."
    )


def _read(path: Path) -> tuple[list[Convolution], bool]:
    """The convolutions in a file in their order, and whether MATLAB wrote it (2 x 2 phases by columns).

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is no such weight file, or a damaged one, with the reason.
    """
    if not path.is_file():
        raise FileNotFoundError(f"model must be a file of weights, there is none at {str(path)!r}.")
    try:
        with weight_files.opened(path) as (file, kind):
            if kind == "matlab":
                convolutions = _from_matconvnet(weight_files.matlab(file))
            else:
                held = weight_files.held(file, kind, path)
                # The shapes alone show what it cannot be; nothing is read for that.
                empty = {name: torch.empty(shape, device="meta") for name, shape in held.shapes.items()}
                _check(_from_names(empty))
                convolutions = _from_names(held.take(held.shapes))
        _check(convolutions)
        if not all(bool(c.weight.isfinite().all() and c.bias.isfinite().all()) for c in convolutions):
            raise ValueError("it holds numbers that are not finite")
    except weight_files.UNREADABLE as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise ValueError(
            f"model {path.name!r} is not a readable DnCNN or FFDNet weight file ({reason}). Expected the "
            "authors' .mat (MatConvNet, before v7.3), a .pth state dict, or an .npz of convolutions."
        ) from error
    return convolutions, kind == "matlab"


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
            result.append(Convolution(weight, group.get("bias", weight.new_zeros(weight.shape[0]))))
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
    if any(part.shape != conv.weight.shape[:1] for part in (scale, shift, mean, spread)):
        raise ValueError("a normalisation has another width than the convolution before it")
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
        previous = out


def _fill(network: Network, convolutions: list[Convolution], path: str | Path) -> Network:
    """Copy the weights; for the constructors' equal widths."""
    slots = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    for slot, conv in zip(slots, convolutions, strict=True):
        if slot.weight.shape != conv.weight.shape:
            raise ValueError(
                f"model {Path(path).name!r} must have layers of one width, got a convolution of shape "
                f"{tuple(conv.weight.shape)} instead of {tuple(slot.weight.shape)}."
            )
        slot.weight, slot.bias = nn.Parameter(conv.weight), nn.Parameter(conv.bias)
    network.eval().requires_grad_(False)
    return network


def _ffdnet(
    convolutions: list[Convolution], channels: int, maps: int, matlab: bool, path: str | Path
) -> FFDNet:
    """Find the convention by trial: files of one shape differ in it, and a wrong one cannot denoise.

    The level map comes first (Tassano) or last (Zhang); the chain gives the noise or the image.
    """
    clean, noisy = _probe(channels)
    best: tuple[float, FFDNet] | None = None
    for map_first, residual in product((True, False), (True, False)):
        network = FFDNet(
            channels,
            depth=len(convolutions),
            width=convolutions[0].weight.shape[0],
            map_channels=maps,
            residual=residual,
        )
        _fill(network, _ordered(convolutions, channels, maps, map_first, matlab), path)
        with torch.inference_mode():
            error = _inner_error(network(noisy, torch.tensor(25 / 255)), clean)
        if best is None or error < best[0]:
            best = (error, network)
    if best is None or not best[0] < 0.5 * _inner_error(noisy, clean):
        raise ValueError(
            f"model {Path(path).name!r} has the layers of FFDNet but removes no noise from a test pattern. "
            "Check that the file is whole."
        )
    return best[1]


def _inner_error(image: Tensor, clean: Tensor) -> float:
    """Mean square error away from the borders, where a network's zero padding shows."""
    return float((image - clean)[..., 6:-6, 6:-6].square().mean())


def _ordered(
    convolutions: list[Convolution], channels: int, maps: int, map_first: bool, matlab: bool
) -> list[Convolution]:
    """The convolutions with inputs (phases by rows, then the map) and outputs as `FFDNet` has them."""
    phases = torch.arange(4 * channels)
    if matlab:
        phases = phases.view(channels, 4)[:, _COLUMNS].flatten()
    offset = maps if map_first else 0
    levels = torch.arange(maps) + (0 if map_first else 4 * channels)
    inputs = torch.cat([phases + offset, levels])
    first, last = convolutions[0], convolutions[-1]
    return [
        Convolution(first.weight[:, inputs], first.bias),
        *convolutions[1:-1],
        Convolution(last.weight[phases], last.bias[phases]),
    ]


def _probe(channels: int) -> tuple[Tensor, Tensor]:
    """A test pattern with slopes of many directions, and the same with noise of 25/255."""
    down, across = torch.meshgrid(torch.linspace(-1, 1, 48), torch.linspace(-1, 1, 48), indexing="ij")
    clean = (0.5 + 0.3 * torch.sin(9 * down) * torch.cos(5 * across)).expand(1, channels, 48, 48)
    noise = torch.randn(clean.shape, generator=seeds.generator(0, "probe"))
    return clean, clean + 25 / 255 * noise
