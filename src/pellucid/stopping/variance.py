"""Stop when the outputs stop settling: windowed moving variance (ES-WMV) and its exponential form (ES-EMV).

While a fit learns the picture its outputs come to rest; when it starts to learn the noise they move again.
The minimum of their variance lies near the best picture, and no clean image is needed to see it.

Source: Wang, Li, Zhuang, Chen, Liang, Sun, "Early Stopping for Deep Image Prior", TMLR 2023.
"""

from __future__ import annotations

import math
from collections import deque

import torch
from torch import Tensor

from pellucid import checks
from pellucid.steps import Step
from pellucid.stopping.rule import Best, Minimum

# The authors wait 1000 steps in runs of at most 5000. A method that plans fewer steps passes its peak sooner,
# so the default keeps the proportion.
PATIENCE = 1000
PATIENCE_PER_TOTAL = 0.2


class _Variance:
    """What ES-EMV and ES-WMV share: the patience, and the minimum once the statistic is defined."""

    def __init__(self, patience: float | None) -> None:
        self.patience = None if patience is None else checks.in_range("patience", patience, 1)
        self.statistic: list[float] = []
        self._minimum = Minimum(PATIENCE)

    def _note(self, value: Tensor | None, step: Step) -> bool:
        """Record the statistic, None where it is not defined yet; True when its minimum is too far back."""
        if value is None:
            self.statistic.append(math.nan)
            return False
        planned = PATIENCE if step.total is None else min(PATIENCE, max(1, PATIENCE_PER_TOTAL * step.total))
        self._minimum.patience = planned if self.patience is None else self.patience
        self.statistic.append(float(value))
        return self._minimum.passed(self.statistic[-1], step)

    def best(self) -> Best | None:
        """The estimate at the minimum of the variance."""
        return self._minimum.best


class ExponentialVariance(_Variance):
    """ES-EMV: exponential moving variance of the outputs, in constant memory.

    With the difference d = x - m of the output x and the running mean m: m += a d, and then
    V = (1 - a) (V + a mean(d^2)).

    Args:
        patience: iterations to wait for a new minimum; default 1000, or a fifth of the planned iterations.
        alpha: forgetting factor a; 0.1 looks back about ten outputs.
        start: iterations before the first look, because the variance of a fit that has just begun means
            nothing.
    """

    name = "es-emv"

    def __init__(self, *, patience: float | None = None, alpha: float = 0.1, start: float = 100) -> None:
        super().__init__(patience)
        self.alpha = checks.in_range("alpha", alpha, 0, 1, low_open=True, high_open=True)
        self.start = checks.in_range("start", start, 0)
        self._mean: Tensor | None = None
        self._variance: Tensor | None = None

    def update(self, step: Step) -> bool:
        """True when the minimum is ``patience`` iterations back."""
        if self._mean is None or self._variance is None:
            # As the authors: the mean starts at zero and the variance with it; `start` hides the transient.
            self._mean, self._variance = torch.zeros_like(step.output), step.output.new_zeros(())
        change = step.output - self._mean
        self._mean = self._mean + self.alpha * change
        self._variance = (1 - self.alpha) * (self._variance + self.alpha * change.square().mean())
        return self._note(self._variance if len(self.statistic) >= self.start else None, step)


class WindowedVariance(_Variance):
    """ES-WMV: variance of the last outputs, V = mean over the window of mean((x - window mean)^2).

    The window is kept on copies of the outputs that are reduced by averaging areas until they hold at most
    ``pixels`` pixels; 100 outputs of a photograph would else fill the memory.

    Args:
        patience: iterations to wait for a new minimum; default 1000, or a fifth of the planned iterations.
        window: number of outputs.
        pixels: the largest picture that is kept as it is.
    """

    name = "es-wmv"

    def __init__(
        self, *, patience: float | None = None, window: float = 100, pixels: float = 256 * 256
    ) -> None:
        super().__init__(patience)
        self.window = int(checks.in_range("window", window, 2))
        self.pixels = checks.in_range("pixels", pixels, 1)
        self._outputs: deque[Tensor] = deque(maxlen=self.window)

    def _reduced(self, output: Tensor) -> Tensor:
        factor = math.ceil(math.sqrt(output.shape[-2] * output.shape[-1] / self.pixels))
        factor = min(factor, *output.shape[-2:])
        return torch.nn.functional.avg_pool2d(output, factor) if factor > 1 else output

    def update(self, step: Step) -> bool:
        """True when the minimum is ``patience`` iterations back."""
        self._outputs.append(self._reduced(step.output))
        if len(self._outputs) < self.window:
            return self._note(None, step)
        return self._note(torch.stack(tuple(self._outputs)).var(dim=0, correction=0).mean(), step)
