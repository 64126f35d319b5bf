"""The contract of a method that is trained on many images, then applied to any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from pellucid import fields
from pellucid.noise.report import NoiseReport
from pellucid.paper import stated

Sees = Literal["noisy", "pairs", "clean pairs"]
DECAYS = ("constant", "linear", "ramp", "halves", "tenth", "cosine")


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What an objective is given: crops in the units of the network (standardised where the recipe says so).

    Attributes:
        noisy: (B, C, H, W).
        other: a second view (B, C, H, W) of the same scenes whose noise is independent, or None.
        clean: (B, C, H, W), or None; there only for a method that says it needs clean pairs.
        sigma: (B, 1, 1, 1) standard deviation of the noise where it was drawn or stated, or None.
        window: (B, D, C, H, W) slices of a film or volume that follow each other, of which `noisy` is the
            middle one; None for a method that sees a single one.
    """

    noisy: Tensor
    other: Tensor | None = None
    clean: Tensor | None = None
    sigma: Tensor | None = None
    window: Tensor | None = None

    @property
    def seen(self) -> Tensor:
        """(B, D C, H, W) what a network is given: the slices of the window as further channels, in order.

        >>> Batch(noisy=torch.zeros(2, 3, 8, 8)).seen.shape
        torch.Size([2, 3, 8, 8])
        """
        return self.noisy if self.window is None else self.window.flatten(1, 2)


@dataclass(frozen=True, kw_only=True)
class TrainingProgress:
    """Where a training stands.

    >>> TrainingProgress(step=25, steps=100).fraction
    0.25
    """

    step: int
    steps: int

    @property
    def fraction(self) -> float:
        """0 at the first step, 1 at the end."""
        return min(1.0, self.step / max(1, self.steps))


Progress = TrainingProgress
"""its old name, for methods of other packages"""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A loss with its parts.

    Attributes:
        value: scalar to descend.
        parts: detached scalars by name, for the log.
        pictures: detached (B, C, H, W) by name, for sample pictures and histograms.
    """

    value: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)
    pictures: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """What the configurations of all trained methods share.

    The defaults are those of preset fast: a network that two cores train in minutes, and a schedule that so
    short a training needs. A method states a field anew where its own differs; its paper's values stand in
    its `Paper`.
    """

    network: str = "swift-tiny"
    """network, by its name in `pellucid.networks`"""
    steps: int = fields.option(5000, low=1)
    """steps of the optimiser"""
    batch: int = fields.option(8, low=1)
    """crops per step"""
    patch: int = fields.option(64, low=8)
    """side of the crops, pixels"""
    learning_rate: float = fields.option(1e-3, low=0, low_open=True)
    """of Adam"""
    beta1: float = fields.option(0.9, low=0, high=1, high_open=True)
    """of Adam: how slowly the mean of the gradients follows"""
    beta2: float = fields.option(0.999, low=0, high=1, high_open=True)
    """of Adam: how slowly the mean of their squares follows"""
    weight_decay: float = fields.option(0.0, low=0)
    """added to the gradient, as Adam does"""
    decay: str = fields.option("cosine", choices=tuple(DECAYS))
    """learning rate in time: constant, linear (second half), ramp (cosine in the last 30 %), halves (each
    fifth), tenth (a tenth after 60 %), cosine"""
    clip: float = fields.option(0.0, low=0)
    """largest norm of the gradient; 0 for no limit"""
    ema: float = fields.option(0.0, low=0, high=1, high_open=True, aliases=("average",))
    """running average of the weights that is kept instead of the last ones, e.g. 0.999; 0 for none"""
    standardise: bool = False
    """scale the values by the mean and standard deviation of the training images"""

    def __post_init__(self) -> None:
        fields.check(self)


ADAM = stated(
    beta1=(0.9, "Adam, no figures; those of its authors"),
    beta2=(0.999, "Adam, no figures; those of its authors"),
)
"""what papers that train with Adam leave open"""


def extras_off(*stated: str) -> dict[str, Any]:
    """The fields of `TrainingConfig` that most papers know nothing of, off, but for those that one states.

    >>> extras_off("weight_decay", "ema")
    {'clip': 0.0, 'standardise': False}
    """
    off = {"weight_decay": 0.0, "clip": 0.0, "ema": 0.0, "standardise": False}
    return {name: value for name, value in off.items() if name not in stated}


_WHY_FAST = {
    "network": "a network that two cores can train: minutes instead of days",
    "steps": "see network",
    "batch": "see network",
    "patch": "see network",
    "learning_rate": "so short a training needs larger steps",
    "decay": "and must come to rest",
}


def why_fast(*names: str) -> dict[str, str]:
    """Why preset fast departs from the papers in these fields of `TrainingConfig`; none named for all.

    >>> why_fast("network", "batch")
    {'network': 'a network that two cores can train: minutes instead of days', 'batch': 'see network'}
    """
    return {name: _WHY_FAST[name] for name in names or _WHY_FAST}


class Build(Protocol):
    """Makes the network, its weights drawn from the global generator, which the caller has seeded."""

    def __call__(self, config: Any, channels: int) -> nn.Module:
        """A Module whose forward denoises; it may hold several networks."""
        ...


class Objective(Protocol):
    """The loss of a method on one batch."""

    def __call__(
        self,
        network: nn.Module,
        batch: Batch,
        config: Any,
        *,
        progress: TrainingProgress,
        generator: torch.Generator,
    ) -> Loss:
        """A Loss; every random draw comes from the generator (on the device of the batch)."""
        ...


class Predict(Protocol):
    """The method's published rule for an image at hand."""

    def __call__(
        self,
        network: nn.Module,
        noisy: Tensor,
        noise: NoiseReport | None,
        config: Any,
        *,
        generator: torch.Generator,
    ) -> Tensor:
        """(B, C, H, W) of any size in, the same shape out; in the units of the network, without gradient.

        A method with `Learning.deep` is given (B, D C, H, W), as in `Batch.seen`, and gives the middle slice.
        """
        ...


class Guard(Protocol):
    """Watches a training."""

    def __call__(self, recent: Sequence[Mapping[str, float]], config: Any) -> str | None:
        """What went wrong, in words with the advice, or None."""
        ...


@dataclass(frozen=True, kw_only=True)
class Learning:
    """How a method learns and is applied.

    Attributes:
        sees: what it is trained on: noisy images alone, pairs of noisy images, or pairs with a clean one.
        build: makes the network.
        objective: its loss.
        predict: its rule at test time.
        halo: pixels of context that `predict` needs around a tile.
        stride: the grid that tiles must lie on.
        guard: names a failure that the training has run into, from the parts of recent losses (oldest first),
            or gives None; a named failure stops the training.
        direct: whether `predict` is the network applied once (`apply`), so that it can be fitted further to
            the image at hand.
        deep: whether it may see several slices at once, by a field `depth` of its configuration.
    """

    sees: Sees
    build: Build
    objective: Objective
    predict: Predict
    halo: int = 32
    stride: int = 32
    guard: Guard | None = None
    direct: bool = False
    deep: bool = False


def depth_of(config: Any) -> int:
    """Slices that a method of this configuration sees at once; 1 for all that know no others."""
    return int(getattr(config, "depth", 1))


def apply(network: nn.Module, noisy: Tensor, sigma: Tensor | None) -> Tensor:
    """The network on (B, C, H, W), told the level (B, 1, 1, 1) or (B, C or 1, H, W) where it asks for one.

    A network asks for a level by an attribute ``conditioned = True``.

    Raises:
        ValueError: when it asks and no level is known.
    """
    if not getattr(network, "conditioned", False):
        output: Tensor = network(noisy)
        return output
    if sigma is None:
        raise ValueError(
            f"{type(network).__name__} must be told the noise level, and none is known here. Train it with "
            "noise that is added (--noise gaussian:0-50), or choose another --network."
        )
    output = network(noisy, sigma)
    return output
