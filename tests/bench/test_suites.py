"""Suites: what they hold is sound, and one runs from training to the comparison."""

from __future__ import annotations

import json
import re
import statistics
import tomllib
from pathlib import Path

import numpy as np
import pytest
from bench_pictures import clean_set, save

from pellucid import cli
from pellucid.bench import log, results, suites
from pellucid.bench.results import Results
from pellucid.bench.spec import parse_entry, parse_set, split
from pellucid.bench.suites import carrying, comparing

PAPERS = {f"rs-dip-{i}" for i in (1, 2, 3, 4)} | {f"ms-dip-{i}" for i in ("1", "2", "3", "fig9", "fig13")}
PAPERS |= {f"iddp-{i}" for i in ("1-2", "3", "fig3", "fig4", "fig7")} | {"blog-dip", "blog-n2n"}


def test_the_tables_of_the_seeds_are_there():
    assert set(suites.names()) == PAPERS


@pytest.mark.parametrize("name", sorted(PAPERS))
@pytest.mark.parametrize("form", ["full", "small"])
def test_a_suite_is_sound(name, form):
    suite = suites.load(name, form)
    trained = {f"model:@{training.name}" for training in suite.trainings}
    sets = {set_ for part in suite.parts for set_ in part.data}
    entries = {entry for part in suite.parts for entry in part.methods}
    assert all(parse_set(set_) for set_ in sets)
    for entry in entries:
        if entry.startswith("model:@"):
            assert entry in trained
        else:
            assert split([entry.replace("{data}", "/data")]) == [entry.replace("{data}", "/data")]
            assert parse_entry(entry)
    assert {e for e in entries if e.startswith("model:@")} == trained
    for number in suite.printed:
        assert number.entry in {"", *entries}
        assert number.ours in suite.whole or number.set.startswith("PolyU image")
        assert number.psnr is None or 18 < number.psnr < 46
        assert number.ssim is None or 0.3 < number.ssim < 1
    assert bool(suite.label) == (form == "small")
    if form == "small":
        assert all(part.more["crop"] == 128 and part.more["limit"] <= 4 for part in suite.parts)
        assert all(training.more["steps"] <= 600 for training in suite.trainings)


def test_a_set_that_the_small_form_leaves_out_is_said_to_be_left_out():
    nothing = Results(manifests=(), cells=())
    small, full = (
        comparing.markdown(suites.load("ms-dip-1", form), nothing, {}) for form in ("small", "full")
    )
    left_out = [line for line in small.splitlines() if "not in the small form" in line]
    assert left_out
    assert all("sigma 25" not in line for line in left_out if "Set9" in line)
    assert "not in the small form" not in full


def headed(name, form):
    """The settings that the comparison states, as lists below what has them."""
    text = comparing.markdown(suites.load(name, form), Results(manifests=(), cells=()), {})
    blocks = re.split(r"^- ", text.split("## Settings that are not")[1], flags=re.M)[1:]
    return {head: body for head, _, body in (block.partition("\n") for block in blocks)}


def test_the_settings_stated_are_those_that_run():
    """With what a training or an entry changes, and each distinct configuration once."""
    found = headed("blog-n2n", "small")
    (head,) = (h for h in found if "`model:@supervised`" in h)
    assert "steps = 500, in the paper 300000" in found[head]
    assert "learning_rate = 0.001" in found[head]
    assert "as this suite sets it" in found[head]
    found = headed("ms-dip-3", "full")
    assert "weight = 0.5, in the paper None" in next(b for h, b in found.items() if "+weight=0.5" in h)
    assert "weight" not in next(b for h, b in found.items() if h.startswith("`ms-dip`: "))
    found = headed("iddp-1-2", "small")
    (head,) = (h for h in found if "`model:@n2n-gaussian`" in h)
    assert "`model:@n2n-speckle`" in head


def printed(name, method, set_):
    found = [n for n in suites.load(name).printed if (n.method, n.set) == (method, set_)]
    assert len(found) == 1
    return found[0]


def test_printed_numbers_agree_with_each_other():
    """Where two tables print the same thing, or a mean follows from its rows."""
    mean = "PolyU, mean of 10 images"
    for name, method in (("rs-dip-1", "Restormer+SwinIR"), ("rs-dip-2", "RS-DIP"), ("rs-dip-3", "RS-DIP")):
        rows = [printed(name, method, f"PolyU image {i}").psnr for i in range(1, 11)]
        assert printed(name, method, mean).psnr == pytest.approx(statistics.mean(rows), abs=0.0051)
        assert printed(name, method, mean).psnr == printed("rs-dip-4", "RS-DIP", "PolyU").psnr
    for method in ("RS-DIP-1",):
        rows = [printed("rs-dip-2", method, f"PolyU image {i}").psnr for i in range(1, 11)]
        assert printed("rs-dip-2", method, mean).psnr == pytest.approx(statistics.mean(rows), abs=0.0051)
    for combination in ("Restormer+FFDNet", "DAGL+DnCNN", "DAGL+FFDNet", "DAGL+SwinIR"):
        rows = [printed("rs-dip-1", combination, f"PolyU image {i}").psnr for i in range(1, 11)]
        assert printed("rs-dip-1", combination, mean).psnr == pytest.approx(statistics.mean(rows), abs=0.0051)
    ours = (printed("ms-dip-2", "Ours", "CC"), printed("ms-dip-3", "Ours (full method)", "CC"))
    assert (ours[0].psnr, ours[0].ssim) == (ours[1].psnr, ours[1].ssim) == (37.82, 0.981)


SUITE = """
title = "Test"
notes = ["A note."]
residuals = true

[train.tiny]
method = "n2n"
data = ["Nowhere", "Pictures"]
noise = "gaussian:25"
set = { network = "small-residual", batch = 2 }
full = { steps = 9 }
small = { steps = 3, set = { patch = 32 } }

[train.none]
method = "n2n"
data = ["Nowhere"]
noise = "gaussian:25"

[[part]]
data = ["Set9:gaussian:25:clip"]
methods = ["noisy", "median", "model:@tiny", "model:@none", "dncnn+model={data}/weights/none.pth",
           "rs-dip+near_clean={data}/a.pth:{data}/b.pth"]
[part.small]
crop = 32

[[part]]
data = ["CC15"]
methods = ["median"]
[part.small]
crop = 32

[as]
"Nine" = "Set9:gaussian:25:clip"
[same]
"Median" = "median"
"Mine" = "model:@tiny"

[[published]]
source = "a paper, table 1"
sets = ["Nine", "CC15"]
[published.rows]
"Median" = [[25.5, 0.7], [30.25, 0.8]]
"Mine" = [[26.125, 0.75], [31, 0.85]]
"Other" = [[27, 0.8], [32, 0.9]]
"""


@pytest.mark.slow
def test_a_suite_trains_runs_and_compares(tmp_path, capsys, monkeypatch):
    data = clean_set(tmp_path / "data", 2, side=48)
    draws = np.random.default_rng(0)
    for i in range(3):
        save(draws.integers(0, 255, (64, 64, 3)).astype(np.uint8), data / "train" / "Pictures" / f"{i}.png")
    (tmp_path / "mine.toml").write_text(SUITE)
    words = ["bench", "suite", str(tmp_path / "mine.toml"), "--small", "-o", str(tmp_path / "out")]
    words += ["--data-root", str(data), "--threads", "1", "--device", "cpu"]
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    err = capsys.readouterr().err
    assert end.value.code == 0, err
    assert "tiny: training n2n on Pictures" in err
    assert "none: not trained, none of Nowhere is below" in err
    folder = tmp_path / "out" / "mine.small"
    again: list[str] = []
    suite = suites.load(str(tmp_path / "mine.toml"), "small")
    entries = carrying.prepare(suite.trainings, data, folder, device="cpu", said=again.append)
    assert entries["tiny"].startswith(f"model:{folder / 'models' / 'tiny-'}")
    assert [line.split(":")[0] for line in again] == ["none"]  # tiny is kept
    text = (folder / "suite.md").read_text()
    assert "small form: 32x32 crops, 1 image of each set, preset fast, models trained for 3 steps" in text
    rows = {tuple(c.strip() for c in line.split("|")[1:3]): line for line in text.splitlines() if "|" in line}
    assert "25.50 / 0.700" in rows["Nine", "Median"]
    assert re.search(r"32x32 crops, 1 image\b", rows["Nine", "Median"])
    assert "`model:@tiny`" in rows["Nine", "Mine"]
    assert "no method of pellucid in its place" in rows["Nine", "Other"]
    assert "no set: CC15 is not on this machine" in rows["CC15", "Median"]
    assert text.count("weights not at hand") == 3
    assert "## What was removed beside the real noise" in text
    cells = log.read(folder)
    assert sum(cell["skipped"] is None for cell in cells.values()) == 3
    numbers = results.read_published(folder / "published.toml")
    assert (numbers[0].set, numbers[0].method, numbers[0].psnr) == ("Set9:gaussian:25:clip", "Median", 25.5)
    assert json.loads((folder / "manifest.json").read_text())["label"].startswith("small form")


def test_a_checkpoint_that_does_not_fit_is_set_aside(tmp_path, monkeypatch):
    """Days of work may be in it."""
    (suite,) = suites.load(_written(tmp_path), "small").trainings[:1]
    (tmp_path / "data" / "Pictures").mkdir(parents=True)
    file = carrying.path_of(suite, tmp_path / "data" / "Pictures", tmp_path / "out")
    run = file.with_suffix(".run")
    run.mkdir(parents=True)
    (run / "checkpoint.pt").write_text("precious")

    def train(method, data, out, *, resume=False, **more):
        if resume:
            raise ValueError("was made with seed=1, got seed=2.")
        out.write_text("model")

    monkeypatch.setattr("pellucid.training.train", train)
    told: list[str] = []
    entries = carrying.prepare([suite], tmp_path / "data", tmp_path / "out", said=told.append)
    assert entries == {"tiny": f"model:{file}"}
    assert (run.with_name(f"{run.name}.1") / "checkpoint.pt").read_text() == "precious"
    assert "got seed=2" in told[1]


def _written(folder):
    (folder / "mine.toml").write_text(SUITE)
    return str(folder / "mine.toml")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("title", "tilte"), "unknown: tilte"),
        (("[[25.5, 0.7], [30.25, 0.8]]", "[[25.5, 0.7]]"), "1 numbers for 2 sets"),
        (("crop = 32", "crops = 32"), "a part may hold"),
        (('method = "n2n"', "methd = 3"), "KeyError: 'method'"),
        (("[[part]]", "[[part]"), "TOMLDecodeError"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, change, said):
    path = tmp_path / "mine.toml"
    path.write_text(SUITE.replace(*change))
    with pytest.raises(ValueError, match="is not of the form") as error:
        suites.load(str(path), "small")
    assert said in str(error.value)


def test_names_and_listing(capsys):
    with pytest.raises(ValueError, match="Did you mean 'ms-dip-1'"):
        suites.load("msdip-1")
    with pytest.raises(SystemExit):
        cli.main(["bench", "suite"])
    out = capsys.readouterr().out
    assert all(name in out for name in suites.names())
    with pytest.raises(SystemExit) as end:
        cli.main(["bench", "suite", "ms-dip-1"])
    assert end.value.code == 2
    assert "Name it with -o FOLDER" in capsys.readouterr().err
    assert tomllib.loads(SUITE)


def test_the_page_speaks_of_every_suite():
    page = (Path(__file__).resolve().parents[2] / "docs" / "reproduction.md").read_text(encoding="utf-8")
    for name in suites.names():
        assert f"`bench suite {name}`" in page, name


def test_the_documented_suite_is_one(tmp_path):
    page = (Path(__file__).resolve().parents[2] / "docs" / "reproduction.md").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(page.split("```toml\n")[1].split("```")[0])
    suite = suites.load(str(tmp_path / "mine.toml"), "small")
    assert suite.label == (
        "small form: 128x128 crops, 2 images of each set, preset fast, models trained for 300 steps at most"
    )
    assert suite.printed[0].entry == "bm3d@sigma"
