"""How a training begins and how long it takes: first weights, steps, and the learning rate in time."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from pellucid import checks, models, seeds
from pellucid.data import Data
from pellucid.engine import placed
from pellucid.learning import DECAYS, TrainingProgress
from pellucid.training.request import TrainSettings
from pellucid.training.state import Checkpoint

SETTLING = 5
"""first steps, which are slow: no speed is taken from them"""
WARM = 20
"""steps to the first plan that rests on a speed, and fewest between two plans"""
UNKNOWN = 1000
"""fewest steps of the first guess where only time limits: the first 20 then learn at nearly the full rate"""


class Plan:
    """The steps planned; the learning rate falls towards the last of them.

    With a limit in seconds the plan is renewed from the speed since it was last renewed: after 20 steps, then
    after twice as many as lay between the last two plans, but at the latest after a quarter of those left. So
    the end comes close to the limit, and slow first steps are soon forgotten. The clock is the caller's.

    Args:
        steps: planned so far: as asked for, as a checkpoint says, or a first guess.
        most: steps that must not be exceeded, or None where only time limits.
        seconds: limit, or None.
        step: steps done.
        spent: seconds spent.
        marks: what `marks` gave, to go on with the same plan; None to look at the speed anew. Where the limit
            is no longer that of the marks, the steps are planned anew from the speed so far.

    >>> plan = Plan(1000, seconds=60.0)
    >>> for step in range(1, 21):
    ...     due = plan.due(step)
    ...     if due:
    ...         plan.renew(step, plan.propose(step, 0.5 * step))
    >>> plan.steps
    120
    """

    def __init__(
        self,
        steps: int,
        *,
        most: int | None = None,
        seconds: float | None = None,
        step: int = 0,
        spent: float = 0.0,
        marks: Mapping[str, float] | None = None,
    ) -> None:
        self.most, self.seconds = most, seconds
        self.steps = max(steps, UNKNOWN) if self.alone and step == 0 else steps
        same = not marks or marks["limit"] == (seconds or 0.0)
        if not marks or not same:
            marks = {"next": step + SETTLING, "step": step, "spent": spent, "stretch": 0}
        self.next, self.stretch = int(marks["next"]), int(marks["stretch"])
        self.step, self.spent = int(marks["step"]), marks["spent"]
        if not same:
            fit = most if seconds is None else int(step * seconds / max(spent, 1e-9))
            self.steps = min(n for n in (fit, most) if n is not None)

    @property
    def alone(self) -> bool:
        """Whether time is the only limit."""
        return self.most is None and self.seconds is not None

    @property
    def cut(self) -> bool:
        """Whether time allows less than was asked for."""
        return self.most is None or self.steps < self.most

    @property
    def marks(self) -> dict[str, float]:
        """What a resumed training must know beside `steps` to think the plan over at the same steps."""
        return {
            "next": self.next,
            "step": self.step,
            "spent": self.spent,
            "stretch": self.stretch,
            "limit": self.seconds or 0.0,
        }

    def late(self, spent: float) -> bool:
        """Whether the time is over."""
        return self.seconds is not None and spent >= self.seconds

    def goes_on(self, step: int, spent: float) -> bool:
        """Whether there is something left to do."""
        return step < self.steps and not self.late(spent)

    def due(self, step: int) -> bool:
        """Whether the plan is to be renewed after this step."""
        return self.seconds is not None and step == self.next

    def propose(self, step: int, spent: float) -> int:
        """The steps that fit into the time at the speed since the last look; at the first look, `steps`."""
        before, self.step = self.step, step
        took, self.spent = spent - self.spent, spent
        first, self.stretch = self.stretch == 0, step - before
        if first or self.seconds is None:
            return self.steps
        speed = self.stretch / max(took, 1e-9)
        steps = step + max(1, int(speed * (self.seconds - spent)))
        return steps if self.most is None else min(self.most, steps)

    def renew(self, step: int, steps: int) -> None:
        """Take up what was proposed, here or by the first of several processes."""
        self.steps = steps
        if self.stretch <= SETTLING:
            self.next = step + WARM - SETTLING
        else:
            self.next = step + max(WARM, min(2 * self.stretch, (steps - step) // 4))


def plan_of(request: TrainSettings, images: Data, last: Checkpoint | None) -> Plan:
    """How many steps are planned, anew or as a checkpoint says."""
    asked = _steps(request, images)
    most = None if request.only_time else asked
    if last is None:
        return Plan(asked, most=most, seconds=request.asked.seconds)
    return Plan(
        last.steps,
        most=most,
        seconds=request.asked.seconds,
        step=last.step,
        spent=last.seconds,
        marks=last.marks,
    )


def _steps(request: TrainSettings, images: Data) -> int:
    """The steps that the configuration or the epochs ask for."""
    if request.asked.epochs is None:
        return int(request.config.steps)
    seen = request.options.batch * request.options.patch**2 * request.asked.processes * request.asked.nodes
    return max(1, math.ceil(request.asked.epochs * images.pixels() / seen))


def network_of(request: TrainSettings, images: Data, last: Checkpoint | None) -> torch.nn.Module:
    """The network with the weights to start from; sets the standardisation of the data."""
    with seeds.fixed(request.asked.seed, "weights"):
        network = request.learning.build(request.config, images.channels)
    if last is not None:
        network.load_state_dict(dict(last.network))
        images.mean = torch.tensor(last.mean).view(-1, 1, 1)
        images.std = torch.tensor(last.std).view(-1, 1, 1)
    elif request.start is not None:
        card, weights = models.read(request.start)
        if card.channels != images.channels:
            raise ValueError(
                f"model {request.start.name!r} is for {card.channels} channels, the images have "
                f"{images.channels}."
            )
        models.fill(network, weights, request.start.name)
        images.mean, images.std = models.factors(card)
    elif request.config.standardise:
        images.standardise()
    return placed(network, torch.device("cpu"))


def factor(decay: str, progress: TrainingProgress) -> float:
    """What the learning rate is multiplied by.

    With t from 0 at the first step to 1 at the last: constant 1; linear 1 up to t = 1/2, then 2 (1 - t);
    ramp 1 up to t = 0.7, then cos^4 to 0, as Noise2Noise has it; halves 1/2^k in the k-th fifth from 0;
    tenth 1 up to t = 0.6, then 0.1; cosine (1 + cos(pi t)) / 2.

    >>> [factor("linear", TrainingProgress(step=s, steps=100)) for s in (0, 50, 75, 100)]
    [1.0, 1.0, 0.5, 0.0]
    >>> [factor("halves", TrainingProgress(step=s, steps=100)) for s in (0, 20, 99)]
    [1.0, 0.5, 0.0625]
    >>> [factor("tenth", TrainingProgress(step=s, steps=50)) for s in (0, 29, 30, 49)]
    [1.0, 1.0, 0.1, 0.1]
    """
    t = progress.fraction
    checks.one_of("decay", decay, DECAYS)
    if decay == "linear":
        return min(1.0, 2 * (1 - t))
    if decay == "ramp":
        late = max(0.0, (t - 0.7) / 0.3)
        return (0.5 + 0.5 * math.cos(math.pi * late)) ** 2
    if decay == "halves":
        return float(0.5 ** min(4, int(5 * t + 1e-9)))
    if decay == "tenth":
        return 1.0 if t < 0.6 else 0.1
    if decay == "cosine":
        return 0.5 * (1 + math.cos(math.pi * t))
    return 1.0
