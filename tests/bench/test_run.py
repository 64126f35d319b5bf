"""A whole run: rows, resuming after SIGKILL, crashes and time-outs of workers, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench_pictures import clean_set, pair_set

from pellucid import bench
from pellucid.bench import log, plan
from pellucid.bench.spec import parse_entry

SCORES = ("key", "psnr", "ssim", "noisy_psnr", "noisy_ssim", "file", "error", "skipped")


def scores(folder: Path) -> list[tuple]:
    return sorted(tuple(str(row[k]) for k in SCORES) for row in log.read(folder).values())


@pytest.fixture
def data(tmp_path):
    pair_set(tmp_path / "data", 3)
    return clean_set(tmp_path / "data", 3)


KILLED = """
import os, signal, threading
from pellucid import bench
def report(done):
    if done.done == 2:  # within the next cell
        threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGKILL)).start()
bench.run(**{asked!r}, report=report)
"""


@pytest.mark.slow
def test_killed_three_times_and_resumed_equals_an_unbroken_run(tmp_path):
    data = clean_set(pair_set(tmp_path / "data", 5), 5)
    asked = {"data": ["CC15", "Set9:gaussian:25"], "methods": ["wavelet"], "threads": 1}
    asked["data_root"] = str(data)
    summary = bench.run(**asked, out=tmp_path / "whole")
    assert (summary.done, summary.kept, summary.failed, summary.left) == (10, 0, 0, 0)
    broken = tmp_path / "broken"
    for kills in (1, 2, 3):
        done = subprocess.run([sys.executable, "-c", KILLED.format(asked=asked | {"out": str(broken)})])
        assert done.returncode == -signal.SIGKILL
        assert 2 * kills <= len(log.read(broken)) < 10
        with (broken / log.NAME).open("ab") as file:
            file.write(b'{"key": "torn')
    summary = bench.run(**asked, out=broken)
    assert summary.kept >= 6
    assert summary.done + summary.kept == 10
    assert scores(broken) == scores(tmp_path / "whole")
    lines = [json.loads(line) for line in (broken / log.NAME).read_text().splitlines()]
    assert len(lines) == len({line["key"] for line in lines}) == 10  # nothing was run twice
    for line in lines:
        assert (broken / line["file"]).read_bytes() == (tmp_path / "whole" / line["file"]).read_bytes()
    told = json.loads((broken / "manifest.json").read_text())
    assert len(told["runs"]) == 4
    assert told["sets"] == ["CC15", "Set9:gaussian:25"]


@pytest.mark.slow
def test_crashes_and_time_outs_cost_one_cell(data, tmp_path, monkeypatch):
    """A worker that dies on one picture and hangs on another."""
    (tmp_path / "deadly.py").write_text(DEADLY)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr("pellucid.bench.process.MODULE", "deadly")
    asked = {"data": "CC15", "methods": "median", "out": tmp_path / "r", "data_root": data, "threads": 1}
    summary = bench.run(**asked, timeout=8)
    assert (summary.done, summary.failed) == (1, 2)
    rows = {row["image"]: row for row in log.read(tmp_path / "r").values()}
    assert rows["scene0"]["error"] == "crash: signal 9: about to die"
    assert rows["scene1"]["error"].startswith("time-out: it took more than 8 s")
    assert rows["scene2"]["error"] is None
    monkeypatch.undo()
    assert bench.run(**asked).kept == 3
    summary = bench.run(**asked, retry=True)
    assert (summary.done, summary.kept, summary.failed) == (2, 1, 0)


DEADLY = """
import os, signal, sys, time
from pellucid.bench import worker
plain = worker.run_cell
def run(job):
    if job["image"] == "scene0":
        print("about to die", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if job["image"] == "scene1":
        time.sleep(60)
    return plain(job)
worker.run_cell = run
worker.main()
"""


@pytest.mark.slow
def test_an_interrupt_ends_cleanly_and_the_next_run_goes_on(data, tmp_path):
    out = tmp_path / "r"
    command = [
        sys.executable, "-m", "pellucid", "bench", "run", "--data", "CC15", "--methods", "noisy,dip",
        "-o", out, "--data-root", data, "--threads", "1",
    ]  # fmt: skip
    with subprocess.Popen(
        [*map(str, command)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        for line in run.stderr:
            if line.startswith("3/6"):
                time.sleep(2)
                run.send_signal(signal.SIGINT)
                break
        stdout, stderr = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "interrupted: 3 cells are left" in stderr
    assert "Traceback" not in stderr
    assert "3 done, 0 kept" in stdout
    assert len(log.read(out)) == 3


def test_skips_need_no_worker_where_the_set_is_absent(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Kodak24 is not below .*pellucid bench data"):
        bench.run("Kodak24:gaussian:25", "nlm", tmp_path / "r", data_root=tmp_path)
    summary = bench.run(
        "Kodak24:gaussian:25", "nlm,wavelet", tmp_path / "r", data_root=tmp_path, absent="skip"
    )
    assert summary.skipped == 2
    (row, _) = log.read(tmp_path / "r").values()
    assert row["skipped"] == "no set: Kodak24 is not on this machine"
    assert row["image"] == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": "CC16"}, "Did you mean 'CC15'"),
        ({"methods": "bm3dd"}, "Did you mean 'bm3d'"),
        ({"data": "Set9"}, "say which noise to add"),
        ({"data": "Set9:gaussian:25,5"}, "gaussian:SIGMA"),
        ({"data": "Set9:gausian:25"}, "noise must be one of"),
        ({"crop": 0}, "crop must be"),
        ({"timeout": 0.0}, "timeout must be"),
        ({"seeds": ()}, "at least one"),
        ({"images": ["scene0", "scen1"]}, r"got 'scen1'\. Did you mean 'scene1'"),
        ({"methods": "nlm+patchsize=3"}, "Did you mean 'patch_size'"),
        ({"methods": "nlm+patch_size=big"}, "patch_size must be"),
        ({"methods": "rs-dip+heads=3"}, "multiple of heads=3"),
        ({"methods": "rs-dip+preset=paper+heads=5"}, "got 48"),
        ({"methods": "dip+iterations=many"}, "iterations must be a number"),
        ({"methods": "nlm+shots=none"}, "shots must be"),
        ({"preset": "papr"}, "Did you mean 'paper'"),
        ({"methods": "noisy,nlm+preset=papr"}, "Did you mean 'paper'"),
        ({"methods": "peer:x", "peers": ["x=denoise {in}"]}, r"must hold \{in\} and \{out\}"),
    ],
)
def test_bad_requests_are_refused_before_anything_runs(change, words, data, tmp_path):
    asked = {"data": "CC15", "methods": "nlm", "data_root": data, "out": tmp_path / "r"}
    with pytest.raises(ValueError, match=words):
        bench.run(**(asked | change))
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("entry", "preset"), [("rs-dip+preset=paper+heads=3", "fast"), ("rs-dip+heads=3", "paper")]
)
def test_fields_are_looked_at_with_the_preset_that_is_run(entry, preset):
    """The paper's width of 48 has room for 3 heads, that of fast has not."""
    plan.check([parse_entry(entry)], preset=preset)


def test_a_folder_that_has_grown_is_read_again(data, tmp_path):
    asked = {"data": f"{tmp_path / 'own'}:gaussian:25", "methods": "peer:none", "out": tmp_path / "r"}
    for count in (1, 2):
        clean_set(tmp_path, count, name="own")
        assert bench.run(**asked, peers=["x=denoise {in} {out}"], threads=1).skipped == count


def test_the_first_cell_of_a_worker_pays_for_no_start(tmp_path):
    """What a fit loads is there before its first cell."""
    clean_set(tmp_path / "data", 1)
    done = subprocess.run(
        [sys.executable, "-c", WARMED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["None", "[]"]


WARMED = """
import sys
from pellucid.bench import execute, worker
worker._warm("zs-n2n", "cpu")
there, call = set(), execute.call
def noted(*given, **more):
    there.update(sys.modules)
    try:
        return call(*given, **more)
    finally:
        there.symmetric_difference_update(sys.modules)
execute.call = noted
job = {"set": "Set9:gaussian:25", "image": "picture0", "seed": 0, "method": "zs-n2n+iterations=2"}
job |= {"preset": "fast", "crop": None, "out": sys.argv[1], "root": sys.argv[1] + "/data", "device": "cpu"}
print(worker.run_cell(job).get("error"), sorted(m for m in there if m.startswith(("torch", "pellucid"))))
"""


def test_two_runs_do_not_write_to_one_folder(data, tmp_path):
    (tmp_path / "r").mkdir()
    with log.opened(tmp_path / "r"), pytest.raises(RuntimeError, match="another run"):
        bench.run("CC15", "nlm", tmp_path / "r", data_root=data)


def test_a_torn_line_is_cut_off_and_others_are_errors(tmp_path):
    (tmp_path / log.NAME).write_bytes(b'{"key": "a", "psnr": 1}\n{"key": "a", "psnr": 2}\n{"key": "b", "ps')
    assert log.read(tmp_path) == {"a": {"key": "a", "psnr": 2}}
    with log.opened(tmp_path) as file:
        file.append({"key": "c"})
    assert set(log.read(tmp_path)) == {"a", "c"}
    (tmp_path / log.NAME).write_bytes(b'oh\n{"key": "a"}\n')
    with pytest.raises(ValueError, match="line 1 is no row"):
        log.read(tmp_path)


def test_seeds_that_change_nothing_are_not_run(data):
    from pellucid.bench.plan import plan
    from pellucid.bench.spec import parse_entry, parse_set

    def count(set_, method):
        spec = parse_set(set_)
        return len(plan([spec], [parse_entry(method)], {set_: ["a", "b"]}, "fast", [0, 1, 2], None))

    assert count("CC15", "nlm") == 2
    assert count("CC15", "dip") == 6
    assert count("Set9:gaussian:25", "nlm") == 6


def test_rows_of_other_code_are_kept_and_said_and_renewed_when_asked(data, tmp_path, monkeypatch):
    """The work of a process is replaced: what counts here is which cells are run."""
    asked = {"data": "CC15", "methods": "noisy,nlm", "out": tmp_path / "r", "data_root": data, "threads": 1}
    ran = []

    class Quick:
        def __init__(self, method, threads, *, device):
            pass

        def start(self):
            pass

        def end(self):
            pass

        def run(self, job, timeout):
            ran.append((job["method"], job["image"]))
            return {"skipped": "no"} if job["image"] == "scene2" else {"psnr": 1.0}

    monkeypatch.setattr("pellucid.bench.running.Worker", Quick)
    seen = []
    summary = bench.run(**asked, report=seen.append)
    assert (summary.done, summary.skipped) == (4, 2)
    assert [r.done for r in seen] == [1, 2, 3, 4, 5, 6]
    assert seen[-1].left == 0
    assert summary.reasons == ["noisy: no", "nlm: no"]
    ran.clear()
    lines = (tmp_path / "r" / log.NAME).read_text().splitlines()
    assert bench.run(**asked).kept == 4
    assert ran == [("noisy", "scene2"), ("nlm", "scene2")]  # what was skipped is looked at again
    assert (tmp_path / "r" / log.NAME).read_text().splitlines() == lines  # and nothing new is said
    monkeypatch.setattr("pellucid.bench.manifest.source", lambda: "other")
    assert bench.run(**asked).other_code == 4
    assert bench.run(**asked, renew=True).done == 4
    assert bench.run(**asked).other_code == 0
    assert bench.run(**(asked | {"crop": 20})).done == 4
    told = json.loads((tmp_path / "r" / "manifest.json").read_text())
    assert {"protocol", "command", "created", "commit", "source", "versions", "machine", "label"} <= set(told)
    told["protocol"] = 0
    (tmp_path / "r" / "manifest.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match="protocol 0"):
        bench.run(**asked)
