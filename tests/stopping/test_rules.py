"""The other rules, and their text form."""

import math

import pytest
import torch

from pellucid.steps import Step
from pellucid.stopping import RULES, parse, until


def losses(values: list[float], divergence: float | None = None) -> list[Step]:
    picture = torch.zeros(1, 2, 2)
    return [
        Step(
            iteration=k + 1,
            phase="fit",
            loss=torch.tensor(value),
            output=picture,
            estimate=picture.clone,
            extras=dict if divergence is None else lambda: {"divergence": torch.tensor(divergence)},
        )
        for k, value in enumerate(values)
    ]


def test_iterations_and_seconds() -> None:
    steps = losses([1.0] * 20)
    assert until(iter(steps), parse("iterations:5")).iterations == 5
    assert until(iter(steps), parse("seconds:1000")).stopped_by == "finished"
    assert until(iter(steps), parse("seconds:1e-9")).stopped_by == "seconds"


def test_plateau_waits_while_the_loss_falls_and_never_calls_a_step_best() -> None:
    falling = [0.97**k for k in range(400)]
    assert until(iter(losses(falling)), parse("plateau:patience=50")).stopped_by == "finished"
    flat = falling[:100] + [falling[100]] * 300
    rule = parse("plateau:patience=50")
    outcome = until(iter(losses(flat)), rule)
    assert outcome.stopped_by == "plateau"
    assert 150 <= outcome.iterations < 330
    assert rule.best() is None
    assert outcome.best_iteration == outcome.iterations


def test_discrepancy_stops_at_the_noise_level() -> None:
    values = [0.05 * 0.99**k for k in range(500)]
    outcome = until(iter(losses(values)), parse("discrepancy", sigma=0.1))
    reached = math.log(0.01 / 0.05) / math.log(0.99)  # where the loss equals sigma squared
    assert reached < outcome.iterations < reached + 15  # smoothing lags by about ten steps
    earlier = until(iter(losses(values)), parse("discrepancy:tau=1.2", sigma=0.1))
    assert earlier.iterations < outcome.iterations


def test_sure_is_the_formula() -> None:
    rule = parse("sure", sigma=0.2)
    rule.update(losses([0.03], divergence=0.4)[0])
    assert rule.statistic == pytest.approx([0.03 + 2 * 0.04 * 0.4 - 0.04])
    with pytest.raises(ValueError, match="divergence=True"):
        parse("sure:sigma=0.1").update(losses([0.03])[0])


def test_first_of_several_wins() -> None:
    outcome = until(iter(losses([1.0] * 50)), parse("plateau:patience=20+iterations:7"))
    assert (outcome.stopped_by, outcome.iterations) == ("iterations", 7)
    assert len(outcome.curves["statistic"]) == 7
    rule = parse("iterations:40 + plateau:patience=20")
    assert rule.name == "iterations+plateau"
    assert until(iter(losses([1.0] * 50)), rule).stopped_by == "plateau"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("es-enw", "stop must be one of iterations, seconds"),
        ("", "stop must be one of"),
        ("iterations", "needs a figure"),
        ("iterations:many", "must be a number, got 'many'"),
        ("iterations:0", "at least 1"),
        ("seconds:-1", "greater than 0"),
        ("es-emv:patence=5", "Did you mean 'patience'"),
        ("es-emv:patience", "must be a number"),
        ("es-emv:alpha=2", "alpha must be in"),
        ("discrepancy", "needs the noise level"),
    ],
)
def test_bad_text_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_no_rule_is_given_a_clean_image() -> None:
    """A rule is built from text and sigma, and is shown steps; there is no way in for the truth."""
    for name, rule in RULES.items():
        assert not {"clean", "truth", "reference"} & set(rule.__init__.__annotations__), name
