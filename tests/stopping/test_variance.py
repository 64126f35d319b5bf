"""ES-WMV and ES-EMV against NumPy, and their memory of the best step."""

import math

import numpy as np
import pytest
import torch

from pellucid.steps import Step
from pellucid.stopping import parse, until


def step(iteration: int, output: torch.Tensor, total: int | None = None) -> Step:
    return Step(
        iteration=iteration,
        phase="fit",
        loss=torch.tensor(0.0),
        output=output,
        estimate=output.clone,
        total=total,
    )


def outputs(count: int) -> list[torch.Tensor]:
    """Noise that shrinks until the middle of the run and grows again: the variance has one minimum there."""
    generator = torch.Generator().manual_seed(0)
    middle = count // 2
    return [
        0.5 + (0.01 + abs(k - middle) / count) * torch.randn(3, 12, 10, generator=generator)
        for k in range(count)
    ]


def test_wmv_is_the_variance_of_the_window() -> None:
    rule = parse("es-wmv:window=7,patience=1000")
    shown = outputs(30)
    for k, output in enumerate(shown):
        rule.update(step(k + 1, output))
    arrays = np.stack([o.numpy() for o in shown]).astype(np.float64)
    for k in range(30):
        if k < 6:
            assert math.isnan(rule.statistic[k])
        else:
            assert rule.statistic[k] == pytest.approx(arrays[k - 6 : k + 1].var(axis=0).mean(), rel=1e-4)


def test_emv_follows_the_recursion_of_the_paper() -> None:
    rule = parse("es-emv:alpha=0.1,start=20,patience=1000")
    mean, variance = np.zeros((3, 12, 10)), 0.0
    for k, output in enumerate(outputs(60)):
        rule.update(step(k + 1, output))
        change = output.numpy().astype(np.float64) - mean
        mean = mean + 0.1 * change
        variance = 0.9 * (variance + 0.1 * np.mean(change**2))
        if k < 20:
            assert math.isnan(rule.statistic[k])
        else:
            assert rule.statistic[k] == pytest.approx(variance, rel=1e-4)


def test_emv_of_a_stationary_stream_is_its_variance() -> None:
    """Independent outputs of variance s2 have E d^2 = s2 (1 + a / (2 - a)); V tends to (1 - a) of that."""
    rule = parse("es-emv:patience=100000")
    generator = torch.Generator().manual_seed(1)
    for k in range(600):
        rule.update(step(k + 1, 0.3 * torch.randn(1, 64, 64, generator=generator)))
    expected = 0.9 * 0.09 * (1 + 0.1 / 1.9)
    assert np.mean(rule.statistic[300:]) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("name", ["es-emv:start=10,patience=40", "es-wmv:window=10,patience=40"])
def test_stops_after_the_patience_and_returns_the_minimum(name: str) -> None:
    shown = outputs(200)
    rule = parse(name)
    outcome = until((step(k + 1, output) for k, output in enumerate(shown)), rule)
    lowest = int(np.nanargmin(outcome.curves["statistic"])) + 1
    assert outcome.stopped_by == name.split(":")[0]
    assert outcome.best_iteration == lowest
    assert outcome.iterations == lowest + 40
    assert abs(lowest - 100) < 30
    assert torch.equal(outcome.estimate, shown[lowest - 1])


def test_default_patience_is_a_fifth_of_the_plan_and_at_most_the_papers() -> None:
    for total, patience in ((100, 20), (5000, 1000), (50000, 1000), (None, 1000)):
        rule = parse("es-emv:start=0")
        shown = (torch.full((1, 2, 2), float(k)) for k in range(3000))  # the change grows: the first is best
        steps = (step(k + 1, output, total) for k, output in enumerate(shown))
        assert until(steps, rule).iterations == 1 + patience


def test_wmv_reduces_large_outputs() -> None:
    torch.manual_seed(0)
    shown = [torch.rand(1, 8, 8) for _ in range(5)]
    rule = parse("es-wmv:window=5,pixels=16")
    for k, output in enumerate(shown):
        rule.update(step(k + 1, output))
    blocks = np.stack([o.numpy().reshape(1, 4, 2, 4, 2).mean(axis=(2, 4)) for o in shown])
    assert rule.statistic[-1] == pytest.approx(blocks.var(axis=0).mean(), rel=1e-4)
