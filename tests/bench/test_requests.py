"""The requests of the benchmark: keyword arguments and records agree, and refuse what is wrong by itself."""

from __future__ import annotations

import typing
from pathlib import Path

import pytest

from pellucid import bench, fields
from pellucid.bench.request import BenchRun, RunOptions, WorkerOptions, Workers
from pellucid.request import from_json, to_json

GIVEN = {"data": "CC15", "methods": "nlm", "out": Path("r")}


@pytest.mark.parametrize(("record", "options"), [(Workers, WorkerOptions), (BenchRun, RunOptions)])
def test_keyword_arguments_are_the_fields(record, options):
    names = {f.name for f in fields.options(record)} - set(GIVEN)
    assert set(typing.get_type_hints(options)) == names


@pytest.mark.parametrize("record", [Workers, BenchRun])
def test_every_field_has_its_help(record):
    assert all(f.help.endswith(".") for f in fields.options(record))


def test_a_list_will_do_and_equal_requests_are_equal():
    asked = BenchRun(**GIVEN, seeds=[0, 1], images=["a"], peers=["x=y {in} {out}"])
    assert asked == BenchRun(**GIVEN, seeds=(0, 1), images=("a",), peers=("x=y {in} {out}",))
    assert hash(asked)


def test_json_there_and_back():
    asked = BenchRun(**GIVEN, seeds=(0, 1), images=("a", "b"), crop=64, data_root=Path("data"))
    assert from_json(BenchRun, to_json(asked)) == asked


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"limit": 0}, "limit must be at least 1, got 0"),
        ({"timeout": 0}, "timeout must be greater than 0, got 0"),
        ({"absent": "ignore"}, "absent must be one of error, skip; got 'ignore'"),
        ({"seeds": ()}, "at least one"),
    ],
)
def test_what_is_wrong_by_itself_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        BenchRun(**(GIVEN | change))


def test_an_argument_that_there_is_not_names_the_nearest():
    with pytest.raises(TypeError, match="Did you mean 'limit'"):
        bench.run("CC15", "nlm", "r", limits=3)
