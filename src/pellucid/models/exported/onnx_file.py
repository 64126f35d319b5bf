"""An ONNX file, looked at as a stranger's before any runtime sees it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import extras
from pellucid.models.exported import wire
from pellucid.models.exported.facts import Facts

MOST = 2**27
"""bytes of a file, which stands in memory three times while it is looked at"""
_NAMES = (
    "Abs Add AveragePool BatchNormalization Cast Clip Concat Constant Conv ConvTranspose DepthToSpace "
    "DequantizeLinear Div Expand Flatten Gather Identity InstanceNormalization LeakyRelu Max MaxPool "
    "Min Mul PRelu Pad QuantizeLinear Range Relu Reshape Resize Shape Sigmoid Slice SpaceToDepth "
    "Split Sqrt Squeeze Sub Tanh Transpose Unsqueeze "
)
OPERATIONS = frozenset(_NAMES.split())
"""what exports are made of: no loop, no branch, nothing that is made from a size alone"""
SIDE = 2**16
"""largest whole number that may stand for a size; the ends of the range, which a slice uses, are others"""
ENDS = 2**31 - 1
SIZES = 2**16
"""most whole numbers of a tensor that are no weights"""


def read(path: Path) -> Facts:
    """What the file says; see `contents`."""
    return contents(path)[1]


def contents(path: Path) -> tuple[bytes, Facts]:
    """The bytes of a file that holds nothing but what exports hold, and what it says about itself.

    Values in other files, operations that exports do not have, nested graphs, and tensors whose shape their
    bytes do not fill are refused.

    Raises:
        ValueError: naming what is wrong.
        MissingExtra: when onnx is not installed.
    """
    extras.need("onnx", "An ONNX file", "onnx")
    if path.stat().st_size > MOST:
        raise ValueError(f"model {path.name!r} has more than {MOST >> 20} MB, which no export has.")
    import onnx

    data = path.read_bytes()
    try:
        wire.check(data, onnx.ModelProto.DESCRIPTOR)
        model = onnx.ModelProto.FromString(data)
        _check(model)
    except ValueError as error:
        raise ValueError(f"model {path.name!r} is refused: {error}. Export the model anew.") from error
    except Exception as error:  # protobuf's own kind of error, which has no public base
        if type(error).__name__ != "DecodeError":
            raise
        raise ValueError(f"model {path.name!r} is damaged or no ONNX file. Export the model anew.") from error
    facts = Facts.of({entry.key: entry.value for entry in model.metadata_props}, path.name)
    inputs = {one.name for one in model.graph.input}
    if inputs != ({"noisy", "sigma"} if facts.conditioned else {"noisy"}) or len(model.graph.output) != 1:
        raise ValueError(f"model {path.name!r} has other inputs than its card says. Export the model anew.")
    return data, facts


def _check(model: Any) -> None:
    """Refuse what exports do not hold."""
    if model.functions or model.training_info:
        raise ValueError("it holds functions or a training")
    if any(opset.domain not in ("", "ai.onnx") for opset in model.opset_import):
        raise ValueError("it asks for operations beyond those of ONNX")
    if model.graph.sparse_initializer:
        raise ValueError("it holds sparse tensors")
    for node in model.graph.node:
        if node.domain not in ("", "ai.onnx") or node.op_type not in OPERATIONS:
            whose = f" of {node.domain[:40]!r}" if node.domain else ""
            raise ValueError(
                f"it holds the operation {node.op_type[:40]!r}{whose}, which exports do not have"
            )
        if any(a.HasField("g") or a.graphs or a.HasField("sparse_tensor") for a in node.attribute):
            raise ValueError("it holds a graph within the graph")
    weights = {node.input[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    for tensor in _tensors(model.graph):
        _check_tensor(tensor, size=tensor.name not in weights)


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _check_tensor(tensor: Any, *, size: bool) -> None:
    """Refuse a tensor that is not what it says.

    Args:
        tensor: as the file has it.
        size: whether whole numbers in it may stand for a size; 8-bit weights and their sums do not.
    """
    import onnx

    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise ValueError("its values lie in another file, which is not opened")
    kinds = onnx.helper.get_all_tensor_dtypes()
    if tensor.data_type not in kinds or any(d < 0 for d in tensor.dims):
        raise ValueError("it holds a tensor of no known kind")
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    count = math.prod(tensor.dims)
    held = len(tensor.raw_data) // max(dtype.itemsize, 1)
    held += len(tensor.float_data) + len(tensor.int32_data) + len(tensor.int64_data) + len(tensor.double_data)
    if held != count:
        raise ValueError(f"a tensor says that it has {count} values, and there are {held}")
    whole = size and dtype.kind in "iu" and dtype.itemsize >= 4
    if whole and count > SIZES:
        raise ValueError("it holds more whole numbers than any network has")
    values = onnx.numpy_helper.to_array(tensor)
    if values.dtype.kind == "f" and not bool(np.isfinite(values).all()):
        raise ValueError("it holds numbers that are not finite")
    if whole:
        sizes = np.abs(values[(values > -ENDS) & (values < ENDS)].astype(np.float64))
        if sizes.size and (sizes.max() > SIDE or np.prod(np.maximum(sizes, 1)) > SIDE**1.5):
            raise ValueError("it holds a size that no network has")
