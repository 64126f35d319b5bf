"""Weight files of others: what they declare is known, and bounded, before a value is read or a line is run.

A file says what it holds in a few bytes, and small files can unfold to gigabytes. So names and shapes are
read first (`Weights.shapes`), whoever asked judges them, and only then values are taken, never more than
`MOST`.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from scipy.io import loadmat
from torch import Tensor

from pellucid.files.npy import header

MOST = 2**24
"""values that are taken from a file, 64 MB of float32; DnCNN has 0.7 million, VGG-16 up to relu3_3 1.7"""
LARGEST = 2**30
"""bytes of a file; torchvision's VGG-16, with the layers that are not used, has 0.55 billion"""
ENTRIES = 10_000
"""names in a file"""
UNFOLDED = 2**25
"""bytes in a MATLAB file that is compressed"""
PICKLED = 2**22
"""bytes of what a PyTorch file says about its tensors"""

# What readers of foreign or damaged files raise; anything else is a fault of ours and is not hidden.
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)

_TENSORS = {
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    *(("torch", f"{kind}Storage") for kind in ("Float", "Half", "BFloat16", "Double", "Long", "Int", "Byte")),
}
"""what the pickle of a state dict calls; torch allows itself more, among it what can ask for any memory"""


@dataclass(frozen=True)
class Weights:
    """A file of tensors whose values are not read yet.

    Attributes:
        shapes: by name.
        read: the values of the names given.
    """

    shapes: Mapping[str, tuple[int, ...]]
    read: Callable[[Iterable[str]], dict[str, Tensor]]

    def take(self, names: Iterable[str], most: int = MOST) -> dict[str, Tensor]:
        """The tensors of these names.

        Raises:
            KeyError: when one is not there.
            ValueError: when they are more than `most` values.
        """
        wanted = list(names)
        bounded(sum(math.prod(self.shapes[name]) for name in wanted), most)
        return self.read(wanted)


def bounded(values: int, most: int = MOST) -> None:
    """Raise a ValueError for more values than are taken from a file.

    >>> bounded(10)
    """
    if values > most:
        raise ValueError(f"it declares {values:,} values, more than {most:,}")


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, str]]:
    """A weight file and its kind by content: "matlab", "arrays" (.npz), "safetensors" or "tensors" (.pth).

    Raises:
        ValueError: when it is larger than `LARGEST`.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size > LARGEST:
            raise ValueError(f"it has {size:,} bytes, more than {LARGEST:,}")
        file.seek(0)
        start = file.read(9)
        if start[:6] == b"MATLAB":
            yield file, "matlab"
        elif start[8:] == b"{" and int.from_bytes(start[:8], "little") <= size - 8:
            yield file, "safetensors"
        elif zipfile.is_zipfile(file) and any(name.endswith(".npy") for name in _entries(file)):
            yield file, "arrays"
        else:
            file.seek(0)
            yield file, "tensors"


def held(file: BinaryIO, kind: str, path: Path) -> Weights:
    """The tensors of an open file of a kind that has names for them: all but "matlab"."""
    if kind == "arrays":
        return arrays(file)
    return safe(file, path) if kind == "safetensors" else tensors(file, path)


def _entries(file: BinaryIO) -> dict[str, zipfile.ZipInfo]:
    """What a zip archive holds, by name."""
    with zipfile.ZipFile(file) as archive:
        found = {entry.filename: entry for entry in archive.infolist()}
    if len(found) > ENTRIES:
        raise ValueError(f"it holds {len(found):,} entries, more than {ENTRIES:,}")
    if any(e.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for e in found.values()):
        raise ValueError("it is compressed in an unusual way")
    return found


def arrays(file: BinaryIO) -> Weights:
    """The arrays of an .npz file; only their heads are read."""
    found: dict[str, tuple[int, ...]] = {}
    with zipfile.ZipFile(file) as archive:
        for name, entry in _entries(file).items():
            with archive.open(entry) as opened:
                shape, _, dtype, start = header(opened)
            if dtype.kind not in "fiu" or start + math.prod(shape) * dtype.itemsize != entry.file_size:
                raise ValueError(f"{name!r} is no array of numbers, or ends early")
            found[name.removesuffix(".npy")] = shape

    def read(names: Iterable[str]) -> dict[str, Tensor]:
        values = {}
        with zipfile.ZipFile(file) as archive:
            for name in names:
                with archive.open(f"{name}.npy") as opened:
                    shape, fortran, dtype, _ = header(opened)
                    content = opened.read(math.prod(shape) * dtype.itemsize)
                array = np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")
                values[name] = torch.from_numpy(np.array(array, dtype.newbyteorder("=")))
        return values

    return Weights(found, read)


def safe(file: BinaryIO, path: Path) -> Weights:
    """The tensors of a safetensors file; its header is read alone, and says where each lies."""
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if length > PICKLED:
        raise ValueError(f"its header has {length:,} bytes, more than {PICKLED:,}")
    try:
        with safe_open(path, framework="pt") as held:
            names = list(held.keys())
            found = {name: tuple(held.get_slice(name).get_shape()) for name in names}
    except SafetensorError as error:
        raise ValueError(f"it is no whole safetensors file: {error}") from error

    def read(names: Iterable[str]) -> dict[str, Tensor]:
        with safe_open(path, framework="pt") as held:
            return {name: held.get_tensor(name) for name in names}

    return Weights(found, read)


WRAPPERS = ("state_dict", "model_state_dict", "params_ema", "params", "model", "net")
"""the names under which trainers put the weights; of two sets of weights the first here is the one meant"""


def tensors(file: BinaryIO, path: Path) -> Weights:
    """The state dict in a PyTorch file, also within the wrappers that trainers put around it.

    Its pickle may only build tensors; they are built without values first.
    """
    file.seek(0)
    zipped = file.read(4) == b"PK\3\4"  # as torch tells: another file may end in an archive all the same
    if zipped:
        _check_archive(file)
    else:
        file.seek(0)
        for _ in range(5):  # the old layout: magic number, version, system, the tensors, the storages' names
            _check_pickle(file)

    def loaded(device: str) -> Mapping[str, Tensor]:
        content = torch.load(path, map_location=device, weights_only=True, mmap=zipped and device == "cpu")
        for key in WRAPPERS:
            if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
                content = content[key]
        if not isinstance(content, Mapping) or not all(isinstance(v, Tensor) for v in content.values()):
            raise ValueError("it holds no dictionary of tensors")
        return content

    def read(names: Iterable[str]) -> dict[str, Tensor]:
        content = loaded("cpu")
        return {name: content[name].clone() for name in names}

    return Weights({name: tuple(value.shape) for name, value in loaded("meta").items()}, read)


def _check_archive(file: BinaryIO) -> None:
    """PyTorch stores values as they are: an archive that unfolds is none of its files.

    What is checked must be what torch reads, and its reader takes names that differ in case for the same.
    """
    entries = _entries(file)
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
        raise ValueError("it is compressed, which PyTorch's files are not")
    with zipfile.ZipFile(file) as archive:
        if archive.start_dir != _list_of_entries(file):
            raise ValueError("it holds more than one list of its entries")
        named = [entry.orig_filename.lower() for entry in archive.infolist()]
        if len(set(named)) < len(named):
            raise ValueError("it holds several entries of one name")
        for entry in entries.values():
            if entry.orig_filename.lower().endswith("data.pkl"):
                _check_pickle(io.BytesIO(archive.read(entry)))


def _list_of_entries(file: BinaryIO) -> int:
    """Where the end of a zip archive says that the list of its entries begins; -1 where it has no plain end.

    Python goes by the length of that list instead, so that an archive may follow anything. Source: PKWARE,
    APPNOTE.TXT, 4.3.14 to 4.3.16.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - 98))
    tail = file.read()
    if tail[-22:-18] != b"PK\5\6":
        return -1
    if tail[-42:-38] != b"PK\6\7":
        return int.from_bytes(tail[-6:-2], "little")
    if int.from_bytes(tail[-34:-26], "little") != size - 98:  # the longer end, for large archives
        return -1
    return int.from_bytes(tail[-50:-42], "little")


def _check_pickle(file: BinaryIO) -> None:
    """Raise a ValueError when a pickle is long, or calls anything but what tensors are built with."""
    start = file.tell()
    for operation, argument, at in pickletools.genops(file):
        called = tuple(str(argument).split(" ", 1)) if operation.name == "GLOBAL" else None
        if operation.name in ("STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4") or (
            called is not None and called not in _TENSORS
        ):
            raise ValueError(f"its pickle calls {argument or 'something by name'}")
        if (at or 0) - start > PICKLED:
            raise ValueError(f"its pickle is longer than {PICKLED:,} bytes")


def matlab(file: BinaryIO) -> dict[str, Any]:
    """The variables of a MATLAB file (v5 to v7.2), when all it declares is bounded.

    Raises:
        ValueError: when it is damaged, unfolds to more than `MOST` values, or holds more than numbers, text,
            cells and structures.
    """
    file.seek(0)
    data = file.read()
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None:
        raise ValueError("its byte order is not stated")
    left = UNFOLDED
    declared = 0
    rest = data[128:]
    while rest:
        kind, content, rest = _element(rest, order)
        if kind == COMPRESSED:
            unfolding = zlib.decompressobj()
            content = unfolding.decompress(content, left + 1)  # 0 would mean all of it
            if len(content) > left:
                raise ValueError(f"it unfolds to more than {UNFOLDED:,} bytes")
            left -= len(content)
            kind, content, _ = _element(content, order)
        if kind == MATRIX:
            declared += _declared(content, order, 0)
            bounded(declared)
    found: dict[str, Any] = loadmat(io.BytesIO(data))  # type: ignore[arg-type]
    return found


COMPRESSED, MATRIX = 15, 14
CELL, STRUCT, TEXT, SPARSE, LAST_NUMBER = 1, 2, 4, 5, 15
DEEPEST = 16
"""cells within cells"""


def _element(data: bytes, order: str) -> tuple[int, bytes, bytes]:
    """The type and content of a data element of a MATLAB file, and what comes after it.

    Source: MathWorks, "MAT-File Format", Level 5 MAT-files.
    """
    kind, size = struct.unpack_from(order + "II", data)
    if kind >> 16:  # up to four bytes stand in the tag itself
        return kind & 0xFFFF, data[4 : 4 + (kind >> 16)], data[8:]
    if size > len(data) - 8:
        raise ValueError("it ends early")
    return kind, data[8 : 8 + size], data[8 + size + (-size % 8 if kind != COMPRESSED else 0) :]


def _declared(matrix: bytes, order: str, depth: int) -> int:
    """How many values a matrix and all in it declare; each must stand in the file with a byte at least."""
    if not matrix:
        return 0
    _, flags, rest = _element(matrix, order)
    _, sides, rest = _element(rest, order)
    _, _, rest = _element(rest, order)  # the name
    kind = flags[0 if order == "<" else 3]
    dims: tuple[int, ...] = struct.unpack(f"{order}{len(sides) // 4}i", sides)
    number = math.prod(dims)
    if kind not in (CELL, STRUCT, TEXT, *range(SPARSE + 1, LAST_NUMBER + 1)) or min(dims, default=-1) < 0:
        raise ValueError("it holds more than numbers, text, cells and structures")
    if kind == STRUCT:
        _, size, rest = _element(rest, order)
        _, names, rest = _element(rest, order)
        number *= len(names) // int.from_bytes(size, "little" if order == "<" else "big")
    if number > len(rest) or depth > DEEPEST:
        raise ValueError("it ends early, or lies too deep")
    if kind not in (CELL, STRUCT):
        return number
    total = number
    for _ in range(number):
        _, content, rest = _element(rest, order)
        total += _declared(content, order, depth + 1)
    return total
