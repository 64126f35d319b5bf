"""`inspect`, `methods`, `demo`, and how several values of one flag are read."""

import numpy as np
import pytest
from skimage.data import chelsea
from skimage.io import imread
from skimage.metrics import peak_signal_noise_ratio

from pellucid import methods
from pellucid.cli.options import repeated


def test_inspect_in_words(run, photo):
    done = run("inspect", photo)
    assert done.code == 0
    assert done.out.startswith(f"{photo}: ")
    assert "denoise would use" in done.out


def test_inspect_in_json(run, photo, photos):
    one = run("inspect", photo, "--json").json
    assert np.mean(one["noise"]["sigma_file_units"]) == pytest.approx(25, rel=0.2)
    many = run("inspect", *photos, "--json").json
    assert [r["input"] for r in many] == [str(p) for p in photos]


def test_inspect_goes_on_after_an_error(run, photo, tmp_path):
    done = run("inspect", tmp_path / "none.png", photo, "--json")
    assert done.code == 1
    assert "error" in done.json[0]
    assert "noise" in done.json[1]
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize("options", [(), ("--data-range", 2000), ("--nodata", 0)])
def test_inspect_of_floats_of_any_range(run, tmp_path, options):
    path = tmp_path / "x.npy"
    np.save(path, np.random.default_rng(0).normal(1000, 20, (64, 64)).astype(np.float32))
    done = run("inspect", path, "--json", *options)
    assert done.code == 0, done.err
    assert np.mean(done.json["noise"]["sigma_file_units"]) == pytest.approx(20, rel=0.2)


def test_methods_lists_all(run):
    lines = run("methods").out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *methods.METHODS]
    assert [r["name"] for r in run("methods", "--json").json] == list(methods.METHODS)


@pytest.mark.parametrize("name", list(methods.METHODS))
def test_methods_shows_fields_and_presets(run, name):
    done = run("methods", name)
    assert done.code == 0
    assert "fast: " in done.out
    assert "paper: " in done.out
    for field in run("methods", name, "--json").json["fields"]:
        assert f"  {field['name']} = " in done.out
        assert field["help"] in done.out


def test_methods_of_a_wrong_name(run):
    done = run("methods", "nml")
    assert done.code == 2
    assert "Did you mean 'nlm'" in done.err


@pytest.mark.slow
def test_demo_tells_the_truth(run, tmp_path):
    out = tmp_path / "demo"
    done = run("demo", "-o", out)
    assert done.code == 0
    assert sorted(p.name for p in out.iterdir()) == ["clean.png", "noisy.png", "report.html"]
    before, after = (peak_signal_noise_ratio(chelsea(), imread(out / f"{n}.png")) for n in ("noisy", "clean"))
    assert f"{before:.2f} dB" in done.out
    assert f"{after:.2f} dB" in done.out
    assert after > before + 7


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (["a", "--reference", "x", "y"], ["a", "--reference", "x", "--reference", "y"]),
        (["--set", "a=1", "b=2", "-o", "c"], ["--set", "a=1", "--set", "b=2", "-o", "c"]),
        (["--reference=x", "a"], ["--reference=x", "a"]),
        (["-o", "c", "a", "b"], ["-o", "c", "a", "b"]),
        (["--reference", "x", "--json", "a"], ["--reference", "x", "--json", "a"]),
        (["--reference", "x", "--", "a"], ["--reference", "x", "--", "a"]),
        (["--reference"], ["--reference"]),
    ],
)
def test_several_values_of_a_flag(typed, read):
    assert repeated(typed) == read
