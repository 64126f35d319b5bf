"""prepare and put_back: what is no noise is seen to first; what comes out has the form of what went in."""

import json

import numpy as np
import pytest
from PIL import Image
from skimage.data import camera

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
