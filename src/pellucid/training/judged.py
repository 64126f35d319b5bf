"""What a training has brought: against what `denoise` does without it, and against its own plan."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pellucid import auto, methods
from pellucid.data import Data
from pellucid.noise import analysis
from pellucid.steps import Task
from pellucid.training import watching
from pellucid.training.loop import Fit

SIDES = (256, 192, 128)
"""of the held-out pieces, pixels; on smaller ones the default cannot measure the noise well"""
COUNT = 4
"""pieces"""
FAR = 0.5
"""share of the planned steps below which a training has ended far from its plan"""
BELOW = 0.05
"""dB below the default that pieces so few may show by chance"""


@dataclass(frozen=True)
class Compared:
    """A model beside the default, on held-out pieces.

    Attributes:
        gain: dB of its error below that of the default; negative where it is worse.
        clean: whether the truth is clean; else it is another noisy shot, whose noise counts for both alike.
    """

    gain: float
    clean: bool


def compare(fit: Fit, images: Data) -> Compared | None:
    """Denoise held-out pieces by the model and by what `denoise` would do, and compare their errors.

    The truth is the clean piece where noise is added, another shot of the scene where the data have one.

    Returns:
        None where there is neither, or nothing of 128 pixels a side was held out.
    """
    side = next((s for s in SIDES if any(r.holds(s) for r in images.parts.held_out)), None)
    added = bool(images.kinds) and images.clean is None
    if side is None or not (added or images.sees != "noisy"):
        return None
    pieces = images.pieces(side, "clean pairs" if added or images.sees == "clean pairs" else "pairs")
    errors = torch.zeros(2, dtype=torch.float64)
    for sample in pieces.held_out(COUNT):
        batch = pieces.stacked([sample])
        truth = batch.clean if batch.clean is not None else batch.other
        if truth is None:
            return None
        model = watching.predicted(fit, batch).cpu() * images.std + images.mean
        usual = default(sample.noisy, color=images.pool.facts.color and images.channels == 3)
        clean = truth[0] * images.std + images.mean
        errors += torch.stack([(found - clean).double().square().mean() for found in (model[0], usual)])
    ours, theirs = (max(float(error), 1e-12) for error in errors)
    return Compared(10 * math.log10(theirs / ours), batch.clean is not None)


def default(noisy: Tensor, *, color: bool) -> Tensor:
    """What `denoise` makes of a picture (C, H, W), working units, without a model of the user's.

    Without what else `denoise` does: its last look, and what is no noise.
    """
    report = analysis.analyse(noisy[None], color=color)
    choice = auto.choose(report, color=color, channels=len(noisy))
    if choice.method == "none":
        return noisy
    task = Task(shots=noisy[None], noise=choice.noise, color=color)
    method = methods.load(choice.method)
    steps = method.steps(task, choice.config, seed=0, device=torch.device("cpu"))
    return [step.estimate() for step in steps][-1].cpu()


def advice(fit: Fit, compared: Compared | None) -> tuple[str, ...]:
    """What a person must know before using the model, and how to go on; nothing where all is well."""
    said = []
    planned, how = fit.plan.most, _how(fit)
    if planned is not None and fit.done < FAR * planned:
        said.append(f"it ended after {fit.done} of {planned} planned steps, far from its plan. Go on: {how}.")
    if compared is not None and compared.gain < -BELOW:
        than = "from the truth" if compared.clean else "from another shot"
        said.append(
            f"on held-out pictures it is {-compared.gain:.1f} dB further {than} than what `pellucid denoise` "
            f"does without a model. Use that, or go on: {how}."
        )
    return tuple(said)


def _how(fit: Fit) -> str:
    if fit.stopped_by == "interrupted":
        return "the same command with --resume"
    if fit.stopped_by == "seconds":
        return "the same command with --resume and more --seconds"
    return f"another model with --from {fit.request.out.name} and more --steps"
