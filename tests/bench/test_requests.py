"""The requests of the benchmark: keyword arguments and records agree, and refuse what is wrong by itself."""

from __future__ import annotations

import typing
from pathlib import Path

import pytest

from pellucid import bench, fields
from pellucid.bench.request import BenchRun, RunOptions, WorkerOptions, Workers

GIVEN = {"data": "CC15", "methods": "nlm", "out": Path("r")}


@pytest.mark.parametrize(("record", "options"), [(Workers, WorkerOptions), (BenchRun, RunOptions)])
def test_keyword_arguments_are_the_fields(record, options):
    names = {f.name for f in fields.options(record)} - set(GIVEN)
    assert set(typing.get_type_hints(options)) == names


@pytest.mark.parametrize("record", [Workers, BenchRun])
def test_every_field_has_its_help(record):
    assert all(f.help.endswith(".") for f in fields.options(record))


def test_a_list_will_do_and_equal_requests_are_equal():
    assert BenchRun(**GIVEN, seeds=[0, 1]) == BenchRun(**GIVEN, seeds=(0, 1))


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
