"""The models that come with pellucid: they load, say where they come from, and denoise."""

import numpy as np
import pytest
from skimage.data import chelsea

import pellucid
from pellucid import models
from pellucid.models import shelf

SHIPPED = sorted(shelf.shipped().glob("*.safetensors"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_it_denoises_and_its_card_is_filled_in(path):
    card = models.read(path)[0]
    assert card.pictures > 0
    assert card.licence != "not stated"
    assert card.seconds > 0
    assert path.stat().st_size < 6_000_000
    clean = chelsea()[:96, 100:196, : card.channels].astype(np.float32) / 255
    noisy = clean + np.random.default_rng(0).normal(0, 25 / 255, clean.shape).astype(np.float32)
    axis = -1 if card.channels > 1 else None
    given = (noisy, noisy[..., 0])[card.channels == 1]
    result = pellucid.denoise(given, model=path.stem, sigma=25 / 255, data_range=1.0, channel_axis=axis)
    truth = clean if card.channels > 1 else clean[..., 0]
    assert np.square(result - truth).mean() < 0.2 * np.square(given - truth).mean()


def test_together_they_are_small():
    assert sum(path.stat().st_size for path in SHIPPED) < 15_000_000  # and the package below 16
