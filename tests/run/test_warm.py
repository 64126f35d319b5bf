"""A film whose fits begin from the frame before: which frames, from what, and what comes of it."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data
from skimage.metrics import peak_signal_noise_ratio as psnr

import pellucid

SCENE = data.camera()[60:124, 180:244].astype(np.float32) / 255
OTHER = data.coins()[60:124, 100:164].astype(np.float32) / 255
WARM = {"axes": "TYX", "warm_start": True, "return_result": True}


def film(*scenes: np.ndarray) -> np.ndarray:
    draws = np.random.default_rng(0)
    return np.stack([one + 0.1 * draws.standard_normal(one.shape) for one in scenes]).astype(np.float32)


def gains(noisy: np.ndarray, clean: np.ndarray, estimate: np.ndarray) -> list[float]:
    return [
        psnr(c, e, data_range=1) - psnr(c, n, data_range=1)
        for n, c, e in zip(noisy, clean, estimate, strict=True)
    ]


@pytest.mark.parametrize(
    ("method", "few", "more_db"), [("zs-n2n", 30, 0.3), ("dip", 25, 0.3), ("ms-dip", 40, 1.0)]
)
def test_the_next_frame_begins_where_the_last_one_ended(method, few, more_db):
    """With hardly any iterations the second frame is far better than the first, by the first one's fit."""
    clean = np.stack([SCENE, SCENE])
    noisy = film(*clean)
    more = {"zs-n2n": {}, "dip": {"stop": "none"}, "ms-dip": {"set": {"minimum": 33, "stop": "none"}}}[method]
    cold, warm = (
        pellucid.denoise(noisy, method, iterations=few, return_result=True, seed=1, **more, **words)
        for words in ({}, {k: v for k, v in WARM.items() if k != "return_result"})
    )
    cold_gains, warm_gains = (gains(noisy, clean, r.estimate[:, 0]) for r in (cold, warm))
    assert warm_gains[0] == pytest.approx(cold_gains[0], abs=1e-3)
    assert warm_gains[1] > cold_gains[1] + more_db


def test_a_share_of_the_iterations_is_enough(monkeypatch):
    from pellucid import methods

    counted = []
    method = methods.load("zs-n2n")
    whole = method.steps

    def watched(task, config, **more):
        counted.append((task.budget.iterations, task.initial is not None))
        yield from whole(task, config, **more)

    object.__setattr__(method, "steps", watched)
    try:
        pellucid.denoise(film(SCENE, SCENE, OTHER), "zs-n2n", set={"iterations": 40, "crop": 32}, **WARM)
    finally:
        object.__setattr__(method, "steps", whole)
    assert counted == [(None, False), (16, True), (None, False)]  # another scene begins anew


def test_slices_of_which_nothing_says_that_they_are_a_film():
    words = {"set": {"iterations": 4, "crop": 32}, "warm_start": True, "return_result": True}
    result = pellucid.denoise(film(SCENE, SCENE), "zs-n2n", **words)
    assert any("nothing says what the slices" in warning for warning in result.warnings)
    single = pellucid.denoise(film(SCENE)[0], "zs-n2n", **words)
    assert any("single picture" in warning for warning in single.warnings)


@pytest.mark.parametrize("method", ["bm3d", "self2self", "auto"])
def test_methods_that_cannot(method):
    with pytest.raises(ValueError, match="warm_start does not apply"):
        pellucid.denoise(film(SCENE, SCENE), method, warm_start=True)
