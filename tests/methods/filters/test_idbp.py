"""IDBP against the world outside, and what it asks of the engine: `where` and `shift`."""

import numpy as np
import torch
from skimage import data, restoration

import pellucid
from pellucid.methods.filters import biharmonic, idbp
from pellucid.methods.filters.collaborative import Stage, filter_image

STAGE = Stage(transform="dct", step=4, radius=6, group=8, limit=15.0, strength=2.7)


def error(clean: np.ndarray, filled: np.ndarray, hidden: np.ndarray) -> float:
    return float(np.square(clean.astype(float) - filled)[hidden].mean())


def test_pixels_that_are_asked_for_are_those_of_the_whole_picture_where_all_groups_meet():
    picture = torch.from_numpy(data.camera()[100:148, 200:256] / np.float32(255))[None]
    level = torch.full((1, 1, 1), 0.05**2)
    where = torch.zeros(picture.shape[1:], dtype=torch.bool)
    whole = filter_image(picture, None, level, STAGE)
    assert torch.equal(filter_image(picture, None, level, STAGE, where=~where), whole)
    assert torch.equal(filter_image(picture, None, level, STAGE, where=where), picture)
    where[:, :30] = True
    part = filter_image(picture, None, level, STAGE, where=where)
    # Groups of blocks that hold no such pixel reach at most their radius and a side over.
    assert torch.allclose(part[..., :15], whole[..., :15], atol=1e-6)
    assert not torch.equal(part[..., 50:], whole[..., 50:])


def test_moved_reference_blocks_cover_every_pixel():
    flat = torch.full((1, 21, 26), 0.5)
    for iteration in range(20):
        shift = idbp.moved(iteration)
        stage = Stage(transform="dct", step=4, radius=4, group=2, limit=15.0, strength=2.7, shift=shift)
        assert torch.allclose(filter_image(flat, None, torch.full((1, 1, 1), 0.01), stage), flat, atol=1e-5)


def test_the_first_guess_stays_with_what_is_known_around_a_large_hole():
    picture = torch.from_numpy(data.camera()[60:188, 150:278] / np.float32(255))[None]
    hidden = torch.zeros(128, 128, dtype=torch.bool)
    hidden[20:110, 25:105] = True
    guess = idbp.begin(picture, hidden)
    assert torch.equal(guess[:, ~hidden], picture[:, ~hidden])
    known = picture[:, ~hidden]
    deep = guess[:, 45:85, 50:80]
    assert float(known.min()) - 0.02 <= float(deep.min()) <= float(deep.max()) <= float(known.max()) + 0.02
    whole = biharmonic.fill(picture, hidden)
    errors = [float((one - picture)[:, hidden].square().mean()) for one in (guess, whole)]
    assert errors[0] < errors[1]


def test_it_fills_better_than_biharmonic_of_scikit_image():
    """Half of the pixels, and a stroke as wide as those of text."""
    drawn = np.random.default_rng(0).random((96, 96)) < 0.5
    stroke = np.zeros((96, 96), bool)
    stroke[10:84, 20:23] = stroke[50:53, 8:90] = True
    for clean in (data.camera()[80:176, 160:256], data.brick()[100:196, 100:196]):
        for hidden, share in ((drawn, 0.9), (stroke, 0.99)):
            theirs = restoration.inpaint_biharmonic(np.where(hidden, 0, clean / 255), hidden) * 255
            ours = pellucid.inpaint(np.where(hidden, 0, clean).astype(np.uint8), hidden)
            assert error(clean, ours, hidden) < share * error(clean, theirs, hidden)


def test_best_is_the_whole_of_bm3d():
    method = pellucid.methods.load("idbp").for_kind("mask")
    assert method.presets["best"].wiener
    assert not method.presets["fast"].wiener
