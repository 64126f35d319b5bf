"""The only module that names accelerators; it also owns precision and the threads that pellucid works on."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch

from pellucid import checks

Item = TypeVar("Item")
Value = TypeVar("Value")

PRECISIONS = ("float32", "auto", "bfloat16")


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


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16; without them it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # torch keeps these two for itself; where a version lacks them, float32 is right and only slower.
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, name, lambda: False)()) for name in asked)


def arithmetic(precision: str, device: torch.device) -> AbstractContextManager[None]:
    """Where the convolutions of a fit compute: float32, bfloat16, or auto: bfloat16 where that is faster.

    Weights, losses and sums stay in float32. bfloat16 keeps 8 bits of a product's factors, so that it suits
    networks that predict a small correction; float32 is the truth that it is checked against. Leave the
    context before a step is yielded.

    `torch.autocast` keeps the weights that it has rounded in a store of the whole process, which it empties
    whenever any thread leaves it: whether two uses of a weight share its rounding, and with it the sum of
    their gradients, then depends on what other threads do. Here each use rounds for itself.

    Raises:
        ValueError: for another name.

    >>> with arithmetic("bfloat16", torch.device("cpu")):
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.bfloat16
    """
    checks.one_of("precision", precision, PRECISIONS)
    lower = precision == "bfloat16" or (precision == "auto" and multiplies_bfloat16(device))
    return _lowered(lower, device.type)


@contextmanager
def _lowered(lower: bool, kind: str) -> Iterator[None]:
    enabled, kept = torch.is_autocast_enabled(kind), torch.is_autocast_cache_enabled()
    dtype = torch.get_autocast_dtype(kind)
    torch.set_autocast_enabled(kind, lower)  # these three belong to this thread
    torch.set_autocast_dtype(kind, torch.bfloat16)
    torch.set_autocast_cache_enabled(False)
    try:
        yield
    finally:
        torch.set_autocast_enabled(kind, enabled)
        torch.set_autocast_dtype(kind, dtype)
        torch.set_autocast_cache_enabled(kept)


def for_lightning(device: torch.device, processes: int = 1) -> tuple[str, int | list[int]]:
    """(accelerator, devices) as Lightning wants them: one process on this device, or several side by side.

    >>> for_lightning(torch.device("cpu"), 2)
    ('cpu', 2)
    """
    if device.type == "cpu":
        return "cpu", processes
    name = "gpu" if device.type == "cuda" else device.type
    return name, processes if processes > 1 else [device.index or 0]


def spare_threads(device: torch.device) -> int:
    """How many threads may make batches while the network learns: the idle cores beside an accelerator."""
    return 1 if device.type == "cpu" else max(1, min(8, torch.get_num_threads() - 1))


def spread(function: Callable[[Item], Value], items: Sequence[Item], device: torch.device) -> Iterator[Value]:
    """``function`` of every item, in order, on as many threads as torch may use, each keeping to one core.

    Many small operations run faster this way than with every operation split over the cores, and a busy
    neighbour slows them down no more than its share: nothing waits for the slowest core after each
    operation. On an accelerator, and for a single thread or item, the items are worked through one by one;
    so they are where a thread cannot be kept to one core without changing the other threads of the process.

    >>> list(spread(lambda x: 2 * x, [1, 2, 3], torch.device("cpu")))
    [2, 4, 6]
    """
    threads = min(_mine.threads or torch.get_num_threads(), len(items)) if device.type == "cpu" else 1
    if threads < 2 or not _limits_alone():
        yield from map(function, items)
        return
    pool = workers(threads)
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def together(*functions: Callable[[], Any]) -> list[Any]:
    """What functions that need nothing of each other give, in order, worked out side by side (see `spread`).

    >>> together(lambda: 1, lambda: "two")
    [1, 'two']
    """
    return list(spread(lambda function: function(), functions, torch.device("cpu")))


def alone(function: Callable[[], Value]) -> Value:
    """What a function gives in a thread of its own that keeps to one core, but for what it hands to `spread`.

    Where operations are many and small, splitting each over the cores gains nothing, and with a busy
    neighbour every one of them waits for the slowest core: the analysis of a picture then took twice as long.

    >>> alone(torch.get_num_threads)
    1
    """
    threads = _mine.threads or torch.get_num_threads()
    if threads < 2 or not _limits_alone():
        return function()

    def inside() -> Value:
        _mine.threads = threads
        return function()

    with workers(1) as pool:
        return pool.submit(inside).result()


def give_back() -> None:
    """Hand memory that is free to the system, where its C library keeps it (glibc).

    The maps of a network, tile after tile, leave a quarter of a gigabyte that is free and kept for the next
    one; a filter that works on a large picture after it has no use for pieces of that size. It takes some
    milliseconds, and what else the process does never notices.

    >>> give_back()
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any:
    """`malloc_trim` of the C library, None where it has none."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None


class _Mine(threading.local):
    """Of each thread: how many threads `spread` may use, 0 for as many as torch may."""

    threads = 0


_mine = _Mine()


def workers(count: int) -> ThreadPoolExecutor:
    """Threads in which torch splits no operation over the cores; all other threads keep the count they have.

    >>> before = torch.get_num_threads()
    >>> with workers(1) as pool:
    ...     inside = pool.submit(torch.get_num_threads).result()
    >>> torch.get_num_threads() == before
    True
    """
    return ThreadPoolExecutor(count, thread_name_prefix="pellucid", initializer=_keep_to_one_core)


def _keep_to_one_core() -> None:
    """Let torch use one core in this thread.

    ``torch.set_num_threads`` cannot do it: it also sets the number with which every later thread of the
    process starts. The counts of OpenMP and MKL belong to one thread each, so they are set themselves, in the
    very libraries that torch is linked with.
    """
    torch.get_num_threads()  # the first operation of a thread sets its count: let that be over
    for limit in _limiters():
        limit(1)


@cache
def _limiters() -> tuple[Any, ...]:
    """The functions of torch's own OpenMP, and of MKL where torch has it, that set one thread's count."""
    name = {"win32": "libiomp5md.dll", "darwin": "libtorch_cpu.dylib"}.get(sys.platform, "libtorch_cpu.so")
    try:  # looked up in a library, a name is also found in those that it is linked with
        library = ctypes.CDLL(str(Path(torch.__file__).with_name("lib") / name))
        found = [library.omp_set_num_threads]
    except (OSError, AttributeError):
        return ()
    mkl = getattr(library, "MKL_Set_Num_Threads_Local", None)
    return (*found, mkl) if mkl is not None else tuple(found)


@cache
def _limits_alone() -> bool:
    """Whether a worker keeps to one core here: asked of one, because builds of torch differ."""
    with workers(1) as pool:
        return pool.submit(torch.get_num_threads).result() == 1
