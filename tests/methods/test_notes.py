"""Where a method silently becomes something else, it says so."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

import pellucid
from pellucid import methods, stopping
from pellucid.degradation import Downsample
from pellucid.noise.report import NoiseReport
from pellucid.steps import Budget, Task


def notes_of(
    name: str, *shape: int, budget: Budget | None = None, sigma: float = 0.05, **more: object
) -> str:
    """The notes after the iterations of the budget, of a picture of noise."""
    changes = {k: more.pop(k) for k in ("minimum", "iterations", "stop") if k in more}
    picture = torch.rand(1, *shape, generator=torch.Generator().manual_seed(0))
    limit = budget or Budget(iterations=4)
    task = Task(shots=picture, noise=NoiseReport.white(sigma, shape[0]), budget=limit, **more)  # type: ignore[arg-type]
    method = methods.load(name)
    config = dataclasses.replace(method.presets["fast"], **changes)
    return " ".join(
        stopping.until(
            method.steps(task, config, seed=0, device=torch.device("cpu")), None, budget=limit
        ).notes
    )


def test_ms_dip_says_when_it_has_one_scale() -> None:
    assert "one scale on 100 x 100 pixels" in notes_of("ms-dip", 1, 100, 100, minimum=128, iterations=4)
    assert "one scale" not in notes_of("ms-dip", 1, 40, 40, iterations=2, stop="none")


def test_ms_dip_refuses_iterations_that_do_not_reach_the_picture() -> None:
    with pytest.raises(ValueError, match="iterations must be at least 3, got 2: ms-dip fits 3 scales"):
        notes_of("ms-dip", 1, 40, 40, budget=Budget(iterations=2))
    with pytest.raises(ValueError, match="iterations must be at least"):
        pellucid.denoise(np.random.default_rng(0).random((64, 64), np.float32), "ms-dip", iterations=2)
    assert "had 1 iterations for each of its 3 scales" in notes_of(
        "ms-dip", 1, 40, 40, budget=Budget(iterations=3)
    )


def test_ms_dip_says_when_it_ends_at_a_coarse_scale() -> None:
    task = Task(shots=torch.rand(1, 1, 40, 40), noise=NoiseReport.white(0.05, 1))
    method = methods.load("ms-dip")
    config = dataclasses.replace(method.presets["fast"], iterations=3, stop="none")
    steps = list(method.steps(task, config, seed=0, device=torch.device("cpu")))
    assert [("coarse picture enlarged" in " ".join(s.notes)) for s in steps] == [True] * 6 + [False] * 3
    assert "ended at scale 2 of 3" in steps[5].notes[0]


@pytest.mark.parametrize("name", ["dip", "zs-n2n", "self2self", "nac"])
def test_a_fit_that_has_hardly_begun_says_so(name) -> None:
    assert "hardly begun" in notes_of(name, 1, 32, 32, budget=Budget(iterations=1))
    assert notes_of(name, 1, 32, 32, budget=Budget(iterations=8), iterations=20) == ""


def test_the_note_comes_out_as_a_warning() -> None:
    picture = np.random.default_rng(0).random((32, 32), np.float32)
    result = pellucid.denoise(picture, "dip", iterations=2, return_result=True)
    assert any("dip ended after 2 of the 300 iterations" in text for text in result.warnings)


def test_nac_names_strong_noise() -> None:
    assert "noise of 51 of 255 is too strong" in notes_of("nac", 1, 16, 16, sigma=0.2, iterations=4)
    assert notes_of("nac", 1, 16, 16, sigma=0.03, iterations=4) == ""


def test_zs_n2n_names_tiny_pictures() -> None:
    assert "here 5 x 8 pixels: too few" in notes_of("zs-n2n", 1, 9, 16, iterations=4)
    assert notes_of("zs-n2n", 1, 16, 16, iterations=4) == ""


def test_zssr_names_tiny_pictures() -> None:
    task = {"degradation": Downsample(2)}
    assert "mirror images" in notes_of("zssr", 1, 20, 40, iterations=4, **task)
    assert notes_of("zssr", 1, 24, 24, iterations=4, **task) == ""


def test_rs_dip_names_equal_near_clean_images() -> None:
    near = torch.rand(1, 1, 16, 16)
    assert "all the same" in notes_of("rs-dip", 1, 16, 16, iterations=4, near_clean=near.repeat(2, 1, 1, 1))
    assert notes_of("rs-dip", 1, 16, 16, iterations=4, near_clean=torch.cat([near, 0.9 * near])) == ""


def test_a_stop_rule_that_ends_a_fit_is_no_haste() -> None:
    picture = np.random.default_rng(0).random((32, 32), np.float32)
    result = pellucid.denoise(picture, "dip", stop="iterations:2", return_result=True)
    assert "hardly begun" not in " ".join(result.warnings)
