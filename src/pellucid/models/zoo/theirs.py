"""SwinIR, NAFNet, SCUNet, DRUNet and what else spandrel knows that gives a picture of the same size."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from pellucid import extras
from pellucid.models.zoo.bounded import Bounded
from pellucid.models.zoo.foreign import Foreign, Known
from pellucid.steps import Tiling

WINDOW = 32
"""side of a window of attention, pixels, at most; those of the authors are 7 and 8"""
DRUNET_HALO = 192
"""pixels that a value of DRUNet depends on: 1 + 8 convolutions at full size on each way, 8 at each further
scale of 2, 4 and 8 pixels, and what the changes of scale round, 178 + 8, on the grid of 8"""


def find(shapes: Mapping[str, tuple[int, ...]]) -> Any:
    """The architecture in spandrel of these names and shapes, or None where it knows none.

    Raises:
        MissingExtra: when spandrel is not installed.
    """
    extras.need("zoo", "A weight file of this layout")
    seen = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    for support in registry().architectures("detection"):
        if support.architecture.detect(seen):
            return support.architecture
    return None


def build(architecture: Any, values: dict[str, Tensor]) -> Foreign:
    """The network of an architecture with its weights.

    Raises:
        ValueError: where it is none that gives back a picture of the same size; and whatever the architecture
            raises for weights that do not fit.
    """
    table = values.get("layers.0.residual_group.blocks.0.attn.relative_position_index")
    if table is not None and (table.ndim != 2 or max(table.shape) > WINDOW**2):
        raise ValueError(f"it has windows of more than {WINDOW} pixels")
    with Bounded(sum(tensor.numel() for tensor in values.values())):
        found = architecture.load(dict(values))
    channels = int(found.output_channels)
    if not hasattr(found, "scale") or found.scale != 1:
        raise ValueError(f"it is {architecture.id}, which does not give a picture of the same size")
    if found.input_channels != channels or channels not in (1, 3):
        raise ValueError(
            f"it is {architecture.id} with {found.input_channels} channels in and {channels} out, not 1 or 3"
        )
    network: nn.Module = found.model.eval().requires_grad_(False)
    known = _known(str(architecture.id), found, network, channels)
    told = known.name in ("SwinIR", "SCUNet", "NAFNet", "DRUNet", "DnCNN", "FDnCNN")
    # Of other networks only spandrel knows how they are called; it cuts values off at 0 and 1.
    return Foreign(known, network, None if told else found)


def _known(name: str, found: Any, network: Any, channels: int) -> Known:
    needs = found.size_requirements
    multiple, least = max(1, int(needs.multiple_of)), max(1, int(needs.minimum))
    tiling, levels = None, False
    if name == "SwinIR":
        multiple = math.lcm(multiple, int(network.window_size))
    elif name == "SCUNet":
        multiple = 64
    elif name == "NAFNet":
        multiple = int(network.padder_size)
    elif name == "DRUNet":
        levels = True
        tiling = Tiling(kind="exact", halo=DRUNET_HALO, stride=8)
    elif name == "DnCNN":
        levels = "FDnCNN" in found.tags
        convolutions = sum(isinstance(part, nn.Conv2d) for part in network.modules())
        tiling = Tiling(kind="exact", halo=convolutions)
    return Known(
        name="FDnCNN" if name == "DnCNN" and levels else name,
        channels=channels,
        levels=levels,
        multiple=multiple,
        least=least,
        tiling=tiling or Tiling(kind="approximate", halo=32, stride=multiple, side=512),
        weights=sum(p.numel() for p in network.parameters()),
        source="spandrel",
    )


def registry() -> Any:
    """The table of spandrel; the architectures of its second package, which are not free, are not in it."""
    with _torchvision():
        from spandrel import MAIN_REGISTRY
    return MAIN_REGISTRY


@contextmanager
def _torchvision() -> Iterator[None]:
    """A torchvision for the time of an import, where none can be loaded.

    The usual wheels of torchvision are for a torch with CUDA and do not load beside one without. Two of
    spandrel's architectures, for faces and for holes, name three of its functions and call them on use only.
    """
    if "spandrel" in sys.modules or _loads():
        yield
        return
    functional = ModuleType("torchvision.transforms.functional")
    functional.__dict__.update(
        normalize=None, rotate=None, InterpolationMode=SimpleNamespace(NEAREST=None, BILINEAR=None)
    )
    transforms, root = ModuleType("torchvision.transforms"), ModuleType("torchvision")
    transforms.__dict__["functional"], root.__dict__["transforms"] = functional, transforms
    stand_ins = {module.__name__: module for module in (root, transforms, functional)}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            sys.modules.pop(name, None)


def _loads() -> bool:
    """Whether torchvision can be imported; what a failed try leaves behind is taken away."""
    if "torchvision" not in sys.modules and find_spec("torchvision") is None:
        return False
    before = set(sys.modules)
    try:
        import_module("torchvision.transforms.functional")
    except (ImportError, RuntimeError):
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "torchvision":
                del sys.modules[name]
        return False
    return True
