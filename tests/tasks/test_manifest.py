"""The manifest: whole lines count, a torn one does not; one run at a time; what changed is not done."""

from __future__ import annotations

import json
import os

import pytest

from pellucid.tasks import Manifest, WorkItem, fingerprint, identity

ITEM = WorkItem("a.png", "settings")


def test_what_is_done_stays_done_and_other_settings_are_not(tmp_path):
    path = tmp_path / "m.jsonl"
    with Manifest(path) as manifest:
        manifest.remark({"request": {"method": "nlm"}, "key": "dropped"})
        manifest.begin(ITEM)
        assert manifest.broken_off("a.png")
        manifest.finish(ITEM, {"outputs": ["a.png"]}, seconds=1.23456)
        manifest.begin(WorkItem("b.png", "settings"))
        manifest.fail(WorkItem("c.png", "settings"), "no picture")
    with Manifest(path) as manifest:
        assert manifest.done(ITEM)["value"] == {"outputs": ["a.png"]}
        assert manifest.done(ITEM)["seconds"] == 1.235
        assert manifest.done(WorkItem("a.png", "others")) is None
        assert [manifest.broken_off(f"{name}.png") for name in "abcd"] == [False, True, False, False]
        assert manifest.rows["c.png"]["error"] == "no picture"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row.get("state") for row in rows] == [None, "begun", "done", "begun", "failed"]


def test_what_is_left_over_of_an_item_and_what_came_later(tmp_path):
    there = tmp_path / "a.png"
    with Manifest(tmp_path / "m") as manifest:
        assert not manifest.left_over("a.png", there)
        manifest.begin(ITEM)
        assert not manifest.left_over("a.png", there)
        there.write_text("half of the work")
        assert manifest.left_over("a.png", there)
        manifest.fail(ITEM, "the disk is full")
        at = manifest.rows["a.png"]["at"]
        os.utime(there, (at - 1, at - 1))
        assert manifest.left_over("a.png", there)
        os.utime(there, (at + 1, at + 1))  # made by hand, as it had failed
        assert not manifest.left_over("a.png", there)
        manifest.finish(ITEM, None, seconds=0)
        assert not manifest.left_over("a.png", there)


def test_every_length_to_which_a_kill_may_tear_the_file(tmp_path):
    path = tmp_path / "m.jsonl"
    with Manifest(path) as manifest:
        for name in ("a", "ä\n", "c"):
            manifest.finish(WorkItem(name, ""), name, seconds=0)
    content = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(content) if byte == ord("\n")]
    for length in range(len(content) + 1):
        path.write_bytes(content[:length])
        with Manifest(path) as manifest:
            assert len(manifest.rows) == sum(end <= length for end in ends)
            manifest.finish(WorkItem("new", ""), 1, seconds=0)
        with Manifest(path) as manifest:
            assert manifest.done(WorkItem("new", ""))


def test_two_runs_do_not_share_one(tmp_path):
    with Manifest(tmp_path / "m"), pytest.raises(RuntimeError, match="another run"):
        Manifest(tmp_path / "m")
    Manifest(tmp_path / "m").close()


@pytest.mark.parametrize("content", ["no\n", "[1]\n", '{"key": "a", "state": "odd"}\n', '{"key": "a"}\n'])
def test_a_foreign_file_is_one_error_and_stays(tmp_path, content):
    path = tmp_path / "m"
    path.write_text(content)
    with pytest.raises(ValueError, match="line 1"):
        Manifest(path)
    assert path.read_text() == content
    path.unlink()
    Manifest(path).close()  # and the lock is free


def test_names_that_no_encoding_knows(tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    with Manifest(tmp_path / "m") as manifest:
        manifest.finish(WorkItem(name, fingerprint(name)), {"path": name}, seconds=0)
    with Manifest(tmp_path / "m") as manifest:
        assert manifest.done(WorkItem(name, fingerprint(name)))["value"] == {"path": name}


def test_identity_changes_with_the_file(tmp_path):
    path = tmp_path / "x"
    assert identity(path)["size"] is None
    path.write_bytes(b"12")
    first = identity(path)
    assert (first["path"], first["size"]) == (str(path), 2)
    os.utime(path, ns=(0, 10**9))
    assert identity(path) != first
    assert fingerprint(first) != fingerprint(identity(path))


def test_a_full_disk_is_told_with_the_file_and_the_next_run_goes_on(tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "m.jsonl"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Manifest(path) as manifest:
        manifest.finish(ITEM, 1, seconds=0)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, hard))
        try:
            with pytest.raises(OSError, match=r"cannot write .*m\.jsonl: .* Make room, then"):
                manifest.finish(WorkItem("b.png", "settings"), 1, seconds=0)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with Manifest(path) as manifest:
        assert manifest.done(ITEM)["value"] == 1
        assert manifest.done(WorkItem("b.png", "settings")) is None
        manifest.finish(WorkItem("b.png", "settings"), 2, seconds=0)
