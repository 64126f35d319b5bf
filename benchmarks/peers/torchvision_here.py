"""Lets torchvision load beside a torch without graphics card; import it before what imports torchvision.

The usual wheels of torchvision are for torch with CUDA. Beside a CPU build of torch their compiled part does
not load, and their Python part then fails for want of two operators, which no denoiser calls.
"""

from __future__ import annotations

import sys

import torch

try:
    import torchvision  # noqa: F401
except (RuntimeError, ImportError):
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    operators = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        operators.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
