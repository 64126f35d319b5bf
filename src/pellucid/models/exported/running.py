"""An exported graph as a network: it is called as the torch network that it was made of."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid import devices, extras
from pellucid.models.exported import onnx_file, openvino_file
from pellucid.models.exported.facts import Facts
from pellucid.networks.padding import mirrored

Run = Callable[[dict[str, NDArray[np.float32]]], NDArray[np.float32]]
KEPT = 4
"""networks that stay ready, as making one takes a second"""
_READY: OrderedDict[tuple[Any, ...], Exported] = OrderedDict()
_LOCK = Lock()


class Exported(nn.Module):
    """An exported network behind the call of a torch network.

    Args:
        facts: of its file.
        run: from arrays by name to the estimate, all (N, C, H, W).
    """

    def __init__(self, facts: Facts, run: Run) -> None:
        super().__init__()
        self.facts, self._run = facts, run
        self.conditioned = facts.conditioned

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """The denoised (N, C, H, W), working units, any size.

        Args:
            noisy: (N, C, H, W).
            sigma: standard deviation of the noise, anything that broadcasts to the shape of noisy.

        Raises:
            ValueError: when it must be told the level, and is not.
        """
        height, width = noisy.shape[-2:]
        tall, wide = max(height, self.facts.least), max(width, self.facts.least)
        rows, columns = mirrored(height, tall), mirrored(width, wide)

        def array(values: Tensor) -> NDArray[np.float32]:
            if (tall, wide) != (height, width):
                values = values.expand_as(noisy).index_select(-2, rows).index_select(-1, columns)
            return np.ascontiguousarray(values.numpy(), dtype=np.float32)

        given = {"noisy": array(noisy.detach().cpu())}
        if self.conditioned:
            if sigma is None:
                raise ValueError("this model must be told the noise level, and none is known here.")
            given["sigma"] = array(sigma.detach().cpu())
        made = torch.from_numpy(self._run(given))
        top, left = (tall - height) // 2, (wide - width) // 2
        return made[..., top : top + height, left : left + width].to(noisy.device)


def network(path: str | os.PathLike[str]) -> Exported:
    """The network of an exported file, on as many threads as torch may use in this thread.

    It is kept ready for the next who asks, as long as the file is the same.

    Raises:
        ValueError: as `pellucid.models.exported.facts`.
    """
    file = Path(path).resolve()
    told, threads = file.stat(), torch.get_num_threads()
    key = (str(file), told.st_mtime_ns, told.st_size, threads)
    with _LOCK:
        if key in _READY:
            _READY.move_to_end(key)
            return _READY[key]
    made = (_onnx if file.suffix.lower() == ".onnx" else _openvino)(file, threads)
    with _LOCK:
        _READY[key] = made
        while len(_READY) > KEPT:
            _READY.popitem(last=False)
    return made


def _onnx(path: Path, threads: int) -> Exported:
    data, facts = onnx_file.contents(path)
    extras.need("onnx", "An ONNX file", "onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # cores of others stay theirs
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors are many classes without a public base
        if not type(error).__module__.startswith("onnxruntime"):
            raise
        words = " ".join(str(error).split())[:160]
        raise ValueError(f"model {path.name!r} is damaged: {words}. Export the model anew.") from error
    output = session.get_outputs()[0].name

    def run(given: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run([output], given)[0]
        return found

    return Exported(facts, run)


def _lower(precision: str) -> bool:
    """Whether floats are bfloat16: where that is asked for, and beside whole numbers where it is faster."""
    fast = devices.multiplies_bfloat16(torch.device("cpu"))
    return precision == "bfloat16" or (precision == "int8" and fast)


def _openvino(path: Path, threads: int) -> Exported:
    model, facts = openvino_file.contents(path)
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": "bf16" if _lower(facts.precision) else "f32",
    }
    try:
        compiled = openvino_file.core().compile_model(model, "CPU", settings)
    except RuntimeError as error:
        words = " ".join(str(error).split())[-160:]
        raise ValueError(f"model {path.name!r} is damaged: {words}. Export the model anew.") from error
    lock = Lock()  # one request is one memory: threads wait for each other

    def run(given: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        with lock:
            found: NDArray[np.float32] = np.array(compiled(given, share_inputs=True)[0], dtype=np.float32)
        return found

    return Exported(facts, run)
