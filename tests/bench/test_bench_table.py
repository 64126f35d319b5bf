import csv
import io
import math
import statistics

import pytest
from fake_results import folder, line
from typer.testing import CliRunner

from pellucid.bench import render, results
from pellucid.bench.table import tables
from pellucid.cli import app


def made(tmp_path, lines, **manifest):
    return results.read(folder(tmp_path / "r", lines, **manifest))


def named(table, method):
    return next(row for row in table.rows if row.method == method)


def test_means_are_over_the_images_that_all_methods_finished(tmp_path):
    lines = [
        line("nlm", "a", psnr=30.0),
        line("nlm", "b", psnr=10.0),
        line("tv", "a", psnr=28.0),
        line("tv", "b", psnr=None, error="it fell over"),
    ]
    (table,) = tables(made(tmp_path, lines))
    assert named(table, "nlm").psnr.mean == 30.0
    assert named(table, "nlm").images == 1
    assert "1 image that all 2 methods finished, of 2 begun" in table.notes[0]
    assert [(m.method, m.reason, m.skipped) for m in table.missing] == [("tv", "it fell over", False)]
    (own,) = tables(made(tmp_path, lines), over="own")
    assert (named(own, "nlm").psnr.mean, named(own, "nlm").images, named(own, "tv").images) == (20.0, 2, 1)


def test_a_method_that_was_skipped_everywhere_takes_no_image_from_the_others(tmp_path):
    lines = [line("nlm", "a"), line("n2n", "a", psnr=None, skipped="weights not at hand")]
    (table,) = tables(made(tmp_path, lines))
    assert named(table, "nlm").images == 1
    assert table.missing[0].skipped
    assert "n2n: skipped in 1 cell: weights not at hand" in render.text([table])


def test_what_the_methods_said_stands_below_the_table(tmp_path):
    """Once, though its figures differ from picture to picture; rows of before have none."""
    lines = [
        line("dip", "a", warnings=["It ended after 2 of 300."]),
        line("dip", "b", warnings=["It ended after 3 of 300.", "It is dark."]),
        line("tv", "a", warnings=[]),
        line("tv", "b", warnings=["It is dark."]),
        line("nlm", "a", warnings=None),
        line("nlm", "b"),
    ]
    (table,) = tables(made(tmp_path, lines))
    assert table.notes[-2:] == (
        "dip in 2 cells, with other figures in some: It ended after 2 of 300.",
        "dip, tv in 2 cells: It is dark.",
    )
    assert "It is dark." in render.text([table])


def test_nothing_in_common_is_said(tmp_path):
    (table,) = tables(made(tmp_path, [line("nlm", "a"), line("tv", "b")]))
    assert "cannot be compared" in table.notes[0]


def test_the_deviation_is_that_of_the_means_of_the_seeds(tmp_path):
    values = {0: (30.0, 20.0), 1: (31.0, 21.5), 2: (29.0, 20.0)}
    lines = [
        line("nlm", image, seed=seed, psnr=value)
        for seed, pair in values.items()
        for image, value in zip("ab", pair, strict=True)
    ]
    (table,) = tables(made(tmp_path, lines))
    score = named(table, "nlm").psnr
    assert score.deviation == pytest.approx(statistics.stdev([25.0, 26.25, 24.5]))
    assert score.mean == pytest.approx(statistics.mean(v for pair in values.values() for v in pair))


def test_only_the_seeds_that_all_have_count(tmp_path):
    lines = [line("nlm", "a", psnr=30.0), line("nlm", "a", seed=1, psnr=20.0), line("tv", "a")]
    (table,) = tables(made(tmp_path, lines))
    assert named(table, "nlm").psnr.mean == 30.0
    assert any("other seeds (1)" in note for note in table.notes)


def test_where_no_noise_is_added_each_method_keeps_its_seeds(tmp_path):
    """A filter on real noise draws nothing and is run once; a fit has seeds of its own."""
    lines = [line("nlm", "a", set="CC15", psnr=30.0)]
    lines += [line("dip", "a", set="CC15", seed=seed, psnr=28.0 + seed) for seed in (0, 1)]
    (table,) = tables(made(tmp_path, lines))
    assert named(table, "dip").psnr.mean == 28.5
    assert named(table, "dip").psnr.deviation == pytest.approx(0.7071, abs=1e-4)
    assert (named(table, "nlm").seeds, named(table, "dip").seeds) == (1, 2)


def test_a_perfect_result_is_infinite(tmp_path):
    (table,) = tables(made(tmp_path, [line("nlm", "a", psnr=None, ssim=1.0), line("tv", "a")]))
    assert named(table, "nlm").psnr.mean == math.inf


def test_the_seconds_of_an_oracle_that_looks_and_of_a_program_that_starts(tmp_path):
    (table,) = tables(made(tmp_path, [line("dip@best", "a"), line("peer:x", "a", start_up=True)]))
    assert named(table, "dip@best").seconds is None
    assert named(table, "peer:x").marks == ("seconds with start-up",)


def test_best_first_or_as_given(tmp_path):
    lines = [line("tv", "a", psnr=28.0), line("nlm", "a", psnr=30.0), line("dip@best", "a", psnr=31.0)]
    results = made(tmp_path, lines)
    assert [row.method for row in tables(results)[0].rows] == ["dip@best", "nlm", "tv", "noisy"]
    assert [row.method for row in tables(results, order="given")[0].rows][:2] == ["tv", "nlm"]
    with pytest.raises(ValueError, match="order must be one of"):
        tables(results, order="worst")


def test_the_noisy_input_has_a_row_of_its_own(tmp_path):
    (table,) = tables(made(tmp_path, [line("nlm", "a"), line("tv", "a")]))
    noisy = named(table, "noisy")
    assert (noisy.kind, noisy.psnr.mean, noisy.seconds) == ("input", 20.0, None)


def test_oracles_and_papers_are_marked_and_never_bold(tmp_path):
    lines = [line("nlm", "a", psnr=30.0), line("dip@best", "a", psnr=31.0)]
    printed = [results.Published(set="set9:gaussian:25", method="DIP", psnr=30.43, source="Table 1 of X")]
    text = render.text(tables(made(tmp_path, lines), published=printed))
    assert "| `dip@best` | 31.00 |" in text
    assert "*oracle*" in text
    assert "*published*: Table 1 of X" in text
    assert "**30.00**" in text
    assert "**31.00**" not in text
    assert "64x64 crops" in text


def test_other_code_is_marked(tmp_path):
    lines = [line("nlm", "a"), line("wavelet", "a"), line("tv", "a", source="bbbb")]
    (table,) = tables(made(tmp_path, lines))
    assert named(table, "tv").marks == ("other code: bbbb",)
    assert named(table, "nlm").marks == ()
    assert "other code: bbbb" in render.text([table])


def test_presets_are_told_apart_only_where_there_are_several(tmp_path):
    lines = [line("dip", "a"), line("dip", "a", preset="paper"), line("nlm", "a")]
    (table,) = tables(made(tmp_path, lines))
    assert {row.name for row in table.rows} == {"dip (fast)", "dip (paper)", "nlm", "noisy"}


def test_without_truth_there_are_dashes(tmp_path):
    lines = [line("nlm", "a", psnr=None, ssim=None, noisy_psnr=None, noisy_ssim=None)]
    text = render.text(tables(made(tmp_path, lines)))
    assert "| `nlm` | – | – | 2 | 300 | 1 |" in text


def test_an_exact_result_is_infinite(tmp_path):
    (table,) = tables(
        made(tmp_path, [line("nlm", "a", psnr=math.inf), line("nlm", "a", seed=1, psnr=math.inf)])
    )
    assert "∞" in render.text([table], metric="psnr")


def test_csv_can_be_read_back(tmp_path):
    lines = [line("nlm", "a", psnr=30.125), line("tv", "a", psnr=None, error='bad, "very"')]
    text = render.text(tables(made(tmp_path, lines)), format="csv", metric="psnr", label="small form")
    found = {row["method"]: row for row in csv.DictReader(io.StringIO(text))}
    assert float(found["nlm"]["psnr"]) == 30.125
    assert found["nlm"]["note"] == "small form"
    assert found["tv"]["kind"] == "failed"
    assert found["tv"]["note"] == 'bad, "very"'
    assert "ssim" not in found["nlm"]
    assert all(None not in row and None not in row.values() for row in found.values())


def test_latex_escapes(tmp_path):
    lines = [line("ms-dip+stop=none_50%", "a")]
    text = render.text(tables(made(tmp_path, lines)), format="latex")
    assert r"ms-dip+stop=none\_50\%" in text
    assert text.count("\\begin{tabular}{lrrrrrl}") == 1


def test_published_rows_are_checked(tmp_path):
    file = tmp_path / "papers.toml"
    file.write_text('[[row]]\nset = "CC15"\nmethod = "X"\npsnr = 35.1\nsource = "somewhere"\n')
    assert results.read_published(file)[0].psnr == 35.1
    file.write_text('[[row]]\nset = "CC15"\nmethod = "X"\n')
    with pytest.raises(ValueError, match="source"):
        results.read_published(file)
    assert all(row.source for row in results.read_published())


def test_the_verb_prints_writes_and_refuses(tmp_path):
    root = folder(tmp_path / "r", [line("nlm", "a")], label="small form: 64x64 crops, 1 image")
    run = CliRunner().invoke
    shown = run(app, ["bench", "table", str(root)])
    assert shown.exit_code == 0
    assert shown.stdout.startswith("**small form: 64x64 crops, 1 image**")
    out = tmp_path / "t.tex"
    assert run(app, ["bench", "table", str(root), "--format", "latex", "-o", str(out)]).exit_code == 0
    assert "booktabs" in out.read_text()
    for wrong in (["--format", "word"], ["--metric", "lpips"], ["--over", "all"], ["--order", "worst"]):
        assert run(app, ["bench", "table", str(root), *wrong]).exit_code == 2
    assert run(app, ["bench", "table", str(tmp_path / "none")]).exit_code == 2
