"""The table of methods: read without torch, and what it says is what the loaded methods say."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from pellucid import methods
from pellucid.methods.table import METHODS, described


@pytest.mark.parametrize("name", list(METHODS))
def test_the_table_says_what_the_record_says(name):
    info, method = METHODS[name], methods.load(name)
    assert {field: getattr(method, field) for field in described(name)} == described(name)
    assert info.name == name
    assert info.trained == (method.learning is not None)
    assert info.restores == tuple(method.restores)
    given = [f for f in dataclasses.fields(info) if f.name not in ("target", "trained", "restores")]
    assert {f.name for f in given} == set(described(name))


def test_verbs():
    assert METHODS["n2n"].verbs == ("train", "denoise")
    assert METHODS["zssr"].verbs == ("upscale",)


def test_families_are_the_folders():
    folders = {"filter": "filters", "single image": "single_image", "data set": "dataset"}
    for info in METHODS.values():
        assert info.target.split(".")[2] == folders[info.family]


def test_the_list_loads_no_torch():
    code = "import sys; from pellucid.cli import method_verbs as v; v.methods(None, as_json=False); "
    code += "assert not {'torch', 'numpy'} & set(sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.count("\n") == len(METHODS) + 1
