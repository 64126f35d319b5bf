"""The training loop's inner part, as Lightning drives it: one step, and what is looked at between steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from pellucid import devices, seeds
from pellucid.engine import adam
from pellucid.learning import Batch, Loss, Progress
from pellucid.training import schedule
from pellucid.training.average import Average
from pellucid.training.batches import on
from pellucid.training.figures import Figures
from pellucid.training.plan import Plan
from pellucid.training.reporting import Report
from pellucid.training.request import TrainSettings
from pellucid.training.state import State

LOOK = 10
"""steps between two looks at the figures: reading one waits for the device"""


class Fit(pl.LightningModule):  # type: ignore[misc]
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
        plan: Plan,
        state: State | None,
        watch: Callable[[Fit], None],
        tell: Callable[[Report], None] | None = None,
    ) -> None:
        super().__init__()
        self.request, self.network, self.plan = request, network, plan
        self.done = 0 if state is None else state.step
        self._first = self.done
        self.before = 0.0 if state is None else state.seconds
        self.resumed, self.watch, self.tell = state, watch, tell
        self.average = Average(network, request.config.ema) if request.config.ema else None
        if self.average is not None and state is not None and state.average is not None:
            self.average.network.load_state_dict(state.average)
        self.started = time.monotonic()
        self.figures = Figures(request.learning.guard, request.config)
        self.held_out: float | None = None
        over = plan.seconds is not None and (plan.late(self.before) or plan.cut)
        self.stopped_by = "seconds" if over else "finished"
        self.interrupted = False
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
        return self.network if self.average is None else self.average.network

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam as the recipe says."""
        config = self.request.config
        return adam(
            self.network.parameters(),
            config.learning_rate,
            betas=(config.beta1, config.beta2),
            weight_decay=config.weight_decay,
        )

    def on_train_start(self) -> None:
        """Take up the state of the optimiser, now that it is where it will be used."""
        if self.average is not None:
            self.average.network.to(self.device)
        if self.resumed is not None:
            self.optimizer.load_state_dict(dict(self.resumed.optimizer))
            self.resumed = None
        self.started = time.monotonic()

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """Adam itself."""
        found: torch.optim.Optimizer = self.trainer.optimizers[0]
        return found

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """The batch where the network is, laid out as it likes."""
        return on(batch, device)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the learning rate of this step."""
        config = self.request.config
        rate = config.learning_rate * schedule.factor(config.decay, self.progress)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    @property
    def progress(self) -> Progress:
        """Where the training stands."""
        return Progress(step=self.done, steps=self.plan.steps)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a step; every draw is a function of (seed, step, process)."""
        names = ("step", self.done, self.global_rank)
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

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Average, look, save, and see whether to go on."""
        self.done += 1
        if self.average is not None:
            self.average.update(self.network, self.done)
        self._plan()
        marked = self.done % self.request.asked.every == 0 or self.done >= self.plan.steps
        if self.done % LOOK == 0 or marked or self.done == 1:
            self._look()
        if marked and self.failed is None and self.trainer.is_global_zero:
            self.watch(self)
        self._go_on()

    def _plan(self) -> None:
        """Where time is limited, plan as many steps as it allows, so that the schedule ends in time."""
        if self.plan.due(self.done):
            steps = self.plan.propose(self.done, self.seconds)
            self.plan.renew(self.done, int(self.trainer.strategy.broadcast(steps)))

    def _look(self) -> None:
        """Read the figures of the last step."""
        if self._last is None:
            return
        rate = self.optimizer.param_groups[0]["lr"]
        self.failed = self.figures.take(self._last, rate, self.done) or self.failed
        if self.tell is not None and self.trainer.is_global_zero:
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
        several = self.trainer.world_size > 1
        if several and self.done % LOOK and self.done < self.plan.steps:
            return
        late = self.plan.late(self.seconds)
        stop = self.interrupted or self.failed is not None or late or self.done >= self.plan.steps
        if several:
            stop = bool(self.trainer.strategy.reduce_boolean_decision(stop, all=False))
        if stop:
            self.stopped_by = (
                "guard" if self.failed else "interrupted" if self.interrupted
                else "seconds" if late or self.plan.cut else "finished"
            )  # fmt: skip
            self.trainer.should_stop = True

    def state(self, settings: Mapping[str, Any], mean: list[float], std: list[float]) -> State:
        """What a checkpoint holds."""
        return State(
            settings=settings,
            step=self.done,
            steps=self.plan.steps,
            seconds=self.seconds,
            marks=self.plan.marks,
            network=self.network.state_dict(),
            average=None if self.average is None else self.average.network.state_dict(),
            optimizer=self.optimizer.state_dict(),
            mean=mean,
            std=std,
        )


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
