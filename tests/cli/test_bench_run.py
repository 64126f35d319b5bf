"""`pellucid bench run` and `bench data` as typed."""

import json

import numpy as np
import pytest
from cli_pictures import clean_array, noisy_array
from PIL import Image as Pillow

from pellucid.bench import log


@pytest.fixture
def own(tmp_path):
    for kind, pixels in (("noisy", noisy_array()), ("clean", clean_array())):
        (tmp_path / "own" / kind).mkdir(parents=True)
        Pillow.fromarray(pixels).save(tmp_path / "own" / kind / "cat.png")
    return tmp_path / "own"


@pytest.mark.slow
def test_a_run_of_ones_own_folder(run, own, tmp_path):
    out = tmp_path / "results"
    done = run("bench", "run", "--data", own, "--methods", "nlm,n2n", "-o", out, "--crop", 40, "--threads", 1)
    assert done.code == 0
    assert f"{out}: 1 done, 0 kept, 1 skipped, 0 failed" in done.out
    assert "1/2" in done.err
    assert "dB" in done.err
    assert "skipped: n2n: weights not at hand" in done.err
    (row, _) = log.read(out).values()
    assert row["crop"] == 40
    assert np.asarray(Pillow.open(out / row["file"])).shape == (40, 40, 3)
    told = json.loads((out / "manifest.json").read_text())
    assert told["threads"] == 1
    again = run("bench", "run", "--data", own, "--methods", "nlm", "-o", out, "--crop", 40, "--threads", 1)
    assert "0 done, 1 kept" in again.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--methods", "nlm", "--data", "Sett9"], "Did you mean 'Set9'"),
        (["--methods", "nlmm", "--data", "CC15"], "Did you mean 'nlm'"),
        (
            ["--methods", "nlm", "--data", "CC15", "--seeds", "x"],
            "seeds must be whole numbers separated by commas",
        ),
        (["--methods", "nlm", "--data", "CC15"], "CC15 is not below"),
    ],
)
def test_wrong_usage_is_one_line(run, arguments, words, tmp_path):
    done = run("bench", "run", *arguments, "-o", tmp_path / "r", "--data-root", tmp_path)
    assert done.code == 2
    assert words in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "r").exists()


def test_data_as_json(run, tmp_path):
    sets = run("bench", "data", "--data-root", tmp_path, "--json").json["sets"]
    assert {"Set9", "CC15", "PolyU", "SIDD", "NIND", "FMD", "DND", "Waterloo", "CelebA"} <= {
        s["name"] for s in sets
    }
    assert all(s["images"] == 0 and s["page"] and s["licence"] for s in sets)
