"""pellucid: clear images with no clean data of your own.

The public names are loaded on first use, so that ``import pellucid`` stays quick and loads no torch.

>>> import numpy as np, pellucid
>>> flat = np.full((32, 32), 0.5, dtype=np.float32)
>>> noisy = flat + 0.1 * np.random.default_rng(0).standard_normal((32, 32)).astype(np.float32)
>>> clean = pellucid.denoise(noisy, "nlm", sigma=0.1)
>>> bool(np.std(clean - flat) < 0.5 * np.std(noisy - flat))
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid import methods as methods
    from pellucid.files import read as read
    from pellucid.files import write as write
    from pellucid.image import Image as Image
    from pellucid.noise.report import NoiseReport as NoiseReport
    from pellucid.run import Progress as Progress
    from pellucid.run import denoise as denoise
    from pellucid.run import inpaint as inpaint
    from pellucid.run import inspect as inspect
    from pellucid.run import restore as restore
    from pellucid.run import upscale as upscale
    from pellucid.steps import Method as Method
    from pellucid.steps import Result as Result
    from pellucid.training import train as train

__version__ = "0.1.0"

_WHERE = {
    "Image": "pellucid.image",
    "Method": "pellucid.steps",
    "NoiseReport": "pellucid.noise.report",
    "Progress": "pellucid.run",
    "Result": "pellucid.steps",
    "denoise": "pellucid.run",
    "inpaint": "pellucid.run",
    "inspect": "pellucid.run",
    "read": "pellucid.files",
    "restore": "pellucid.run",
    "train": "pellucid.training",
    "upscale": "pellucid.run",
    "write": "pellucid.files",
}

__all__ = [  # noqa: PLE0604, RUF100 - "methods" is the subpackage
    "Image",
    "Method",
    "NoiseReport",
    "Progress",
    "Result",
    "__version__",
    "denoise",
    "inpaint",
    "inspect",
    "methods",
    "read",
    "restore",
    "train",
    "upscale",
    "write",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name == "methods":
        return import_module("pellucid.methods")
    if name not in _WHERE:
        raise AttributeError(f"module 'pellucid' has no attribute {name!r}. It offers {', '.join(__all__)}.")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
