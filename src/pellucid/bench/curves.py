"""One iterative method on one picture, watched from outside: what it gains, and what its stop rule costs.

The clean picture is used for the plot only: no rule sees it, and the run does not change.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid import checks, metrics, stopping
from pellucid.bench import oracle, protocol
from pellucid.bench.spec import Entry, parse_entry, value
from pellucid.image import Image
from pellucid.request import Denoise
from pellucid.run import State, run, settle
from pellucid.run.apply import shown
from pellucid.run.pipeline import DECIDE, DO
from pellucid.steps import Method, Step, Task

WATCHED = "es-emv"
"""the statistic that is shown for a method with no rule of its own, or with one within its phases"""

BANDS = 5
_SMALL = 1e-8


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """A fit at one iteration.

    Attributes:
        iteration, phase: as the method counts them.
        seconds: spent in the method and its rule so far, looking on not counted.
        loss, statistic: nan where there is none.
        psnr, psnr_output: of the estimate and of the raw output, dB, before rounding.
        noisy_bands, clean_bands: correspondence of the raw output with the noisy and with the clean picture.
    """

    iteration: int
    phase: str
    seconds: float
    loss: float
    statistic: float
    psnr: float
    psnr_output: float
    noisy_bands: list[float]
    clean_bands: list[float]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A moment of a fit."""

    iteration: int
    seconds: float
    psnr: float


@dataclass(kw_only=True)
class Curve:
    """What was seen of one method.

    Attributes:
        entry: as typed.
        rule: the stop rule whose statistic is shown.
        own: whether it is the method's own rule, which would have ended the run; else it only watched.
        points: every so many iterations, and the last.
        fired: where the rule would have ended the run, or None.
        returned: what one would have been given then (for a rule that only watched: the last estimate).
        best: the best estimate that was looked at: an oracle.
        noisy_psnr: of the input.
    """

    entry: str
    rule: str
    own: bool
    noisy_psnr: float
    points: list[CurvePoint] = field(default_factory=list)
    fired: Mark | None = None
    returned: Mark | None = None

    @property
    def best(self) -> Mark:
        """The best estimate that was looked at."""
        top = max(self.points, key=lambda p: p.psnr)
        return Mark(iteration=top.iteration, seconds=top.seconds, psnr=top.psnr)

    @property
    def phases(self) -> list[CurvePoint]:
        """The first point of every phase but the first."""
        pairs = zip(self.points, self.points[1:], strict=False)
        return [now for before, now in pairs if now.phase != before.phase]


def follow(
    noisy: Image,
    clean: Image,
    entry: str,
    *,
    preset: str | None = None,
    sigma: float | None = None,
    data_range: float | None = None,
    iterations: int | None = None,
    seconds: float | None = None,
    every: int = 5,
    seed: int = 0,
    device: str = "auto",
    progress: Callable[[Any], None] | None = None,
) -> Curve:
    """Run a method to the end of its plan, beyond the point where its rule stops it.

    Args:
        noisy: one picture.
        clean: the same scene without noise.
        entry: method with changed fields, e.g. "dip", "ms-dip+consistency=none", "dip+stop=es-wmv".
        preset: for all methods that have it; "fast" by default.
        sigma, data_range: the level, where it is told and not measured.
        iterations, seconds: a shorter plan.
        every: iterations between two looks.
        seed: of the method's draws.
        device: auto, cpu, cuda ...
        progress: as for `pellucid.denoise`.

    Raises:
        ValueError: for a method that does not iterate, an oracle, pictures that differ in shape, or a stack.
    """
    checks.in_range("every", every, 1)
    checks.same_shape("clean", clean.pixels.shape, "the noisy picture", noisy.pixels.shape)
    if len(noisy.pixels) != 1:
        raise ValueError(f"curves are for one picture, got a stack of {len(noisy.pixels)}. Give a slice.")
    parsed = parse_entry(entry)
    wishes = {"preset": preset, "sigma": sigma, "data_range": data_range, "seed": seed, "device": device}
    wishes |= {"iterations": iterations, "seconds": seconds}
    settings = settle(_request(parsed, wishes))
    decided = run(State(settings=settings, given=(noisy,), progress=progress), DECIDE)
    method, text = decided.method, decided.rule
    if method is None:
        raise ValueError(f"curves are for methods that iterate, {entry} does nothing. Choose another.")
    own = text not in ("", "none")
    truth = decided.prepared.lay(torch.from_numpy(clean.pixels[0].copy()))
    given = decided.prepared.lay(torch.from_numpy(noisy.pixels[0].copy()))
    curve = Curve(
        entry=parsed.text,
        rule=text if own else WATCHED,
        own=own,
        noisy_psnr=metrics.psnr(truth, given, data_range=1.0),
    )
    watch = _Watch(curve, decided, method, truth, every)
    run(oracle.watched(decided, method, watch.steps), DO)
    if len(curve.points) < 2:
        raise ValueError(f"curves are for methods that iterate, {entry} took one step. Choose another.")
    return curve


def _request(entry: Entry, wishes: dict[str, Any]) -> Denoise:
    if entry.kind != "method" or entry.oracle:
        raise ValueError(f"curves are for a method and see the truth themselves, got {entry.text!r}.")
    told: dict[str, Any] = {k: v for k, v in wishes.items() if v is not None}
    for name, text in entry.arguments.items():
        if name == "shots":
            raise ValueError("curves are for one picture; leave +shots out.")
        told[name] = value(name, text)
    return Denoise(method=entry.name, set=entry.fields or None, **told)


class _Watch:
    """Passes the steps of a method on and notes them in a curve."""

    def __init__(self, curve: Curve, decided: State, method: Method, clean: Tensor, every: int) -> None:
        self.curve, self.decided, self.method, self.clean, self.every = curve, decided, method, clean, every
        self._loss = math.nan

    def steps(self, task: Task, config: Any, *, seed: int, device: torch.device) -> Iterator[Step]:
        """The steps of the method, one by one."""
        inner = self.method.steps(task, config, seed=seed, device=device)
        curve, spent, level = self.curve, 0.0, max(task.noise.level, 1e-6)
        last: Step | None = None
        rule = stopping.parse(curve.rule, sigma=level)
        try:
            while True:
                started = time.perf_counter()
                step = next(inner, None)
                if step is None:
                    break
                if last is not None and not curve.own and step.phase != last.phase:
                    rule = stopping.parse(curve.rule, sigma=level)
                stop = rule.update(step)
                self._loss = math.nan if step.loss is None else float(step.loss)  # waits for the device
                spent += time.perf_counter() - started
                if curve.own and stop and curve.fired is None:
                    self._end(rule, step, spent)
                if step.iteration % self.every == 0 or step.iteration == 1:
                    self._note(step, spent, rule)
                last = step
                yield step
        except GeneratorExit:
            # The plan was shortened: who takes the steps wants no more of them.
            self._last(rule, last, spent)
            raise
        self._last(rule, last, spent)

    def _last(self, rule: stopping.Stop, step: Step | None, spent: float) -> None:
        if step is None:
            return
        if self.curve.points[-1].iteration != step.iteration:
            self._note(step, spent, rule)
        if self.curve.returned is None:
            self._end(rule, step, spent, fired=False)

    def _note(self, step: Step, spent: float, rule: stopping.Stop) -> None:
        stabilise = self.decided.choice.stabilise
        output = step.output.detach() if stabilise is None else stabilise.inverse(step.output.detach())
        output, estimate = output.float().cpu(), shown(self.decided, step.estimate())
        if estimate.shape != self.clean.shape:
            raise ValueError("curves need the whole picture at once, got tiles. Give a smaller --crop.")
        self.curve.points.append(
            CurvePoint(
                iteration=step.iteration,
                phase=step.phase,
                seconds=spent,
                loss=self._loss,
                statistic=rule.statistic[-1],
                psnr=metrics.psnr(self.clean, estimate, data_range=1.0),
                psnr_output=metrics.psnr(self.clean, output, data_range=1.0),
                noisy_bands=correspondence(output, self.decided.noisy[0]),
                clean_bands=correspondence(output, self.clean),
            )
        )

    def _end(self, rule: stopping.Stop, step: Step, spent: float, *, fired: bool = True) -> None:
        """Note what one would be given if the run ended here."""
        best = rule.best() if self.curve.own else None
        iteration, estimate = best if best is not None else (step.iteration, step.estimate())
        score = metrics.psnr(self.clean, shown(self.decided, estimate), data_range=1.0)
        self.curve.returned = Mark(iteration=iteration, seconds=spent, psnr=score)
        if fired:
            self.curve.fired = Mark(iteration=step.iteration, seconds=spent, psnr=score)


def centre(image: Image, side: int | None) -> Image:
    """The middle of a picture, cut as the benchmark cuts it."""
    cut = [protocol.crop(piece, side) for piece in image.pixels]
    return replace(image, pixels=np.stack(cut).astype(np.float32), alpha=None)


def correspondence(output: Tensor, target: Tensor, bands: int = BANDS) -> list[float]:
    """Frequency-band correspondence: the mean of min(1, |F(output)| / |F(target)|) over each ring.

    F is the discrete Fourier transform of the mean of the channels. Ring b of B holds the frequencies from
    (b - 1) / B to b / B of the highest along an axis; the corners beyond are left out. 1 says that the moduli
    are reached, not that the phases are right.

    Args:
        output: (C, H, W) what the fit gives.
        target: (C, H, W) what it is compared with: the noisy picture, or for a plot the clean one.
        bands: number of rings.

    Returns:
        One figure in [0, 1] per ring, the lowest frequencies first.

    Raises:
        ValueError: when the shapes differ, or a ring would hold no frequency.

    Source: Shi, Mettes, Maji, Snoek, "On Measuring and Controlling the Spectral Bias of the Deep Image
    Prior", International Journal of Computer Vision 130, 2022.

    >>> picture = torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> [round(v, 3) for v in correspondence(0.5 * picture, picture, bands=2)]
    [0.5, 0.5]
    """
    checks.same_shape("output", output.shape, "target", target.shape)
    rings, counts = _rings(target.shape[-2], target.shape[-1], bands)
    moduli = [torch.fft.fft2(x.detach().double().mean(dim=0).cpu()).abs() for x in (output, target)]
    ratio = (moduli[0] / (moduli[1] + _SMALL)).clamp(max=1).flatten()
    sums = torch.zeros(bands + 1, dtype=torch.float64).index_add_(0, rings, ratio)
    result: list[float] = (sums[:bands] / counts).tolist()
    return result


@lru_cache(maxsize=8)
def _rings(height: int, width: int, bands: int) -> tuple[Tensor, Tensor]:
    """The ring of every frequency, flat (``bands`` for the corners), and how many each ring holds."""
    checks.in_range("bands", bands, 1)
    down, across = (
        torch.fft.fftfreq(height, dtype=torch.float64),
        torch.fft.fftfreq(width, dtype=torch.float64),
    )
    radius = 2 * torch.hypot(down[:, None], across[None, :]).flatten()
    # Ring 1 holds 0 as well; a frequency on an edge belongs to the ring inside.
    rings = (torch.ceil(radius * bands - 1e-9).long() - 1).clamp(0, bands)
    counts = torch.bincount(rings, minlength=bands + 1)[:bands]
    if not bool((counts > 0).all()):
        raise ValueError(f"a picture of {width} x {height} pixels has no {bands} bands. Take fewer.")
    return rings, counts
