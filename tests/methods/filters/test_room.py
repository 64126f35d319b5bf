"""How much a filter holds at once: in multiples of a tall picture, so that its strips count for little."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import torch

from pellucid.methods.filters import bm3d
from pellucid.methods.filters.nlh import method as nlh

SHAPE = (3, 1200, 48)


def held(work: Callable[[], object]) -> float:
    """The most that the arrays of NumPy hold at once during a piece of work, in pictures of SHAPE."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / (4 * np.prod(SHAPE))
    finally:
        tracemalloc.stop()


def picture(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(0).random(shape, np.float32)


def test_nlh_holds_four_pictures_beside_its_own():
    noise, config = np.full((3, 1, 1), 0.01, np.float32), nlh.Config()
    nlh.restore(picture((3, 32, 32)), noise, config, colours=True)  # what is compiled is no part of it
    given = picture()
    assert (
        held(lambda: nlh.restore(given, noise, config, colours=True)) < 5
    )  # nine, with a copy at every step


def test_bm3d_holds_its_pilot_two_sums_and_what_one_channel_needs():
    kernel, config = torch.full((3, 3, 1, 1), 0.0), bm3d.Config(coarse=0.0)
    kernel[range(3), range(3)] = 0.01
    bm3d.restore(torch.from_numpy(picture((3, 32, 32))), kernel, config, color=True)
    given = torch.from_numpy(picture())
    assert held(lambda: bm3d.restore(given, kernel, config, color=True)) < 4.5  # 4.7; tensors aside
