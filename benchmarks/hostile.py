"""Files of weights that mean harm: each is given to `pellucid denoise` as its model, in a process of its own.

    python benchmarks/hostile.py

What counts: the exit code is 2, one line is said, nothing in the file ran, no output appeared. Memory is the
peak of the process, interpreter, torch and the picture included.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import record
from pellucid.networks.cycleisp import CycleISP

MARK = "ran"
FILES: dict[str, tuple[str, Callable[[Path], None]]] = {}
RUN = r"""
import re, sys
from pellucid import cli
try:
    cli.main(["denoise", "noisy.png", "-o", "out.png", "--model", sys.argv[1]])
except SystemExit as end:
    peak = re.search(r"VmHWM:\s*(\d+)", open("/proc/self/status").read())[1]
    print(end.code, int(peak) // 1024)
"""


class Calls:
    """A pickle that touches a file when it is read."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path(MARK),)


class Asks:
    """A pickle that asks for 3 GB of zeros."""

    def __reduce__(self) -> tuple[object, ...]:
        return bytearray, (3 * 2**30,)


def file(ending: str, what: str) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    def kept(make: Callable[[Path], None]) -> Callable[[Path], None]:
        FILES[what] = (ending, make)
        return make

    return kept


def cycleisp() -> dict[str, torch.Tensor]:
    return CycleISP(3, features=8, groups=2, blocks=2, reduction=4).state_dict()


@file("pth", "a pickle that calls a function")
def _(path: Path) -> None:
    torch.save({"state_dict": Calls()}, path)


@file("pth", "the same in the old layout")
def _(path: Path) -> None:
    path.write_bytes(pickle.dumps({"a": Calls()}, 2))


@file("pth", "a pickle that asks for 3 GB")
def _(path: Path) -> None:
    path.write_bytes(pickle.dumps({"a": Asks()}, 2))


@file("safetensors", "a header of a terabyte")
def _(path: Path) -> None:
    path.write_bytes(struct.pack("<Q", 2**40) + b"{" + bytes(64))


@file("pth", "one value that stands for 2.4 billion")
def _(path: Path) -> None:
    torch.save({"head.0.weight": torch.zeros(1).expand(2**14, 2**14, 3, 3)}, path)


@file("pth", "a weight of another shape")
def _(path: Path) -> None:
    torch.save(cycleisp() | {"head.0.bias": torch.zeros(9)}, path)


@file("pth", "a weight that is missing")
def _(path: Path) -> None:
    torch.save({k: v for k, v in cycleisp().items() if k != "body.2.bias"}, path)


@file("pth", "weights that are no numbers")
def _(path: Path) -> None:
    torch.save(cycleisp() | {"tail.0.bias": torch.full((3,), torch.nan)}, path)


@file("pth", "a zip bomb of 2 GB in 2 MB")
def _(path: Path) -> None:
    plain = io.BytesIO()
    torch.save({"a.weight": torch.zeros(3)}, plain)
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            with new.open(name, "w", force_zip64=True) as entry:
                if name.endswith("data/0"):
                    for _ in range(2**11):
                        entry.write(bytes(2**20))
                else:
                    entry.write(old.read(name))


@file("npz", "arrays that unfold to 1 GB")
def _(path: Path) -> None:
    np.savez_compressed(path, **{"conv00.weight": np.zeros((2**14, 2**13, 1, 2), np.float32)})


@file("pth", "half of a file")
def _(path: Path) -> None:
    torch.save(cycleisp(), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def graph(path: Path, change: Callable[[object], None]) -> None:
    """A blur of 3 x 3 pixels as ONNX with its card, spoilt."""
    import onnx

    from pellucid.models import Card
    from pellucid.models.exported import Facts

    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    shape = ["batch", 3, "height", "width"]
    made = helper.make_graph(
        [helper.make_node("Conv", ["noisy", "w"], ["estimate"], pads=[1, 1, 1, 1], group=3)],
        "blur",
        [helper.make_tensor_value_info("noisy", kind, shape)],
        [helper.make_tensor_value_info("estimate", kind, shape)],
        [helper.make_tensor("w", kind, (3, 1, 3, 3), [1 / 9] * 27)],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    card = Card(method="n2n", config={}, channels=3)
    for key, text in Facts(card=card, conditioned=False, least=8).texts().items():
        model.metadata_props.add(key=key, value=text)
    change(model)
    path.write_bytes(model.SerializeToString())


@file("onnx", "values in /etc/passwd")
def _(path: Path) -> None:
    def change(model: object) -> None:
        tensor = model.graph.initializer[0]  # type: ignore[attr-defined]
        tensor.ClearField("float_data")
        tensor.data_location = 1
        tensor.external_data.add(key="location", value="../../etc/passwd")

    graph(path, change)


@file("onnx", "an operation of somebody's own library")
def _(path: Path) -> None:
    def change(model: object) -> None:
        model.graph.node[0].domain = "my.code"  # type: ignore[attr-defined]

    graph(path, change)


@file("onnx", "a tensor of ten billion values with none")
def _(path: Path) -> None:
    def change(model: object) -> None:
        model.graph.initializer[0].dims[:] = [1, 1, 100_000, 100_000]  # type: ignore[attr-defined]

    graph(path, change)


@file("onnx", "ten million empty messages")
def _(path: Path) -> None:
    nodes = b"\n\0" * 10_000_000
    size, head = len(nodes), bytearray(b"\x3a")
    while size >= 128:
        head.append(size & 127 | 128)
        size >>= 7
    path.write_bytes(bytes(head) + bytes([size]) + nodes)


def main() -> None:
    given = record.arguments(__doc__, "hostile").parse_args()
    out, result = record.destination(given), record.about(given, __doc__)
    result["rows"] = {}
    with tempfile.TemporaryDirectory(prefix="pellucid-hostile-") as name:
        folder = Path(name)
        noise = np.random.default_rng(0).normal(128, 20, (32, 32, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(noise).save(folder / "noisy.png")
        for number, (what, (ending, make)) in enumerate(list(FILES.items())[: given.limit]):
            path = folder / f"model{number}.{ending}"
            make(path)
            done = subprocess.run(
                [sys.executable, "-c", RUN, path.name],
                capture_output=True,
                text=True,
                cwd=folder,
                env=os.environ | {"OMP_NUM_THREADS": str(given.threads)},
                check=False,
            )
            code, peak = (int(word) for word in done.stdout.split()[-2:])
            lines = done.stderr.strip().splitlines()
            row = {
                "file_mb": round(path.stat().st_size / 2**20, 1),
                "exit_code": code,
                "says": lines[-1] if lines else "",
                "lines": len(lines),
                "peak_mb": peak,
                "ran": (folder / MARK).exists(),
                "wrote": (folder / "out.png").exists(),
            }
            row["refused"] = code == 2 and len(lines) == 1 and not row["ran"] and not row["wrote"]
            result["rows"][what] = row
            print(what, row, flush=True)
            record.save(out, result)
    bad = [what for what, row in result["rows"].items() if not row["refused"] or row["peak_mb"] > 1000]
    if bad:
        raise SystemExit(f"not refused as they should be: {', '.join(bad)}")


if __name__ == "__main__":
    main()
