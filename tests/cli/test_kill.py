"""SIGKILL in the middle of a batch: every output that exists is whole. SIGINT: the best so far is kept."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

PROGRAM = Path(sys.executable).with_name("pellucid")


def pictures(folder: Path, count: int, side: int) -> list[Path]:
    folder.mkdir()
    draws = np.random.default_rng(0)
    paths = [folder / f"{i:03}.png" for i in range(count)]
    for path in paths:
        Pillow.fromarray(draws.integers(0, 255, (side, side, 3), dtype=np.uint8)).save(path)
    return paths


def start(*arguments: object) -> subprocess.Popen:
    return subprocess.Popen(
        [PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(condition, process: subprocess.Popen, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            pytest.fail(f"the program ended too early or hangs: {process.communicate(timeout=5)}")
        time.sleep(0.002)


@pytest.mark.slow
def test_killed_in_the_middle_of_a_batch(tmp_path):
    (path,) = pictures(tmp_path / "in", 1, 96)
    paths = [path.with_name(f"{i:04}.png") for i in range(2000)]  # more than a starved test could miss
    for link in paths:
        link.hardlink_to(path)
    out = tmp_path / "out"
    with start("denoise", *paths, "-o", out, "--method", "median") as process:
        wait_for(lambda: out.is_dir() and len(list(out.glob("*.png"))) >= 5, process)
        process.kill()
        process.wait()
    written = sorted(out.glob("*.png"))
    assert 5 <= len(written) < len(paths)
    for path in written:
        with Pillow.open(path) as picture:
            picture.load()
            assert picture.size == (96, 96)
    hidden = [p for p in out.iterdir() if p not in written and p.name != "pellucid.jsonl"]
    assert all(p.name.startswith(".") and p.suffix == ".part" for p in hidden)
    assert len(hidden) <= 1


@pytest.mark.slow
def test_a_terminal_shows_progress_and_an_interrupt_keeps_the_best(tmp_path):
    (path,) = pictures(tmp_path / "in", 1, 64)
    out = tmp_path / "out.png"
    flags = ["--method", "dip", "--set", "iterations=100000", "--stop", "iterations:100000", "--json"]
    terminal, inside = pty.openpty()
    shown = b""
    with subprocess.Popen(
        [PROGRAM, "denoise", path, "-o", out, *flags],
        stdout=subprocess.PIPE,
        stderr=inside,
        text=True,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "120"},
    ) as process:
        os.close(inside)
        while not re.search(rb"iteration \d+ of 100000", shown):
            ready, _, _ = select.select([terminal], [], [], 60)
            assert ready, shown
            shown += os.read(terminal, 4096)
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=60)
    os.close(terminal)
    assert process.returncode == 0
    record = json.loads(stdout)
    assert record["stopped_by"] == "interrupted"
    assert 1 <= record["iterations"] < 100000
    assert b"loss" in shown
    with Pillow.open(out) as picture:
        picture.load()
