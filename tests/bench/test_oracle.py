"""`@best` looks at the truth where it says, the last iteration of a budget too, and keeps the nearest."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from bench_pictures import noisy

from pellucid import files
from pellucid.bench import oracle
from pellucid.request import Denoise
from pellucid.run import State, run, settle
from pellucid.run.pipeline import DECIDE, DO
from pellucid.steps import Step


def settings(errors, *, total, iterations=None):
    """An iterative method whose estimate at each iteration is off the truth, 0.5, by so much up and down.

    Its mean is off as well, the more the later; the run takes that away, so it must not count.
    """
    stripes = torch.tensor([1.0, -1.0]).repeat(20)

    def steps(task, config, *, seed, device):
        for number, error in enumerate(errors, 1):
            estimate = (0.5 + 0.02 * number + error * stripes).expand(task.shots.shape[1:])
            yield Step(
                iteration=number,
                phase="fit",
                loss=None,
                output=estimate,
                estimate=lambda e=estimate: e,
                total=total,
            )

    plain = settle(Denoise(method="zs-n2n", iterations=iterations, device="cpu"))
    return replace(plain, method=replace(plain.method, steps=steps))


@pytest.mark.parametrize(
    ("errors", "total", "iterations", "best"),
    [
        ([0.3, 0.1, 0.2], 3, None, 2),
        ([0.3, 0.2, 0.1], 3, None, 3),
        ([0.01 * n for n in range(20, 0, -1)], 1000, 7, 7),  # a budget that ends before the plan
        ([0.01 * n for n in range(20, 0, -1)], None, None, 20),
        ([0.3, *([0.2] * 8), 0.1, 0.05], None, None, 10),  # every tenth where there is no plan
    ],
)
def test_the_nearest_of_the_looks(errors, total, iterations, best):
    image = files.from_array(np.full((40, 40, 3), 0.5, np.float32), channel_axis=-1)
    clean = torch.full((3, 40, 40), 0.5, dtype=torch.float64)
    decided = run(
        State(settings=settings(errors, total=total, iterations=iterations), given=(image,)), DECIDE
    )
    watch = oracle.Best(decided, clean)
    result = run(watch.state, DO).result
    assert watch.found[0] == best
    assert watch.found[1] == pytest.approx(errors[best - 1] ** 2, rel=1e-4)
    assert result.iterations == (iterations or len(errors))


def test_a_picture_that_is_cut_is_refused():
    image = files.from_array(noisy(), channel_axis=-1)
    decided = run(State(settings=settings([0.1], total=1), given=(image,)), DECIDE)
    watch = oracle.Best(decided, torch.zeros(3, 5, 5))
    run(watch.state, DO)
    with pytest.raises(ValueError, match="--crop"):
        watch.found  # noqa: B018


def test_a_method_that_does_not_iterate_is_refused():
    image = files.from_array(noisy(), channel_axis=-1)
    decided = run(State(settings=settle(Denoise(method="nlm")), given=(image,)), DECIDE)
    with pytest.raises(ValueError, match="needs a method that iterates, got nlm"):
        oracle.Best(decided, torch.zeros(3, 5, 5))
