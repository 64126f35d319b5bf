"""From a weight file of others to a network: names and shapes first, then values, then one network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from pellucid.models.zoo import own, theirs
from pellucid.models.zoo.foreign import Foreign
from pellucid.networks import weight_files
from pellucid.networks.weight_files import Weights

MOST = 2**27
"""values that are taken from a file, 512 MB of float32; NAFNet of width 64 has 116 million"""
SHARED = 2**20
"""values that may stand in a file under several names; all others are a byte or more of it each"""
PREFIXES = ("module.", "netG.", "_orig_mod.")
"""what trainers on several cards, and compilers, put before every name"""
_IN_USE: WeakValueDictionary[tuple[str, int, int, str], Foreign] = WeakValueDictionary()


def load(path: str | Path, device: torch.device | None = None) -> Foreign:
    """The network in a weight file, in evaluation mode.

    While somebody holds it, the same file gives the same network.

    Args:
        path: a .pth, .pt, .ckpt or .safetensors file as the authors publish it.
        device: where to; the CPU without one.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is damaged, or holds no network that is known here.
        MissingExtra: when the network is one that spandrel knows, and spandrel is not installed.
    """
    file, place = Path(path), device or torch.device("cpu")
    if not file.is_file():
        raise FileNotFoundError(f"model must be a file of weights, there is none at {str(path)!r}.")
    told = file.stat()
    key = (str(file.resolve()), told.st_mtime_ns, told.st_size, str(place))
    found = _IN_USE.get(key)
    if found is None:
        found = _read(file).eval().requires_grad_(False).to(place)
        _IN_USE[key] = found
    return found


def _read(file: Path) -> Foreign:
    try:
        with weight_files.opened(file) as (opened, kind):
            if kind in ("matlab", "arrays"):
                raise ValueError("it is a file of MATLAB or NumPy, which only DnCNN and FFDNet come in")
            held = _plain(weight_files.held(opened, kind, file))
            values = sum(math.prod(shape) for shape in held.shapes.values())
            weight_files.bounded(values, min(MOST, file.stat().st_size + SHARED))
            return _built(held)
    except (*weight_files.UNREADABLE, AssertionError) as error:
        if isinstance(error, ImportError):
            raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(
            f"model {file.name!r} is no weight file of a network that is known here ({reason}). Known are "
            "DnCNN, FFDNet, Restormer, CycleISP, DAGL, and with spandrel SwinIR, NAFNet, SCUNet, DRUNet and "
            "others; see docs/zoo.md."
        ) from error


def _built(held: Weights) -> Foreign:
    family = own.family_of(held.shapes)
    if family is not None:
        network, names = own.empty(family, held.shapes)
        given = _finite(held.take(names.values(), MOST))
        wanted = network.state_dict()
        fitting = {ours: given[theirs].reshape(wanted[ours].shape) for ours, theirs in names.items()}
        network.load_state_dict(fitting, assign=True)
        weights = sum(p.numel() for p in network.parameters())
        return Foreign(family.known(int(network.channels), weights), network)  # type: ignore[arg-type]
    architecture = theirs.find(held.shapes)
    if architecture is None:
        first = next(iter(held.shapes), "")
        raise ValueError(f"its {len(held.shapes)} weights, the first is {first[:60]!r}, fit no layout")
    return theirs.build(architecture, _finite(held.take(held.shapes, MOST)))


def _plain(held: Weights) -> Weights:
    """The weights under their own names, without what trainers put before all of them."""
    prefix = ""
    for start in PREFIXES:
        if held.shapes and all(name.startswith(prefix + start) for name in held.shapes):
            prefix += start
    if not prefix:
        return held
    cut = len(prefix)
    return Weights(
        {name[cut:]: shape for name, shape in held.shapes.items()},
        lambda names: {name[cut:]: value for name, value in held.read([prefix + n for n in names]).items()},
    )


def _finite(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Floats as float32.

    Raises:
        ValueError: where one is not finite.
    """
    found: dict[str, Tensor] = {}
    for name, value in values.items():
        found[name] = value.float() if value.is_floating_point() else value
        if not bool(torch.isfinite(found[name]).all()):
            raise ValueError(f"it holds numbers that are not finite, in {name!r}")
    return found
