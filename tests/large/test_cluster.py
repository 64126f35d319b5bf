"""The same tasks on a Dask cluster: the same bits as here; a worker that is killed costs what it was at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from pellucid import tasks
from pellucid.cli import main
from pellucid.large import carry, layout
from pellucid.request import Denoise, Output

ONE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler and two workers of one thread, as a user starts them; its address."""
    folder = tmp_path_factory.mktemp("cluster")
    told = folder / "scheduler.json"
    place = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    program = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    started = [
        subprocess.Popen(
            [*program, "--port", "0", "--no-dashboard", "--host", "127.0.0.1", "--scheduler-file", str(told)],
            env=os.environ | place,
            cwd=folder,
            stderr=subprocess.DEVNULL,
        )
    ]
    for number in range(2):
        program = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(told)]
        started.append(
            subprocess.Popen(
                [*program, "--nthreads", "1", "--no-dashboard", "--local-directory", f"{folder}/{number}"],
                env=os.environ | place | ONE,
                cwd=folder,
                stderr=subprocess.DEVNULL,
            )
        )
    from distributed import Client

    with Client(scheduler_file=str(told), timeout=120, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=240)
        yield client.scheduler.address
    for process in reversed(started):
        process.terminate()
        process.wait(timeout=60)


def slow(payload):
    time.sleep(0.3)
    return payload * 2


def killed_once(path):
    """End the process the first time."""
    try:
        with open(path, "x"):
            pass
    except FileExistsError:
        return "done"
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


@pytest.mark.slow
def test_the_same_bits_and_batches_too(cluster, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(layout, "SIDES", (128,))
    monkeypatch.setattr(layout, "TASK", 1)
    rng = np.random.default_rng(0)
    film = np.cumsum(rng.integers(0, 9, (2, 200, 220)), 1) + rng.normal(300, 20, (2, 200, 220))
    np.save(tmp_path / "a.npy", film.astype(np.uint16))
    asked = Denoise(method="nlm")
    here = carry.denoise(tmp_path / "a.npy", tmp_path / "b.npy", asked, Output(out=tmp_path))
    there = carry.denoise(
        tmp_path / "a.npy", tmp_path / "c.npy", asked, Output(out=tmp_path, cluster=cluster)
    )
    assert here.regions == there.regions == 8
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), np.load(tmp_path / "c.npy"))
    for name in "xyz":
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.fromarray(rng.integers(90, 150, (64, 64), dtype=np.uint8)).save(tmp_path / "in" / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    for out, more in (("alone", []), ("shared", ["--cluster", cluster])):
        with pytest.raises(SystemExit) as ended:
            main(["denoise", "in", "-o", out, "--method", "nlm", "--json", *more])
        assert ended.value.code == 0
        assert len(json.loads(capsys.readouterr().out)) == 3
    for name in "xyz":
        assert (tmp_path / "alone" / f"{name}.png").read_bytes() == (
            tmp_path / "shared" / f"{name}.png"
        ).read_bytes()


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced(cluster, tmp_path):
    items = [tasks.WorkItem("killer", "", str(tmp_path / "flag"))]
    (outcome,) = tasks.carry_out(items, killed_once, cluster=cluster)
    assert (outcome.error, outcome.value) == (None, "done")
    items = [tasks.WorkItem(str(i), "", i) for i in range(6)]
    assert sorted(o.value for o in tasks.carry_out(items, slow, cluster=cluster)) == [0, 2, 4, 6, 8, 10]


def test_no_scheduler_is_one_clear_error(monkeypatch):
    monkeypatch.setattr("pellucid.tasks.cluster.PATIENCE", 2.0)
    with pytest.raises(ConnectionError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        list(tasks.carry_out([tasks.WorkItem("a", "", 1)], slow, cluster="tcp://127.0.0.1:9"))
    with pytest.raises(ValueError, match="Keep one"):
        Output(out="x", jobs=2, cluster="tcp://127.0.0.1:9")
