"""Batches: a manifest beside the outputs, processes side by side, and going on where it stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest
from test_kill import pictures, start, wait_for

from pellucid.cli import batch
from pellucid.tasks import Manifest

QUICK = ("--method", "median")


def rows(out):
    return [json.loads(line) for line in (out / "pellucid.jsonl").read_text().splitlines()]


def outputs(out):
    return {p.name: p.read_bytes() for p in sorted(out.glob("*.png"))}


def states(found):
    return ["before" if r.get("done_before") else "failed" if "error" in r else "new" for r in found]


@pytest.fixture
def folder(photos):
    return photos[0].parent


def test_the_manifest_says_what_was_done_how_and_what_came_of_it(run, folder, tmp_path):
    (folder / "bad.png").write_bytes(b"\x89PNG nothing")
    out = tmp_path / "out"
    done = run("denoise", folder, "-o", out, *QUICK, "--report", tmp_path / "pages", "--json")
    assert done.code == 1
    asked, *found = rows(out)
    assert json.loads(asked["request"]) == {"method": "median"}
    assert asked["pellucid"]
    last = {row["key"]: row for row in found}
    assert sorted(last) == ["a.png", "b.png", "bad.png", "c.png"]
    assert last["bad.png"]["state"] == "failed"
    row = last["a.png"]
    assert row["state"] == "done"
    assert row["value"]["input"][0]["size"] == (folder / "a.png").stat().st_size
    assert row["value"]["outputs"] == {
        "output": (out / "a.png").stat().st_size,
        "report": (tmp_path / "pages" / "a.png.html").stat().st_size,
    }
    assert row["value"]["record"] == done.json[0]
    assert row["value"]["verdict"] == (done.json[0]["trust"] or {}).get("level")
    assert row["seconds"] > 0


def test_the_same_command_again_does_only_what_is_not_done(run, folder, tmp_path):
    out = tmp_path / "out"
    command = ("denoise", folder, "-o", out, *QUICK, "--report", tmp_path / "pages", "--json")
    first = run(*command)
    written = {p: p.stat().st_mtime_ns for p in out.glob("*.png")}
    (out / "b.png").unlink()
    (tmp_path / "pages" / "c.png.html").unlink()
    again = run(*command)
    assert again.code == 0, again.err
    assert states(again.json) == ["before", "new", "new"]
    assert [r["output"] for r in again.json] == [r["output"] for r in first.json]
    assert "3 inputs: 2 written, 1 done before" in again.err
    assert (out / "a.png").stat().st_mtime_ns == written[out / "a.png"]
    assert states(run(*command).json) == ["before"] * 3


def test_other_settings_and_inputs_are_not_done_and_nothing_is_replaced_unasked(run, folder, tmp_path):
    out = tmp_path / "out"
    run("denoise", folder, "-o", out, *QUICK)
    before = outputs(out)
    done = run("denoise", folder, "-o", out, "--method", "nlm", "--json")
    assert done.code == 1
    assert states(done.json) == ["failed"] * 3
    assert "other settings or another input" in done.json[0]["error"]
    assert "--overwrite" in done.json[0]["error"]
    assert outputs(out) == before
    os.utime(folder / "a.png", ns=(0, 0))
    done = run("denoise", folder, "-o", out, *QUICK, "--json")
    assert states(done.json) == ["failed", "before", "before"]
    done = run("denoise", folder, "-o", out, *QUICK, "--overwrite", "--json")
    assert states(done.json) == ["new", "before", "before"]
    assert outputs(out) == before


def test_a_file_of_the_user_is_not_taken_for_ours(run, folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "b.png").write_bytes(b"precious")
    for _ in range(2):
        done = run("denoise", folder, "-o", out, *QUICK, "--json")
        assert states(done.json)[1] == "failed"
        assert (out / "b.png").read_bytes() == b"precious"
    (out / "a.png").write_bytes(b"touched up by hand")
    done = run("denoise", folder, "-o", out, *QUICK, "--json")
    assert states(done.json) == ["failed", "failed", "before"]
    assert (out / "a.png").read_bytes() == b"touched up by hand"


def test_what_was_broken_off_is_done_again_and_its_crumbs_are_swept(run, folder, tmp_path):
    out = tmp_path / "out"
    command = ("denoise", folder, "-o", out, *QUICK, "--json")
    run(*command)
    whole = outputs(out)
    lines = (out / "pellucid.jsonl").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if b'"b.png", "state": "done"' not in line]
    assert len(kept) == len(lines) - 1
    (out / "pellucid.jsonl").write_bytes(b"".join(kept) + b'{"key": "b.p')  # killed between file and line
    (out / ".b.png.0123abcd.part").write_bytes(b"half")
    done = run(*command)
    assert done.code == 0, done.err
    assert states(done.json) == ["before", "new", "before"]
    assert outputs(out) == whole
    assert not list(out.glob(".*"))


def test_one_input_alone_writes_no_manifest(run, photo, tmp_path):
    assert run("denoise", photo, "-o", tmp_path / "new", *QUICK, "--jobs", 2).code == 0
    assert [p.name for p in (tmp_path / "new").iterdir()] == [photo.name]


def test_two_processes_give_the_bits_of_one(run, folder, tmp_path):
    (folder / "bad.png").write_bytes(b"\x89PNG nothing")
    for jobs in (1, 2):
        done = run("denoise", folder, "-o", tmp_path / str(jobs), "--method", "nlm", "--jobs", jobs, "--json")
        assert done.code == 1
        assert states(done.json) == ["new", "new", "failed", "new"]
        assert "4 inputs: 3 written, 1 failed" in done.err
        assert "bad.png" in done.json[2]["error"]
        assert "Traceback" not in done.err
    assert outputs(tmp_path / "1") == outputs(tmp_path / "2")
    debug = run("denoise", folder, "-o", tmp_path / "3", *QUICK, "--jobs", 2, "--debug")
    assert "work_apart" in debug.err  # where it happened, in the other process


def test_folders_that_cannot_be_and_runs_beside_are_one_error(run, folder, tmp_path):
    (tmp_path / "file.d").write_text("no folder")
    done = run("denoise", folder, "-o", tmp_path / "file.d" / "out", *QUICK)
    assert done.code == 1
    assert "cannot write to the folder" in done.err
    (tmp_path / "out").mkdir()
    with Manifest(tmp_path / "out" / "pellucid.jsonl"):
        done = run("denoise", folder, "-o", tmp_path / "out", *QUICK)
    assert done.code == 1
    assert "another run writes to" in done.err


def test_a_fit_that_was_broken_off_is_written_and_done_again(run, folder, tmp_path, monkeypatch):
    true = batch.run

    def broken_off_at_b(state):
        found = true(state)
        if state.job.inputs[0].name == "b.png":
            object.__setattr__(found.result, "stopped_by", "interrupted")
        return found

    out = tmp_path / "out"
    command = ("denoise", folder, "-o", out, *QUICK, "--json")
    with monkeypatch.context() as patched:
        patched.setattr(batch, "run", broken_off_at_b)
        done = run(*command)
    assert done.code == 1
    assert "The same command goes on from there" in done.err
    assert states(done.json) == ["new", "new"]
    assert sorted(outputs(out)) == ["a.png", "b.png"]
    assert states(run(*command).json) == ["before", "new", "new"]


@pytest.mark.slow
def test_an_interrupt_finishes_what_is_at_work_and_the_command_goes_on(tmp_path):
    pictures(tmp_path / "in", 60, 96)
    out = tmp_path / "out"
    command = ("denoise", tmp_path / "in", "-o", out, "--method", "nlm", "--jobs", "2", "--json")
    with start(*command) as process:
        wait_for(lambda: len(outputs(out)) >= 2, process, 300)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "Traceback" not in stderr
    assert "what is at work will be finished" in stderr
    assert "The same command goes on from there" in stderr
    records = json.loads(stdout)
    assert states(records) == ["new"] * len(records)
    assert sorted(os.path.basename(r["output"]) for r in records) == sorted(outputs(out))
    with start(*command) as process:
        stdout, stderr = process.communicate(timeout=300)
    assert process.returncode in (0, 3), stderr
    assert states(json.loads(stdout)).count("before") == len(records)
    assert len(outputs(out)) == 60


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_its_file_and_is_replaced(tmp_path):
    pictures(tmp_path / "in", 40, 96)
    out = tmp_path / "out"
    command = ("denoise", tmp_path / "in", "-o", out, "--method", "nlm", "--jobs", "2", "--json")
    with start(*command) as process:
        wait_for(lambda: len(outputs(out)) >= 8, process, 300)
        ps = ["ps", "-o", "pid=", "--ppid", str(process.pid)]
        workers = subprocess.run(ps, capture_output=True, text=True, check=True).stdout.split()
        os.kill(int(workers[0]), signal.SIGKILL)
        stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 1, stderr
    records = json.loads(stdout)
    failed = [r for r in records if "error" in r]
    assert len(records) == 40
    assert len(failed) == 1
    assert "signal 9" in failed[0]["error"]
    assert len(outputs(out)) >= 39  # the last thing that it did may have been to write
    with start(*command) as process:
        stdout, _ = process.communicate(timeout=300)
    assert states(json.loads(stdout)).count("before") == 39
    assert process.returncode in (0, 3)
    assert len(outputs(out)) == 40
