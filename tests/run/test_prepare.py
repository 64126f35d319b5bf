"""prepare and put_back: what is no noise is seen to first; what comes out has the form of what went in."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, camera

import pellucid
from pellucid.cli import main
from shipping import ship

CLEAN = camera()[100:196, 180:290].astype(np.float32)
NOISY = np.clip(CLEAN + 15 * np.random.default_rng(0).standard_normal(CLEAN.shape), 0, 255).astype(np.uint8)
RGB = np.stack([NOISY] * 3, -1)
GREEN = np.stack([0 * NOISY, NOISY, 0 * NOISY], -1)


def told(*arguments) -> None:
    with pytest.raises(SystemExit) as end:
        main([str(a) for a in arguments])
    assert not end.value.code


@pytest.mark.parametrize("method", ["auto", "bm3d", "nlm", "tv", "median"])
def test_a_gray_picture_comes_out_the_same_however_it_is_stored(method):
    """It lost 4 to 6 dB as RGB: three equal channels have no chroma, which was read as no noise."""
    alone = pellucid.denoise(NOISY, method)
    equal = pellucid.denoise(RGB, method, channel_axis=-1)
    green = pellucid.denoise(GREEN, method, channel_axis=-1)
    assert np.array_equal(equal, np.stack([alone] * 3, -1))
    assert np.array_equal(green[..., 1], alone)
    assert green[..., [0, 2]].max() == 0


def test_the_reason_and_inspect_say_so(tmp_path, capsys):
    Image.fromarray(RGB).save(tmp_path / "gray.png")
    told("inspect", tmp_path / "gray.png")
    assert "All 3 channels are equal: one gray picture." in capsys.readouterr().out
    told("denoise", tmp_path / "gray.png", "-o", tmp_path / "out.png", "--json")
    record = json.loads(capsys.readouterr().out)
    assert record["reason"].startswith("all 3 channels are equal: one gray picture: noise of")
    assert record["prepared"]["layout"] == ["all 3 channels are equal: one gray picture"]


def test_a_model_for_colours_takes_equal_channels_and_they_stay_equal(shelf, tmp_path):
    model = str(ship(tmp_path / "own", channels=3))
    out = pellucid.denoise(RGB, "n2n", model=model, channel_axis=-1, sigma=15, data_range=255)
    assert np.array_equal(out[..., 0], out[..., 1])
    assert np.array_equal(out[..., 0], out[..., 2])


def test_maps_of_uncertainty_and_near_clean_pictures_have_the_channels_of_the_file():
    result = pellucid.denoise(GREEN, "self2self", channel_axis=-1, iterations=2, return_result=True)
    spread = result.extras["uncertainty"]
    assert spread.shape == (3, *NOISY.shape)
    assert spread[[0, 2]].max() == 0
    assert spread[1].max() > 0
    result = pellucid.denoise(
        GREEN, "rs-dip", near_clean="tv,nlm", channel_axis=-1, iterations=2, return_result=True
    )
    assert result.estimate.shape == (1, 3, *NOISY.shape)
    assert result.extras["near_clean"].shape == (2, 1, 3, *NOISY.shape)
    assert result.extras["near_clean"][:, :, [0, 2]].max() == 0


def test_filling_and_enlarging_take_the_picture_as_it_came():
    hole = np.zeros(NOISY.shape, bool)
    hole[40:44, 30:60] = True
    filled = pellucid.inpaint(RGB, hole, "biharmonic", channel_axis=-1)
    assert np.array_equal(filled[~hole], RGB[~hole])
    assert pellucid.upscale(RGB, 2, "bicubic", channel_axis=-1).shape == (192, 220, 3)


def dim(count: int = 1) -> np.ndarray:
    """Frames of a dim scene, 16 bits, with one pixel that is stuck at white."""
    draws = np.random.default_rng(3)
    frames = (
        draws.poisson(np.repeat(CLEAN[None] / 2, count, 0)) + 100 + draws.normal(0, 3, (count, *CLEAN.shape))
    )
    frames[:, 40, 50] = 65535
    return frames.round().astype(np.uint16)


def test_hot_pixels_are_replaced_counted_and_said(tmp_path, capsys):
    frame = dim()[0]
    result = pellucid.denoise(frame, "bm3d", return_result=True)
    assert result.estimate[0, 0, 40, 50] * 65535 < 400
    assert (
        "1 hot pixel replaced by the median of the neighbours (--hot-pixels off keeps them)"
        in result.warnings
    )
    kept = pellucid.denoise(frame, "bm3d", hot_pixels="off", sigma=11, data_range=65535)
    assert kept[40, 50] > 1000
    Image.fromarray(frame).save(tmp_path / "hot.png")
    page = tmp_path / "page.html"
    told(
        "denoise",
        tmp_path / "hot.png",
        "-o",
        tmp_path / "out.png",
        "--method",
        "bm3d",
        "--report",
        page,
        "--json",
    )
    removed = re.search(r"Removed \(std\)\D*(\d+)", re.sub(r"<[^>]+>", " ", page.read_text()))
    assert int(removed[1]) < 30
    assert json.loads(capsys.readouterr().out)["prepared"]["hot_pixels"] == 1
    told("inspect", tmp_path / "hot.png")
    assert "1 hot pixel" in capsys.readouterr().out


def test_one_extreme_pixel_changes_nothing_elsewhere():
    frame = dim()[0]
    without = frame.copy()
    without[40, 50] = 150
    seen = [pellucid.denoise(f, "bm3d", sigma=11, data_range=65535) for f in (frame, without)]
    away = np.ones(frame.shape, bool)
    away[20:61, 30:71] = False
    assert np.abs(seen[0].astype(int) - seen[1])[away].max() <= 1


def test_what_stays_on_the_sensor_is_found_in_shots_that_moved():
    draws = np.random.default_rng(1)
    scene = camera()[80:240, 160:330].astype(np.float32) / 255
    shots = [scene[10 + k : 130 + k, 10 + 2 * k : 140 + 2 * k] for k in range(5)]
    shots = [(s + 0.03 * draws.standard_normal(s.shape)).astype(np.float32) for s in shots]
    for shot in shots:
        shot[100, 30] += 0.3
    result = pellucid.denoise(shots, "nlm", shots=True, return_result=True)
    assert any(w.startswith("1 hot pixel ") for w in result.warnings)
    assert result.extras["shots"][4].shift != (0.0, 0.0)
    assert abs(result.estimate[0, 0, 100, 30] - scene[110, 40]) < 0.1


def test_row_offsets_are_taken_off_and_said():
    draws = np.random.default_rng(5)
    clean = camera()[64:320, 100:356] / 255
    given = (clean + 0.03 * draws.normal(size=(256, 1)) + 0.02 * draws.normal(size=clean.shape)).astype("f4")
    result = pellucid.denoise(given, "bm3d", return_result=True)
    left = (result.estimate[0, 0] - clean).mean(1).std()
    assert left < 0.4 * (given - clean).mean(1).std()
    assert any(w.startswith("an offset of every row (standard deviation 0.0") for w in result.warnings)
    turned = pellucid.denoise(given.T, "bm3d", return_result=True)
    assert any(w.startswith("an offset of every column (") for w in turned.warnings)
    off = pellucid.denoise(given, "bm3d", lines="off", return_result=True)
    assert not off.warnings
    assert (off.estimate[0, 0] - clean).mean(1).std() > 1.5 * left


def test_a_raw_mosaic_gains_in_its_phases_and_keeps_its_form():
    """It lost 20 dB: the pattern of two pixels was read as noise of enormous strength."""
    light = (astronaut()[:255, 100:355] / 255) ** 2.2 * np.array([0.5, 1, 0.7])
    seen = np.empty(light.shape[:2])
    for (y, x), channel in {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 2}.items():
        seen[y::2, x::2] = light[y::2, x::2, channel]
    clean, draws = 512 + seen * 11000, np.random.default_rng(0)
    given = (draws.poisson(clean * 0.9) / 0.9 + draws.normal(0, 8, clean.shape)).round().astype(np.uint16)
    given[100, 101] = 65535
    result = pellucid.denoise(given, return_result=True)
    got = pellucid.denoise(given)
    assert got.shape == given.shape
    given[100, 101] = clean[100, 101]
    error = [np.mean((picture - clean) ** 2) for picture in (given, got)]
    assert 10 * np.log10(error[0] / error[1]) > 0.5
    assert abs(int(got[100, 101]) - clean[100, 101]) < 3000
    assert result.reason.startswith("a mosaic of 2 x 2 pixels, as of a colour sensor")
    assert "1 hot pixel replaced" in " ".join(result.warnings)


def test_stripes_are_taken_off_and_said():
    draws = np.random.default_rng(5)
    clean = camera()[64:320, 100:356] / 255
    y, x = np.mgrid[:256, :256]
    stripes = 0.05 * np.sin(2 * np.pi * (0.2 * y + 0.13 * x) + 1)
    given = (clean + stripes + 0.05 * draws.normal(size=clean.shape)).astype("f4")
    result = pellucid.denoise(given, "bm3d", return_result=True)
    assert any(w.startswith("stripes that repeat every 4.2 pixels (amplitude 0.0") for w in result.warnings)
    left = (
        (result.estimate[0, 0] - clean - stripes).ravel()
        @ stripes.ravel()
        / (stripes.ravel() @ stripes.ravel())
    )
    assert left == pytest.approx(-1, abs=0.1)
    off = pellucid.denoise(given, "bm3d", lines="off", return_result=True)
    assert not any("stripes" in w for w in off.warnings)


def test_pseudo_colour_is_filtered_as_its_value():
    """As a colour picture of "weak noise" it came back with nearly all of its noise."""
    t = np.linspace(0, 1, 256)
    table = (np.stack([3 * t, 3 * t - 1, 3 * t - 2], 1).clip(0, 1) * 255).round().astype(np.uint8)
    result = pellucid.denoise(table[NOISY], "bm3d", channel_axis=-1, return_result=True)
    assert result.reason.startswith("its colours are a table of one value")
    got = pellucid.denoise(table[NOISY], "bm3d", channel_axis=-1).astype(float).sum(-1) / 3
    alone = pellucid.denoise(NOISY, "bm3d").astype(float)
    assert np.sqrt(np.mean((got - alone) ** 2)) < 1.5
