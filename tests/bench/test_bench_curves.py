import csv
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from pellucid import files, metrics
from pellucid.bench import curves, curves_page
from pellucid.cli import app


def picture(seed=0, shape=(3, 48, 40)):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_bands_of_the_picture_itself_are_one():
    assert curves.correspondence(picture(), picture()) == pytest.approx([1.0] * 5, abs=1e-6)
    assert curves.correspondence(torch.zeros(3, 48, 40), picture()) == [0.0] * 5


def test_more_than_the_target_counts_as_reached():
    assert curves.correspondence(3 * picture(), picture()) == pytest.approx([1.0] * 5, abs=1e-6)


def test_a_low_pass_reaches_the_low_bands_only():
    gray = picture(shape=(1, 60, 60))
    spectrum = torch.fft.fft2(gray)
    radius = 2 * torch.hypot(torch.fft.fftfreq(60)[:, None], torch.fft.fftfreq(60)[None, :])
    low = torch.fft.ifft2(spectrum * (radius <= 0.4 + 1e-6)).real
    found = curves.correspondence(low, gray)
    assert found[:2] == pytest.approx([1.0, 1.0], abs=1e-4)
    assert max(found[2:]) < 1e-4


def test_bands_equal_the_definition_with_masks():
    """Rings of a centred spectrum, as in the authors' code: radius k / 5 of half the width."""
    output, target = picture(1, (3, 40, 40)), picture(2, (3, 40, 40))
    moduli = [np.abs(np.fft.fftshift(np.fft.fft2(x.double().mean(0).numpy()))) for x in (output, target)]
    ratio = np.clip(moduli[0] / (moduli[1] + 1e-8), 0, 1)
    down, across = np.ogrid[:40, :40]
    distance = np.sqrt((down - 20) ** 2 + (across - 20) ** 2)
    edges = [-1.0, *(20 * k / 5 for k in range(1, 6))]
    expected = [
        ratio[(distance > low + 1e-9) & (distance <= high + 1e-9)].mean() for low, high in pairwise(edges)
    ]
    assert curves.correspondence(output, target) == pytest.approx(expected, abs=1e-9)


def test_bands_refuse_what_they_cannot_do():
    with pytest.raises(ValueError, match="shape"):
        curves.correspondence(picture(), picture(shape=(3, 40, 40)))
    with pytest.raises(ValueError, match="no 5 bands"):
        curves.correspondence(torch.zeros(1, 2, 2), torch.zeros(1, 2, 2))


@pytest.fixture(scope="module")
def pair():
    """A smooth picture and its noisy version."""
    y, x = np.mgrid[:32, :32] / 32
    clean = np.stack([x, y, 0.5 + 0.3 * np.sin(6 * x)], axis=-1).astype(np.float32)
    noisy = clean + 0.1 * np.random.default_rng(0).standard_normal(clean.shape).astype(np.float32)
    return files.from_array(noisy, channel_axis=-1), files.from_array(clean, channel_axis=-1)


@pytest.fixture(scope="module")
def fit(pair):
    return curves.follow(*pair, "dip+stop=iterations:12+layers=3", iterations=20, every=5, device="cpu")


def test_the_run_goes_on_beyond_its_rule(fit):
    assert [p.iteration for p in fit.points] == [1, 5, 10, 15, 20]
    assert fit.fired.iteration == 12
    assert fit.returned == fit.fired
    assert fit.own
    seconds = [p.seconds for p in fit.points]
    assert seconds == sorted(seconds)
    assert fit.points[1].seconds < fit.fired.seconds < fit.points[-1].seconds


def test_what_is_returned_is_what_the_run_itself_gives(pair, fit):
    """The truth and looking on change nothing: a run with that rule ends at the same estimate."""
    import pellucid

    result = pellucid.denoise(
        pair[0],
        "dip",
        set={"layers": 3},
        stop="iterations:12",
        iterations=20,
        device="cpu",
        return_result=True,
    )
    assert result.iterations == 12
    score = metrics.psnr(pair[1].pixels[0].copy(), result.estimate[0], data_range=1.0)
    assert fit.fired.psnr == pytest.approx(score, abs=1e-3)


def test_the_best_is_the_highest_that_was_looked_at(fit):
    assert fit.best.psnr == max(p.psnr for p in fit.points)
    assert all(0 <= v <= 1 for p in fit.points for v in (*p.noisy_bands, *p.clean_bands))


def test_a_method_without_a_rule_is_only_watched(pair):
    fit = curves.follow(*pair, "zs-n2n", iterations=6, every=4, device="cpu")
    assert not fit.own
    assert fit.fired is None
    assert [p.iteration for p in fit.points] == [1, 4, 6]
    assert fit.returned.psnr == pytest.approx(fit.points[-1].psnr)


def test_phases_are_marked(pair):
    fit = curves.follow(*pair, "ms-dip+stop=none+minimum=12", iterations=12, every=1, device="cpu")
    assert len({p.phase for p in fit.points}) == len(fit.phases) + 1 > 1


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("nlm", "took one step"),
        ("dip@best", "see the truth themselves"),
        ("auto", "see the truth"),
        ("dip+iterations=many", "must be a number"),
        ("dip+shots=2", "one picture"),
    ],
)
def test_what_has_no_curve_is_refused(pair, entry, message):
    with pytest.raises(ValueError, match=message):
        curves.follow(*pair, entry, device="cpu")


def test_csv_and_page(fit, tmp_path):
    made = curves_page.write([fit], tmp_path / "out", title="a <b>", about=[("Seed", "0")])
    text = made.read_text()
    assert "a &lt;b&gt;" in text
    assert "12" in text
    assert text.count("<svg") == 2 * 4  # the rule only counts: no statistic to draw
    (file,) = (tmp_path / "out").glob("*.csv")
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert [int(row["iteration"]) for row in rows] == [1, 5, 10, 15, 20]
    assert float(rows[-1]["psnr"]) == pytest.approx(fit.points[-1].psnr, abs=1e-3)
    assert float(rows[-1]["noisy_band_5"]) == pytest.approx(fit.points[-1].noisy_bands[4], abs=1e-4)
    assert all(math.isfinite(float(row["loss"])) for row in rows)


def test_the_verb(pair, tmp_path):
    for name, image in zip(("noisy", "clean"), pair, strict=True):
        files.write(image, tmp_path / f"{name}.tif")
    call = ["bench", "curves", str(tmp_path / "noisy.tif"), "--clean", str(tmp_path / "clean.tif")]
    call += ["-o", str(tmp_path / "out"), "--iterations", "4", "--crop", "24", "--device", "cpu"]
    done = CliRunner().invoke(app, [*call, "--method", "dip+layers=3", "--method", "zs-n2n"])
    assert done.exit_code == 0, done.output
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"index.html", "dip-layers-3.csv", "zs-n2n.csv"}
    assert "All methods" in (tmp_path / "out" / "index.html").read_text()
    assert CliRunner().invoke(app, [*call, "--method", "nlm"]).exit_code == 2
