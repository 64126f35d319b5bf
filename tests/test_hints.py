"""Who does what an error of ours says gets on: no message sends in a circle."""

import re

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

import pellucid
from pellucid.files import from_array
from pellucid.request import Denoise
from pellucid.run import settle

GRAY = (100 + 20 * np.random.default_rng(0).normal(0, 1, (32, 40))).astype(np.uint8)
DEEP = (GRAY.astype(np.uint16) * 300).astype(np.uint16)
COLOUR = np.stack([GRAY, GRAY // 2, 255 - GRAY], -1)
HOLE = np.zeros(GRAY.shape, bool)
HOLE[4:8, 4:8] = True


def nlm(x, **options):
    return pellucid.denoise(x, "nlm", **options)


def white(said):
    """What a message says to pass for the data range."""
    return float(re.search(r"--data-range ([0-9.e+-]*[0-9])", said)[1])


@pytest.mark.parametrize(
    ("wrong", "follow"),
    [
        (lambda: nlm(COLOUR), lambda said: nlm(COLOUR, channel_axis=-1)),
        (lambda: nlm(GRAY.tolist()), None),
        (lambda: nlm(DEEP, sigma=900), lambda said: nlm(DEEP, sigma=900, data_range=white(said))),
        (lambda: nlm(GRAY, sigma=9), lambda said: nlm(GRAY, sigma=9, data_range=white(said))),
        (
            lambda: nlm(DEEP, data_range=255),
            lambda said: nlm(DEEP, data_range=white(said)),
        ),
        (lambda: nlm(DEEP, data_range=255), lambda said: nlm(DEEP)),
        (lambda: nlm(COLOUR, channel_axis=-1, sigma=[1, 2], data_range=255),
         lambda said: nlm(COLOUR, channel_axis=-1, sigma=[1, 2, 3], data_range=255)),
        (
            lambda: nlm(from_array(GRAY), data_range=100, sigma=3),
            lambda said: nlm(from_array(GRAY), data_range=255, sigma=3),
        ),
        (lambda: nlm([GRAY, GRAY]), lambda said: nlm([GRAY, GRAY], shots=True)),
        (
            lambda: pellucid.inpaint(GRAY, ~HOLE | True, "biharmonic"),
            lambda said: pellucid.inpaint(GRAY, HOLE, "biharmonic"),
        ),
        (lambda: nlm(np.ma.masked_array(GRAY, HOLE)),
         lambda said: nlm(np.ma.masked_array(GRAY, HOLE).astype(float).filled(np.nan))),
        (lambda: nlm(GRAY > 9), lambda said: nlm((GRAY > 9).astype("float32"))),
        (lambda: nlm(torch.from_numpy(GRAY), channel_axis=0), lambda said: nlm(torch.from_numpy(GRAY))),
        (lambda: nlm(GRAY, noise_region="0:4,0:4"), lambda said: nlm(GRAY, noise_region="0:9,0:9")),
        (lambda: nlm(GRAY, noise_region="0:99,0:9"), lambda said: nlm(GRAY, noise_region="0:32,0:9")),
        (lambda: settle(Denoise(sigma=0.1, level="mad")), lambda said: settle(Denoise(sigma=0.1))),
        (lambda: settle(Denoise(method="median", sigma=0.1)), lambda said: settle(Denoise(method="median"))),
        (lambda: settle(Denoise(stop="plateau")), lambda said: settle(Denoise(method="dip", stop="plateau"))),
        (lambda: settle(Denoise(method="rs-dip", near_clean="bm3d")),
         lambda said: settle(Denoise(method="rs-dip", near_clean="bm3d,nlm"))),
    ],
)  # fmt: skip
def test_the_hint_of_an_error_in_python_leads_on(wrong, follow):
    with pytest.raises((ValueError, TypeError)) as caught:
        wrong()
    assert "\n" not in str(caught.value)
    if follow is not None:
        follow(str(caught.value))


def test_the_format_that_an_error_of_writing_names_holds_the_picture(tmp_path):
    for array, axis in ((GRAY.astype(np.float32), None), (np.stack([GRAY] * 5), None), (DEEP, None)):
        picture = from_array(array, channel_axis=axis)
        with pytest.raises(ValueError, match="Write it as") as caught:
            pellucid.write(picture, tmp_path / "x.jpg")
        named = re.search(r"Write it as (.*)\.", str(caught.value))[1]
        for format in re.findall(r"[A-Z]+", named):
            pellucid.write(picture, tmp_path / f"x.{format.lower()}")


def test_floats_that_lie_elsewhere_need_no_hint(tmp_path):
    """They were an error that named a data range; whoever believed it for 16-bit counts got a white file."""
    for factor, offset in ((1.0, 0.0), (1e-5, 0.0), (1e5, 0.0), (1.0, -1000.0), (0.01, 273.15)):
        given = (GRAY * factor + offset).astype(np.float32)
        got = nlm(given)
        assert got.std() < 0.9 * given.std()
        assert abs(got.mean() - given.mean()) < 0.05 * factor


def test_a_picture_too_large_says_how_to_read_it(tmp_path, monkeypatch):
    Pillow.fromarray(GRAY).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="raise max_pixels"):
        pellucid.read(tmp_path / "a.png", max_pixels=10)
    assert pellucid.read(tmp_path / "a.png", max_pixels=GRAY.size).shape == GRAY.shape
