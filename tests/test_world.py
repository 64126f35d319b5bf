"""pellucid is a guest in other people's processes: the world outside stays as it was, during and after.

Four threads run a verb at once, while this one, as the program around them would, looks at what belongs to
the whole process and draws from the global generators. The results must be those of runs one by one.
"""

# ruff: noqa: NPY002 - the global generator is what this is about

from __future__ import annotations

import io
import logging
import os
import random
import signal
import struct
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image as Pillow

import pellucid

AT_ONCE = 4
LOOK = 0.002
"""seconds between two looks"""


def world() -> dict[str, Any]:
    """What a process has only one of, as this thread sees it."""
    matplotlib = sys.modules.get("matplotlib")
    loggers = {"": logging.getLogger()} | dict(logging.getLogger().manager.loggerDict)
    return {
        "warning filters": (id(warnings.filters), list(warnings.filters)),
        "showwarning": (warnings.showwarning, warnings._showwarnmsg_impl),  # type: ignore[attr-defined]
        "loggers": {
            name: (
                logger.level,
                list(logger.handlers),
                list(logger.filters),
                logger.propagate,
                logger.disabled,
            )
            for name, logger in loggers.items()
            if isinstance(logger, logging.Logger) and _is_set(logger)
        },
        "logging": (logging.root.manager.disable, logging.getLogRecordFactory()),
        "threads": torch.get_num_threads(),
        "dtype": (torch.get_default_dtype(), torch.get_default_device()),
        "gradient": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "deterministic": (
            torch.are_deterministic_algorithms_enabled(),
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.benchmark,
            torch.get_float32_matmul_precision(),
        ),
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "signals": {s: signal.getsignal(s) for s in signal.valid_signals()},
        "hooks": (sys.excepthook, threading.excepthook, sys.gettrace(), sys.getrecursionlimit()),
        "numpy": (np.geterr(), np.get_printoptions()),
        "rcParams": dict(matplotlib.rcParams) if hasattr(matplotlib, "rcParams") else None,
    }


def _is_set(logger: logging.Logger) -> bool:
    """Whether somebody has set anything; that a logger of a name exists is no trace (imports make them)."""
    return bool(logger.level or logger.handlers or logger.filters or logger.disabled or not logger.propagate)


def unlike(before: dict[str, Any]) -> dict[str, Any]:
    """What is not as it was, before and now; of loggers those that differ."""
    now = world()
    found = {name: (before[name], now[name]) for name in now if now[name] != before[name]}
    if "loggers" in found:
        old, new = found["loggers"]
        names = [n for n in {*old, *new} if old.get(n) != new.get(n)]
        found["loggers"] = {n: (old.get(n), new.get(n)) for n in names}
    return found


def draws() -> tuple[float, float, float]:
    """One number from each of the global generators."""
    return float(torch.rand(())), float(np.random.random()), random.random()


def of_new_thread() -> tuple[int, bool]:
    """The threads of torch, and whether gradients are on, where a thread begins."""
    found: list[tuple[int, bool]] = []
    thread = threading.Thread(target=lambda: found.append((torch.get_num_threads(), torch.is_grad_enabled())))
    thread.start()
    thread.join()
    return found[0]


@pytest.fixture(autouse=True)
def host() -> Iterator[None]:
    """A program that lets torch use three threads, and keeps its own random state."""
    threads, drawn = torch.get_num_threads(), torch.get_rng_state()
    states = np.random.get_state(), random.getstate()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(threads)
    torch.set_rng_state(drawn)
    np.random.set_state(states[0])
    random.setstate(states[1])


def _seeded() -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)


def unchanged_by(works: list[Callable[[], Any]]) -> list[Any]:
    """What the works give when all run at once, in threads, while nobody sees a trace of them."""
    alone = [work() for work in works]  # loads what they need, too: a library's own import is not ours
    _seeded()
    expected = [draws() for _ in range(5000)]
    _seeded()
    before, looks = world(), 0
    with ThreadPoolExecutor(len(works)) as pool:
        running = [pool.submit(work) for work in works]
        while not all(future.done() for future in running) or looks < 3:
            assert draws() == expected[looks], "a global generator was read or written"
            assert unlike(before) == {}
            assert of_new_thread() == (3, True)
            looks += 1
            time.sleep(LOOK)
        together = [future.result() for future in running]
    assert draws() == expected[looks]
    assert unlike(before) == {}
    assert of_new_thread() == (3, True)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)
    return together


NOISY = np.random.default_rng(0).normal(0.5, 0.1, (24, 40)).astype(np.float32)
LARGE = np.random.default_rng(1).normal(0.5, 0.1, (96, 96)).astype(np.float32)


@pytest.mark.parametrize(
    "method",
    ["dip", "self2self", "zs-n2n", "nac", "rs-dip", "ms-dip", "nlm", "tv", "wavelet", "photo"],
)
def test_denoise(method: str) -> None:
    more: dict[str, Any] = {} if method in ("nlm", "tv", "wavelet", "photo") else {"iterations": 3}
    unchanged_by(
        [
            lambda seed=seed: pellucid.denoise(NOISY, method, seed=seed, data_range=1.0, **more)
            for seed in range(AT_ONCE)
        ]
    )


def test_bm3d_and_the_default() -> None:
    unchanged_by(
        [
            lambda: pellucid.denoise(LARGE, "bm3d", data_range=1.0),
            lambda: pellucid.denoise(LARGE, "bm3d", sigma=0.08, data_range=1.0),
            lambda: pellucid.denoise(LARGE, data_range=1.0),
            lambda: pellucid.denoise(np.stack([LARGE] * 2), data_range=1.0),
        ]
    )


def test_inpaint_upscale_inspect() -> None:
    holes = np.zeros(NOISY.shape, bool)
    holes[5:9, 7:15] = True
    unchanged_by(
        [
            lambda: pellucid.inpaint(NOISY, holes, data_range=1.0),
            lambda: pellucid.inpaint(NOISY, holes, method="dip", iterations=3, data_range=1.0),
            lambda: pellucid.restore(NOISY, holes, data_range=1.0),
            lambda: pellucid.upscale(NOISY, 2, method="dip", iterations=3, data_range=1.0),
            lambda: pellucid.upscale(NOISY, 2, method="zssr", iterations=3, data_range=1.0),
            lambda: np.array(pellucid.inspect(NOISY, data_range=1.0).sigma),
        ]
    )


def unusual(folder: Path) -> list[Path]:
    """Files at which Pillow, NumPy and tifffile warn or log while they go on reading."""
    picture = np.random.default_rng(2).integers(0, 255, (20, 30), np.uint8)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, picture)
    data = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        data[file.pages.first.tags[305].offset + 2] = 99  # no such data type
    (folder / "a.tif").write_bytes(data)
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHII", 9, 282, 5, 1, 9999)
    Pillow.fromarray(picture).save(folder / "b.jpg", exif=exif)
    words = b"{'descr': '|u1', 'fortran_order': False, 'shape': (20L, 30L), }".ljust(117) + b"\n"
    (folder / "c.npy").write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", 118) + words + picture.tobytes())
    pellucid.write(pellucid.read(folder / "c.npy"), folder / "d.png")
    return sorted(folder.iterdir())


def test_read_and_write(tmp_path: Path) -> None:
    paths = unusual(tmp_path)
    logging.getLogger("tifffile").addHandler(quiet := logging.NullHandler())

    def again(path: Path) -> Callable[[], Any]:
        def work() -> Any:
            for turn in range(25):
                image = pellucid.read(path)
                pellucid.write(image, path.with_name(f"{path.name}.{turn}{path.suffix}"), overwrite=True)
            return image.pixels

        return work

    try:
        unchanged_by([again(path) for path in paths])
    finally:
        logging.getLogger("tifffile").removeHandler(quiet)


def test_train(toy: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for i in range(3):
        pixels = np.random.default_rng(i).integers(60, 190, (40, 44), dtype=np.uint8)
        Pillow.fromarray(pixels).save(tmp_path / "in" / f"{i}.png")
    runs = iter(range(1000))

    def work() -> Any:
        from pellucid import models

        out = tmp_path / f"{next(runs)}.safetensors"
        pellucid.train("toy", tmp_path / "in", out, noise="gaussian:25", steps=6, every=3, threads=2, seed=5)
        return np.concatenate([value.flatten() for value in models.read(out)[1].values()])

    results = unchanged_by([work] * AT_ONCE)
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)


def test_shots_models_and_fine_tuning() -> None:
    rng = np.random.default_rng(3)
    shots = [np.roll(LARGE, i, 1) + rng.normal(0, 0.05, LARGE.shape).astype(np.float32) for i in range(2)]
    asked: dict[str, Any] = {"sigma": 0.1, "data_range": 1.0, "model": "swift-gray"}
    unchanged_by(
        [
            lambda: pellucid.denoise(shots, shots=True, data_range=1.0),
            lambda: pellucid.denoise(shots, "rs-dip", shots=True, iterations=2, data_range=1.0),
            lambda: pellucid.denoise(LARGE, **asked),
            lambda: pellucid.denoise(LARGE, adapt=60, set={"adapt.steps": 2}, **asked),
        ]
    )


def test_every_public_verb_is_looked_at() -> None:
    verbs = {name for name in pellucid.__all__ if name[0].islower()} - {"methods"}
    assert verbs == {"denoise", "inpaint", "restore", "upscale", "inspect", "read", "write", "train"}
