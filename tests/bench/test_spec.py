"""The grammar of sets and entries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.bench.spec import parse_entry, parse_set, slug, split


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("CC15", ("CC15", "", "", False)),
        ("Set9:gaussian:25", ("Set9", "gaussian", "25", False)),
        ("BSD68:gaussian:0-50:clip", ("BSD68", "gaussian", "0-50", True)),
        ("CBSD68:poisson:30", ("CBSD68", "poisson", "30", False)),
        ("Set9:correlated:25,1.5:clip", ("Set9", "correlated", "25,1.5", True)),
        ("Set9:salt-pepper:.1", ("Set9", "salt-pepper", ".1", False)),
        ("../my data/scans", ("../my data/scans", "", "", False)),
    ],
)
def test_sets(text, parts):
    spec = parse_set(text)
    assert (spec.name, spec.model, spec.level, spec.clip) == parts
    assert spec.text == text


@pytest.mark.parametrize(
    "text", ["", "Set9:gaussian", "Set9:25", "Set9:clip", "Set9:gaussian:x", "Set9:gaussian:5-"]
)
def test_sets_that_are_none(text):
    with pytest.raises(ValueError, match=r"SET:model:level"):
        parse_set(text)


def test_entries():
    entry = parse_entry("ms-dip+consistency=none+iterations=20+preset=paper@best")
    assert (entry.kind, entry.name, entry.oracle) == ("method", "ms-dip", "best")
    assert entry.fields == {"consistency": "none"}
    assert entry.arguments == {"iterations": "20", "preset": "paper"}
    assert entry.text == "ms-dip+consistency=none+iterations=20@best"
    own = parse_entry("dip+set.iterations=5000+iterations=300")
    assert (own.fields, own.arguments) == ({"iterations": "5000"}, {"iterations": "300"})
    assert parse_entry("model:a/b-1.safetensors@sigma").name == "a/b-1.safetensors"
    shipped = parse_entry("swift-color@sigma")
    assert (shipped.kind, shipped.name) == ("model", "swift-color")
    with pytest.raises(ValueError, match="Did you mean 'swift-color'"):
        parse_entry("swift-colour")
    assert parse_entry("peer:bm3d@sigma").kind == "peer"
    assert [parse_entry(t).has_preset for t in ("bm3d", "auto", "noisy", "n2n", "peer:x")] == [
        True,
        *[False] * 4,
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bm3", "Did you mean 'bm3d'"),
        ("bm3d@sigmas", "Did you mean 'sigma'"),
        ("noisy@sigma", "needs no truth"),
        ("auto@best", "methods that iterate"),
        ("dip+width=1+width=2", "width twice"),
        ("peer:x+a=1", "takes no fields"),
        ("model:", "followed by a name"),
        ("bm3d+radius", "must"),
        ("", "must look like"),
    ],
)
def test_entries_that_are_none(text, words):
    with pytest.raises(ValueError, match=words):
        parse_entry(text)


def test_lists_keep_commas_that_belong_to_a_level_or_a_value():
    sets = split(["CC15,Set9:camera:100,2,90:clip", "Set12:gaussian:15,CC15"], levels=True)
    assert sets == ["CC15", "Set9:camera:100,2,90:clip", "Set12:gaussian:15"]
    assert split("dip+widths=8,16@best,nlm") == ["dip+widths=8,16@best", "nlm"]
    assert split(["bm3d", "rs-dip+near_clean=bm3d:nlm"]) == ["bm3d", "rs-dip+near_clean=bm3d:nlm"]


@given(st.text(min_size=1, max_size=120), st.text(min_size=1, max_size=120))
def test_slugs_are_file_names_and_differ(one, two):
    a, b = slug(one), slug(two)
    assert "/" not in a
    assert a not in ("", ".", "..")
    assert len(a.encode()) <= 255
    colon = one.replace(":", ".") == two.replace(":", ".")
    assert one == two or a != b or colon
