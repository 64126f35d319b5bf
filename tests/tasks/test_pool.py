"""The pool: one thread each, loaded once, a death costs its item; lists go on where they were killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import work_functions as work

from pellucid.tasks import Manifest, Pool, WorkerDiedError, WorkItem, carry_out, held

HERE = Path(__file__).parent


def items(*payloads):
    return [WorkItem(str(i), "same", payload) for i, payload in enumerate(payloads)]


def by_key(outcomes):
    return {outcome.item.key: outcome for outcome in outcomes}


@pytest.mark.parametrize("jobs", [None, 1, 3])
def test_values_do_not_depend_on_how_many_do_it(jobs):
    found = by_key(carry_out(items(*range(7)), work.square, jobs=jobs))
    assert {int(key): outcome.value for key, outcome in found.items()} == {i: i * i for i in range(7)}


def test_processes_have_one_thread_and_stay():
    found = list(Pool(work.process_and_calls, 2).run(items(*[None] * 20)))
    processes = {pid for pid, _ in (outcome.value for outcome in found)}
    assert 1 <= len(processes) <= 2
    assert os.getpid() not in processes
    assert sum(calls == 1 for _, calls in (outcome.value for outcome in found)) == len(processes)
    assert [outcome.value for outcome in Pool(work.threads, 1).run(items(None))] == [(1, "1")]


def test_trouble_costs_its_item_alone():
    kinds = ("fine", "error", "killed", "prints", "exit", "odd", "no result", "fine")
    found = by_key(carry_out(items(*kinds), work.trouble, jobs=2))
    assert len(found) == len(kinds)
    errors = {kinds[int(key)]: outcome.error for key, outcome in found.items()}
    assert errors["fine"] is errors["prints"] is None
    assert isinstance(errors["error"], ValueError)
    assert "trouble" in errors["error"].__notes__[0]  # where it happened
    assert isinstance(errors["killed"], WorkerDiedError)
    assert "memory" in str(errors["killed"])
    assert isinstance(errors["exit"], WorkerDiedError)
    assert "exit code 3" in str(errors["exit"])
    assert "OddError: 1 and 2" in str(errors["odd"])
    assert "cannot be sent" in str(errors["no result"])


def test_no_process_is_left_when_the_caller_leaves():
    outcomes = Pool(work.process_and_calls, 2).run(items(*[None] * 50))
    pid, _ = next(outcomes).value
    outcomes.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_stop_ends_what_is_at_work_and_begins_nothing_else(tmp_path):
    work_list = [WorkItem(str(i), "", (str(tmp_path / f"{i}.txt"), 0.05)) for i in range(30)]
    with Manifest(tmp_path / "m") as manifest, held() as interrupt:
        found = []
        for outcome in carry_out(work_list, work.write, manifest=manifest, jobs=2, stop=interrupt):
            found.append(outcome)
            if len(found) == 3:
                signal.raise_signal(signal.SIGINT)
        assert 3 <= len(found) <= 6
        assert not any(manifest.broken_off(item.key) for item in work_list)
    assert sorted(p.stem for p in tmp_path.glob("*.txt")) == sorted(o.item.key for o in found)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interrupt_ends_all():
    with held() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_functions_that_others_cannot_find_and_keys_twice_are_refused():
    with pytest.raises(ValueError, match="stand in a module"):
        list(Pool(lambda x: x, 1).run(items(1)))
    with pytest.raises(ValueError, match="one key twice"):
        list(carry_out([WorkItem("a", ""), WorkItem("a", "")], work.square))
    with pytest.raises(ValueError, match="jobs must be at least 1"):
        Pool(work.square, 0)


def test_a_worker_that_cannot_start_is_an_error(monkeypatch):
    monkeypatch.setattr(work.square, "__module__", "no_such_module")
    with pytest.raises(RuntimeError, match=r"could not start.*no_such_module"):
        list(Pool(work.square, 1).run(items(1)))


def test_finished_items_are_not_done_again_unless_something_changed(tmp_path):
    def do(names, fingerprint="a", whole=None):
        listed = [WorkItem(name, fingerprint, (str(tmp_path / name), 0)) for name in names]
        with Manifest(tmp_path / "m") as manifest:
            found = carry_out(listed, work.write, manifest=manifest, whole=whole)
            return {outcome.item.key: outcome.before for outcome in found}

    assert do("ab") == {"a": False, "b": False}
    assert do("abc") == {"a": True, "b": True, "c": False}
    assert do("ab", "other settings") == {"a": False, "b": False}
    (tmp_path / "a").unlink()
    gone = do("abc", "other settings", whole=lambda row: all((tmp_path / n).exists() for n in row["value"]))
    assert gone == {"a": False, "b": True, "c": False}


@pytest.mark.parametrize("jobs", [0, 2])
def test_killed_at_any_moment_nothing_is_lost_and_nothing_done_twice(tmp_path, jobs):
    count = 60
    command = [sys.executable, str(HERE / "killed_run.py"), str(tmp_path), str(count), str(jobs)]
    manifest = tmp_path / "pellucid.jsonl"
    for done in (1, 20, 40):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            end = time.monotonic() + 60
            while not manifest.exists() or manifest.read_bytes().count(b'"done"') < done:
                assert time.monotonic() < end
                assert process.poll() is None
                time.sleep(0.005)
            process.kill()
    finished = manifest.read_bytes().count(b'"done"')
    assert 40 <= finished < count
    last = subprocess.run(command, capture_output=True, text=True, check=True)
    assert last.stdout.split() == [str(finished), str(count - finished)]
    assert manifest.read_bytes().count(b'"done"') == count  # each once
    assert {p.stem: p.read_text() for p in tmp_path.glob("*.txt")} == {
        f"{i:03}": f"{i:03}" for i in range(count)
    }
