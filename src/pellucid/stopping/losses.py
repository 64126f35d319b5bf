"""Stop rules that watch a loss: plateau, held-out pixels, discrepancy, SURE."""

from __future__ import annotations

import math

from torch import Tensor

from pellucid import checks
from pellucid.steps import Step
from pellucid.stopping.rule import Best, Minimum


def _loss(step: Step, rule: str) -> float:
    if step.loss is None:
        raise ValueError(
            f"the stop rule {rule} needs a loss, and this method reports none. Use iterations or es-emv."
        )
    return float(step.loss)


class Plateau:
    """Stop when the smoothed training loss no longer falls.

    It says when a method that does not overfit has converged; for one that does (DIP), a flat loss means that
    the noise is being learnt. So it never calls a step best.

    Args:
        patience: iterations without a new minimum.
        fall: fraction by which the loss must fall below its minimum to count as a new one.
        every: iterations between two looks; the loss is read from the device only then.
        start: iterations before the first look, where the loss changes its meaning on the way.
    """

    name = "plateau"

    def __init__(
        self, *, patience: float = 200, fall: float = 0.01, every: float = 10, start: float = 0
    ) -> None:
        self.patience = checks.in_range("patience", patience, 1)
        self.fall = checks.in_range("fall", fall, 0, 1, high_open=True)
        self.every = checks.in_range("every", every, 1)
        self.start = checks.in_range("start", start, 0)
        self.statistic: list[float] = []
        self._smooth: Tensor | None = None
        self._lowest, self._since = math.inf, 0

    def update(self, step: Step) -> bool:
        """True when the loss has stood still for the patience.

        Raises:
            ValueError: when the method reports no loss.
        """
        if step.loss is None:
            raise ValueError(
                "the stop rule plateau needs a loss, and this method reports none. Use another rule."
            )
        if len(self.statistic) < self.start:
            self.statistic.append(math.nan)
            return False
        self._smooth = step.loss if self._smooth is None else self._smooth.lerp(step.loss, 0.05)
        if len(self.statistic) % self.every:
            self.statistic.append(math.nan)
            return False
        value = float(self._smooth)
        self.statistic.append(value)
        if value < self._lowest * (1 - self.fall):
            self._lowest, self._since = value, step.iteration
        return step.iteration - self._since >= self.patience

    def best(self) -> Best | None:
        """None: training loss alone is never best."""
        return None


class HeldOut:
    """Stop when the loss on pixels hidden from the fit has passed its minimum.

    The noise of the hidden pixels cannot be learnt, if it is independent between pixels; so their loss rises
    when the fit starts to follow the noise of the others. It is smoothed over about 20 steps.

    Args:
        patience: iterations to wait for a new minimum.
    """

    name = "held-out"

    def __init__(self, *, patience: float = 200) -> None:
        self.statistic: list[float] = []
        self._minimum = Minimum(checks.in_range("patience", patience, 1))
        self._smooth = math.nan

    def update(self, step: Step) -> bool:
        """True when the minimum is ``patience`` iterations back.

        Raises:
            ValueError: when the method hides no pixels.
        """
        if step.held_out is None:
            raise ValueError(
                "the stop rule held-out needs a method that hides pixels from its fit; this one hides none. "
                "For dip, set held_out to a fraction, e.g. held_out=0.02."
            )
        value = float(step.held_out)
        self._smooth = value if math.isnan(self._smooth) else self._smooth + 0.05 * (value - self._smooth)
        self.statistic.append(self._smooth)
        return self._minimum.passed(self._smooth, step)

    def best(self) -> Best | None:
        """The estimate at the minimum."""
        return self._minimum.best


class Discrepancy:
    """Morozov's discrepancy principle: stop when the residual is as large as the noise, loss <= (tau
    sigma)^2.

    For methods whose loss is the mean squared distance to the noisy image. The loss is smoothed over about
    ten steps.

    Args:
        sigma: standard deviation of the noise in working units.
        tau: safety factor; above 1 stops earlier.
    """

    name = "discrepancy"

    def __init__(self, *, sigma: float, tau: float = 1.0) -> None:
        self.sigma = checks.in_range("sigma", sigma, 0, low_open=True)
        self.tau = checks.in_range("tau", tau, 0, low_open=True)
        self.statistic: list[float] = []

    def update(self, step: Step) -> bool:
        """True when the residual has fallen to the noise level.

        Raises:
            ValueError: when the method reports no loss.
        """
        loss = _loss(step, self.name)
        last = self.statistic[-1] if self.statistic else loss
        self.statistic.append(last + 0.1 * (loss - last))
        return self.statistic[-1] <= (self.tau * self.sigma) ** 2

    def best(self) -> Best | None:
        """None: the last estimate counts."""
        return None


class Sure:
    """Stop at the minimum of Stein's unbiased risk estimate, SURE = loss + 2 sigma^2 divergence - sigma^2.

    The method must report ``divergence``, the mean of the derivatives of each output pixel by the same input
    pixel, among the extras of its steps (dip does with ``divergence=True``). SURE is smoothed over about 20
    steps, because one random probe per step estimates the divergence. Gaussian noise of known level is
    assumed.

    Args:
        sigma: standard deviation of the noise in working units.
        patience: iterations to wait for a new minimum.

    Source: Jo, Chun, Choi, "Rethinking Deep Image Prior for Denoising", ICCV 2021, equation 8.
    """

    name = "sure"

    def __init__(self, *, sigma: float, patience: float = 200) -> None:
        self.sigma = checks.in_range("sigma", sigma, 0, low_open=True)
        self.statistic: list[float] = []
        self._minimum = Minimum(checks.in_range("patience", patience, 1))

    def update(self, step: Step) -> bool:
        """True when the minimum is ``patience`` iterations back.

        Raises:
            ValueError: when the method reports no divergence.
        """
        divergence = step.extras().get("divergence")
        if divergence is None:
            raise ValueError(
                "the stop rule sure needs the divergence of the method, and this one reports none. "
                "For dip, set divergence=True and code='image'; else use another rule."
            )
        risk = _loss(step, self.name) + self.sigma**2 * (2 * float(divergence) - 1)
        last = self.statistic[-1] if self.statistic else risk
        self.statistic.append(last + 0.05 * (risk - last))
        return self._minimum.passed(self.statistic[-1], step)

    def best(self) -> Best | None:
        """The estimate at the minimum."""
        return self._minimum.best
