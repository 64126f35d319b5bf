"""The training loop: one step after the other, what is looked at between them, and when it ends."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from pellucid import devices, seeds
from pellucid.data import Data
from pellucid.engine import adam
from pellucid.learning import Batch, Loss, TrainingProgress
from pellucid.training import plan as planning
from pellucid.training.batches import Stream, on
from pellucid.training.ema import EMA
from pellucid.training.log import Figures, Report
from pellucid.training.request import TrainSettings
from pellucid.training.state import Checkpoint

LOOK = 10
"""steps between two looks at the figures: reading one waits for the device"""


class Group(Protocol):
    """The processes that train one network together."""

    rank: int
    size: int

    def agreed(self, value: int) -> int:
        """What the first of them says."""

    def any(self, value: bool) -> bool:
        """Whether one of them says so."""


class OneProcess:
    """One process."""

    rank = 0
    size = 1

    def agreed(self, value: int) -> int:
        """The value."""
        return value

    def any(self, value: bool) -> bool:
        """The value."""
        return value


class Fit:
    """A network, its objective and its optimiser.

    Args:
        request: what was asked for.
        network: to be trained.
        plan: how many steps, and until when.
        state: to go on from, or None.
        watch: called on the first process after every `every` steps and at the end, with what to save.
        tell: called with a Report now and then, or None.
    """

    def __init__(
        self,
        request: TrainSettings,
        network: nn.Module,
        plan: planning.Plan,
        state: Checkpoint | None,
        watch: Callable[[Fit], None],
        tell: Callable[[Report], None] | None = None,
    ) -> None:
        self.request, self.network, self.plan = request, network, plan
        self.done = 0 if state is None else state.step
        self._first = self.done
        self.before = 0.0 if state is None else state.seconds
        self.resumed, self.watch, self.tell = state, watch, tell
        self.ema = EMA(network, request.config.ema) if request.config.ema else None
        if self.ema is not None and state is not None and state.average is not None:
            self.ema.network.load_state_dict(state.average)
        self.started = time.monotonic()
        self.figures = Figures(request.learning.guard, request.config)
        self.held_out: float | None = None
        over = plan.seconds is not None and (plan.late(self.before) or plan.cut)
        self.stopped_by = "seconds" if over else "finished"
        self.interrupted = self.over = False
        self.group: Group = OneProcess()
        self.failed: str | None = None
        self._last: Loss | None = None
        self._draws = draws_itself(network, request.learning.objective)

    @property
    def seconds(self) -> float:
        """Since the start, those before a resume included."""
        return self.before + time.monotonic() - self.started

    @property
    def best(self) -> nn.Module:
        """The network that is kept: the averaged one where there is one."""
        return self.network if self.ema is None else self.ema.network

    def new_optimizer(self) -> torch.optim.Optimizer:
        """Adam as the recipe says."""
        config = self.request.config
        return adam(
            self.network.parameters(),
            config.learning_rate,
            betas=(config.beta1, config.beta2),
            weight_decay=config.weight_decay,
        )

    def begin(self, optimizer: torch.optim.Optimizer, device: torch.device, group: Group) -> None:
        """Take up the state of the optimiser, now that it is where it will be used."""
        self.optimizer, self.device, self.group = optimizer, device, group
        if self.ema is not None:
            self.ema.network.to(device)
        if self.resumed is not None:
            optimizer.load_state_dict(dict(self.resumed.optimizer))
            self.resumed = None
        self.started = time.monotonic()

    @property
    def progress(self) -> TrainingProgress:
        """Where the training stands."""
        return TrainingProgress(step=self.done, steps=self.plan.steps)

    def training_step(self, batch: Batch) -> Tensor:
        """Set the learning rate, and give the loss; every draw is a function of (seed, step, process)."""
        config = self.request.config
        for group in self.optimizer.param_groups:
            group["lr"] = config.learning_rate * planning.factor(config.decay, self.progress)
        names = ("step", self.done, self.group.rank)
        self._last = self.loss(self.network, batch, names)
        return self._last.value

    def loss(self, network: nn.Module, batch: Batch, names: tuple[str | int, ...]) -> Loss:
        """The loss of a network on a batch, with draws from the named child of the seed."""
        seed = self.request.asked.seed
        generator = seeds.generator(seed, *names, device=batch.noisy.device)
        with (
            seeds.fixed(seed, "layers", *names) if self._draws else nullcontext(),
            devices.arithmetic(self.request.asked.precision, batch.noisy.device),
        ):
            return self.request.learning.objective(
                network, batch, self.request.config, progress=self.progress, generator=generator
            )

    def after_step(self) -> None:
        """Average, look, save, and see whether to go on."""
        self.done += 1
        if self.ema is not None:
            self.ema.update(self.network, self.done)
        self._plan()
        marked = self.done % self.request.asked.every == 0 or self.done >= self.plan.steps
        if self.done % LOOK == 0 or marked or self.done == 1:
            self._look()
        if marked and self.failed is None and self.group.rank == 0:
            self.watch(self)
        self._go_on()

    def _plan(self) -> None:
        """Where time is limited, plan as many steps as it allows, so that the schedule ends in time."""
        if self.plan.due(self.done):
            steps = self.plan.propose(self.done, self.seconds)
            self.plan.renew(self.done, self.group.agreed(steps))

    def _look(self) -> None:
        """Read the figures of the last step."""
        if self._last is None:
            return
        rate = self.optimizer.param_groups[0]["lr"]
        self.failed = self.figures.take(self._last, rate, self.done) or self.failed
        if self.tell is not None and self.group.rank == 0:
            self.tell(
                Report(
                    step=self.done,
                    steps=self.plan.steps,
                    loss=self.figures.now["loss"],
                    held_out=self.held_out,
                    seconds=self.seconds,
                    speed=(self.done - self._first) / max(self.seconds - self.before, 1e-9),
                )
            )

    def _go_on(self) -> None:
        """Stop where it must; several processes stop together, and ask each other only now and then."""
        if self.group.size > 1 and self.done % LOOK and self.done < self.plan.steps:
            return
        late = self.plan.late(self.seconds)
        stop = self.interrupted or self.failed is not None or late or self.done >= self.plan.steps
        if self.group.any(stop):
            self.stopped_by = (
                "guard" if self.failed else "interrupted" if self.interrupted
                else "seconds" if late or self.plan.cut else "finished"
            )  # fmt: skip
            self.over = True

    def state(self, settings: Mapping[str, Any], mean: list[float], std: list[float]) -> Checkpoint:
        """What a checkpoint holds."""
        return Checkpoint(
            settings=settings,
            step=self.done,
            steps=self.plan.steps,
            seconds=self.seconds,
            marks=self.plan.marks,
            network=self.network.state_dict(),
            average=None if self.ema is None else self.ema.network.state_dict(),
            optimizer=self.optimizer.state_dict(),
            mean=mean,
            std=std,
        )


def run(fit: Fit, images: Data) -> None:
    """Train in this process until the plan, the time, the guard or Ctrl-C ends it, after the step at hand."""
    request = fit.request
    fit.network.to(request.device)
    fit.begin(fit.new_optimizer(), request.device, OneProcess())
    stream = Stream(images, start=fit.done, threads=request.threads)
    with interruptible(fit), closing(iter(stream)) as batches, torch.enable_grad():
        while not fit.over:
            loss = fit.training_step(on(next(batches), fit.device))
            fit.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            if request.config.clip:
                nn.utils.clip_grad_norm_(fit.network.parameters(), request.config.clip)
            fit.optimizer.step()
            fit.after_step()


@contextmanager
def interruptible(fit: Fit) -> Iterator[None]:
    """In the main thread, the first Ctrl-C lets the step end and saves; the second one is as ever.

    A handler that was not set by Python could not be put back: where there is one, signals are left alone.
    """
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT) if main else None
    if before is None:
        yield
        return

    def note(number: int, frame: Any) -> None:
        fit.interrupted = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def draws_itself(network: nn.Module, objective: Callable[..., Loss]) -> bool:
    """Whether a layer or the objective may draw without being given a generator: dropout, or foreign code.

    Only then every operation of a step has to be looked at (`seeds.fixed`), which costs microseconds each.

    >>> draws_itself(nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU()), adam), draws_itself(nn.Dropout(0.1), adam)
    (False, True)
    """
    random = (nn.RReLU, nn.MultiheadAttention, nn.FractionalMaxPool2d, nn.FractionalMaxPool3d)
    apart = ("torch.nn.modules.dropout", "torch.nn.modules.rnn", "torch.nn.modules.transformer")
    homes = {type(layer).__module__ for layer in network.modules()} | {objective.__module__}
    known = all(home.startswith(("torch.nn.modules.", "pellucid.")) and home not in apart for home in homes)
    return not known or any(isinstance(layer, random) for layer in network.modules())
