"""From what the user types to a stop rule."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

from pellucid import checks
from pellucid.steps import Step
from pellucid.stopping.limits import Iterations, Never, Seconds
from pellucid.stopping.losses import Discrepancy, HeldOut, Plateau, Sure
from pellucid.stopping.rule import Best, Stop
from pellucid.stopping.variance import ExponentialVariance, WindowedVariance

RULES: dict[str, Callable[..., Stop]] = {
    "iterations": Iterations,
    "seconds": Seconds,
    "plateau": Plateau,
    "es-emv": ExponentialVariance,
    "es-wmv": WindowedVariance,
    "held-out": HeldOut,
    "discrepancy": Discrepancy,
    "sure": Sure,
    "none": Never,
}


class FirstOf:
    """Several rules; the first to fire stops, the first that names a best step chooses what is returned."""

    def __init__(self, rules: Sequence[Stop]) -> None:
        self.rules = tuple(rules)
        self.name = "+".join(rule.name for rule in self.rules)
        watching = [rule for rule in self.rules if not isinstance(rule, Iterations | Seconds)]
        # The very list of the first rule that computes something; it grows with that rule.
        self.statistic: list[float] = (watching or list(self.rules))[0].statistic

    def update(self, step: Step) -> bool:
        """True when one fires; its name becomes the name of the whole. All see the step."""
        fired = [rule for rule in self.rules if rule.update(step)]
        if fired:
            self.name = fired[0].name
        return bool(fired)

    def best(self) -> Best | None:
        """The best step of the first rule that has one."""
        return next((best for rule in self.rules if (best := rule.best()) is not None), None)


def parse(text: str, *, sigma: float | None = None) -> Stop:
    """The stop rule that a text describes.

    Args:
        text: a rule's name, with its figure or its parameters after a colon: ``iterations:2000``,
            ``seconds:30``, ``es-emv``, ``es-emv:patience=500,alpha=0.2``. Several are joined by ``+``; the
            first to fire wins.
        sigma: standard deviation of the noise in working units, for discrepancy and sure.

    Returns:
        A new rule, for one run.

    Raises:
        ValueError: naming the rules there are, or the parameters that a rule has, or what is wrong with a
            figure.

    >>> parse("es-emv:patience=500+seconds:30").name
    'es-emv+seconds'
    >>> parse("es-env")
    Traceback (most recent call last):
    ...
    ValueError: stop must be one of iterations, seconds, plateau, es-emv, es-wmv, held-out, discrepancy, sure,
        none; got
    'es-env'. Did you mean 'es-emv'?
    """
    rules = [_one(part.strip(), sigma) for part in text.split("+")]
    if len(rules) == 1:
        return rules[0]
    return FirstOf(rules)


def _one(text: str, sigma: float | None) -> Stop:
    name, colon, rest = text.partition(":")
    rule = RULES[checks.one_of("stop", name, list(RULES))]
    parameters = inspect.signature(rule).parameters
    if "limit" in parameters:
        if not colon:
            raise ValueError(f"the stop rule {name} needs a figure, got none. Write {name}:100, for example.")
        return rule(_number(name, rest))
    given: dict[str, Any] = {}
    for pair in rest.split(",") if colon else ():
        key, _, value = pair.partition("=")
        checks.one_of(f"the parameter of {name}", key.strip(), list(parameters))
        given[key.strip()] = _number(f"{name}:{key.strip()}", value)
    if "sigma" in parameters and "sigma" not in given:
        if sigma is None:
            raise ValueError(
                f"the stop rule {name} needs the noise level, got none. Write {name}:sigma=0.1, for example."
            )
        given["sigma"] = sigma
    return rule(**given)


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a number, got {text.strip()!r}. Write {name} 100, for example.")
    return value
