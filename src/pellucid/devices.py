"""The only module that names accelerators; it also owns precision and thread counts."""

from __future__ import annotations

import os

import torch


def choose(name: str = "auto") -> torch.device:
    """The torch device for ``name``: ``auto`` (fastest present), ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    Raises:
        ValueError: when the name is unknown or that device is absent here.

    >>> choose("cpu")
    device(type='cpu')
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    present = {
        "cpu": True,
        "cuda": device.type == "cuda" and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if device.type not in present:
        raise ValueError(f"device must be auto, cpu, cuda, cuda:N or mps; got {name!r}.")
    if not present[device.type]:
        raise ValueError(f"device {name!r} is not present on this machine. Use device='auto' or 'cpu'.")
    return device


def limit_threads(count: int | None = None) -> int:
    """Set the number of CPU threads torch uses; None leaves it to OMP_NUM_THREADS or to torch. Returns it."""
    if count is not None and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, count))
    return torch.get_num_threads()
