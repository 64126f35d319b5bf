"""auto with a shipped model, from the picture to the Result: used, not trusted, lit."""

import numpy as np
import pytest
import torch
from skimage.data import chelsea

import pellucid
from pellucid import seeds
from pellucid.noise import models as noise_models
from pellucid.noise.shift import relit
from shipping import ship


@pytest.fixture
def noisy():
    flat = np.full((64, 64, 3), 0.5, np.float32)
    flat[16:48, 16:48] = 0.7
    return flat + 0.1 * np.random.default_rng(0).standard_normal(flat.shape).astype(np.float32)


def denoise(picture, **more):
    return pellucid.denoise(picture, channel_axis=-1, return_result=True, **more)


def test_the_model_is_used_and_named(shelf, noisy):
    ship(shelf)
    result = denoise(noisy)
    assert (result.method, result.extras["model"]) == ("n2n", "tiny")
    assert "model tiny" in result.reason
    padded = torch.nn.functional.pad(torch.from_numpy(noisy).permute(2, 0, 1), (1, 1, 1, 1), mode="replicate")
    expected = torch.nn.functional.avg_pool2d(padded, 3, 1).numpy()
    assert np.abs(result.estimate[0] - expected).max() < 0.01  # the mean is kept


def test_a_stated_level_chooses_too(shelf, noisy):
    ship(shelf, sigma=(0.0, 0.2))
    assert denoise(noisy, sigma=0.1).method == "n2n"
    assert denoise(noisy, sigma=0.3).method == "bm3d"


@pytest.mark.parametrize(("factor", "words"), [(0.0, "more than twice the noise"), (np.nan, "not finite")])
def test_a_model_that_fails_is_replaced_by_the_filter(shelf, noisy, factor, words, monkeypatch):
    expected = denoise(noisy)
    ship(shelf, factor=0.0)
    if np.isnan(factor):
        monkeypatch.setattr("shipping.Blur.forward", lambda self, noisy, sigma: noisy * np.nan)
    else:  # a picture turned upside down has the right mean and nothing else
        monkeypatch.setattr("shipping.Blur.forward", lambda self, noisy, sigma: 5 * noisy.flip(-1))
    result = denoise(noisy)
    assert result.method == expected.method == "bm3d"
    assert np.array_equal(result.estimate, expected.estimate)
    assert "model tiny was tried and is not used" in result.warnings[0]
    assert words in result.warnings[0]
    assert "model" not in result.extras


def test_a_model_that_does_nothing_is_replaced(shelf, noisy, monkeypatch):
    ship(shelf)
    monkeypatch.setattr("shipping.Blur.forward", lambda self, noisy, sigma: noisy)
    result = denoise(noisy)
    assert result.method == "bm3d"
    assert "less than a quarter of the noise" in result.warnings[0]


def test_the_noise_of_photons_does_not_change_the_mean():
    """The way back from the stabilised values is not linear, so that the mean is set at the end."""
    scene = torch.from_numpy(chelsea()[50:178, 100:228].copy()).permute(2, 0, 1).float() / 255
    noisy = noise_models.parse("poisson:20").apply(scene, seeds.generator(0, "noise"))
    result = denoise(noisy.permute(1, 2, 0).numpy(), data_range=1.0)
    assert result.method == "photo"
    assert "variance-stabilising" in result.reason
    assert np.abs(result.estimate[0].mean((1, 2)) - noisy.mean((1, 2)).numpy()).max() < 1e-4


def test_a_photograph_gets_the_brightness_of_its_light(shelf):
    """Noise that pixels share, in a colour picture: the shift is the one that `photo` adds."""
    scene = torch.from_numpy(chelsea()[50:178, 100:228].copy()).permute(2, 0, 1).float() / 255
    rng = np.random.default_rng(0)
    grain = torch.from_numpy(rng.standard_normal((3, 130, 130))).float()
    grain = torch.nn.functional.avg_pool2d(grain, 3, 1) * 3
    noisy = (scene + 0.12 * grain).clamp(0, 1)
    ship(shelf, kinds=("correlated",))
    picture = noisy.permute(1, 2, 0).numpy()
    result = denoise(picture)
    assert result.noise.correlated
    assert "brightness as that of a camera" in result.reason
    padded = torch.nn.functional.pad(noisy, (1, 1, 1, 1), mode="replicate")
    plain = torch.nn.functional.avg_pool2d(padded, 3, 1)
    plain = plain + (noisy - plain).mean((-2, -1), keepdim=True)
    lit = relit(noisy, plain)
    assert lit is not plain
    assert np.abs(result.estimate[0] - lit.numpy()).max() < 1e-4


def test_a_named_model_is_applied_as_auto_would_where_its_card_says_how(shelf, noisy, tmp_path):
    path = ship(shelf)
    named, chosen = denoise(noisy, model=str(path)), denoise(noisy)
    assert np.array_equal(named.estimate, chosen.estimate)
    assert named.reason == f"asked for; {chosen.reason}"
    assert denoise(noisy, model=str(ship(tmp_path, kinds=()))).reason == "asked for"


def test_inspect_says_it(shelf, noisy, tmp_path, capsys):
    from pellucid import cli, files

    ship(shelf)
    path = tmp_path / "a.png"
    files.write(files.from_array((noisy.clip(0, 1) * 255).astype(np.uint8), channel_axis=-1), path)
    with pytest.raises(SystemExit):
        cli.main(["inspect", str(path)])
    assert "denoise would use n2n: " in capsys.readouterr().out
