"""What a training has brought: against what `denoise` does without it, and against its own plan."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from pellucid import auto, methods, seeds
from pellucid.data import Data
from pellucid.data.depth import Deep
from pellucid.data.sequence import Frames
from pellucid.noise import analysis
from pellucid.noise.sigma_map import sigma_map
from pellucid.noise.synthetic import Redraw
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
ADDED = 0.5
"""standard deviation of the noise that is added to noisy pieces, over that of the noise that is there"""
SLICES = 9
"""slices that the default is given where a model sees several"""
SURE = 2.0
"""standard errors by which a comparison with what is noisy must speak"""
WORSE = 0.002
"""variances of the noise by which the squared error must be larger then, to be worth a word: of what the
default leaves, some per cent of them, that is 0.3 dB at the most"""


@dataclass(frozen=True)
class Compared:
    """A model beside the default, on held-out pieces.

    Attributes:
        gain: dB of its error below that of the default; negative where it is worse. None where only the
            difference of the errors is known.
        clean: whether the truth is clean; else it is noisy, and both were given other noise.
        excess: where the truth is noisy: by how much its squared error is larger than that of the default, in
            variances of the noise, where chance does not explain that; else 0.
    """

    gain: float | None
    clean: bool
    excess: float = 0.0


def compare(fit: Fit, images: Data) -> Compared | None:
    """Denoise held-out pieces by the model and by what `denoise` would do, and compare their errors.

    The truth is the clean piece where noise is added, another shot of the scene where the data have one that
    fits. Else a part of noise like that of the piece is added to it, as `drawn` says.

    Returns:
        None where nothing of 128 pixels a side was held out, or it holds no noise that can be measured.
    """
    side = next((s for s in SIDES if any(r.holds(s) for r in images.parts.held_out)), None)
    if side is None:
        return None
    added = bool(images.kinds) and images.clean is None
    if not added and images.sees == "noisy":
        return drawn(fit, images, side)
    pieces = images.pieces(side, "clean pairs" if added or images.sees == "clean pairs" else "pairs")
    try:
        samples = pieces.held_out(COUNT)
    except ValueError:  # something moves in every piece so large
        return drawn(fit, images, side)
    errors, clean, rises = torch.zeros(2, dtype=torch.float64), False, []
    for sample in samples:
        batch = pieces.stacked([sample])
        truth = batch.clean if batch.clean is not None else batch.other
        if truth is None:
            return None
        model = watching.predicted(fit, batch).cpu() * images.std + images.mean
        usual = default(sample.noisy, color=_colours(images))
        target = truth[0] * images.std + images.mean
        squares = [(found - target).double().square().mean(0) for found in (model[0], usual)]
        errors += torch.stack([one.mean() for one in squares])
        rises.append(_blocks(squares[0] - squares[1]))
        clean = batch.clean is not None
    ours, theirs = (max(float(error), 1e-12) for error in errors)
    # of another shot, theirs is the variance of its noise and a little more
    excess = 0.0 if clean else _excess(rises, theirs / len(samples))
    return Compared(10 * math.log10(theirs / ours), clean, excess)


def drawn(fit: Fit, images: Data, side: int) -> Compared | None:
    """Compare on single noisy pieces, y: with m drawn like their noise, y + a m is denoised.

    It is held against y - m / a, whose noise is independent of that of y + a m: the expected squared
    difference is the squared error and (1 + 1 / a²) sigma², which model and default have alike. So the
    difference of their errors is known well, though neither is.

    Source: Oliveira, Lei, Tibshirani, "Unbiased risk estimation in the normal means problem via coupled
    bootstrap techniques", 2022.
    """
    pieces = images.pieces(side, "noisy")
    pieces.pool, own = copy.copy(pieces.pool), 1
    if isinstance(pieces.pool, Frames):
        pieces.pool.limit = math.inf  # a single frame need not be still
    if isinstance(pieces.pool, Deep):
        own, pieces.pool.depth = pieces.pool.depth, max(pieces.pool.depth, SLICES)
    rises, power = [], 0.0
    for number, sample in enumerate(pieces.held_out(COUNT)):
        noisy = sample.noisy
        report = analysis.analyse(noisy[None], color=_colours(images))
        if auto.nothing(report):
            return None
        generator = seeds.generator(fit.request.asked.seed, "judged", number)
        slices = noisy[None] if sample.window is None else sample.window
        middle = len(slices) // 2
        level = sigma_map(slices, report)
        height, width = noisy.shape[-2:]
        redraw = Redraw(report)
        noise = torch.stack([redraw.draw(height, width, generator) for _ in slices]) * level
        more, target = slices + ADDED * noise, noisy - noise[middle] / ADDED
        window = None if sample.window is None else more[middle - own // 2 : middle + own // 2 + 1]
        batch = pieces.stacked([type(sample)(noisy=more[middle], window=window)])
        model = watching.predicted(fit, batch).cpu() * images.std + images.mean
        colours = _colours(images)
        choice = chosen(more[middle], color=colours)
        usual = [by(choice, more[middle], color=colours)]
        if isinstance(pieces.pool, Deep):
            usual += together(choice, more, pieces.pool.axis, color=colours)
        squares = [(found - target).double().square().mean(0) for found in (model[0], *usual)]
        best = min(squares[1:], key=lambda one: float(one.mean()))
        rises.append(_blocks(squares[0] - best))
        power += float(level[middle].expand_as(noisy).double().square().mean()) / COUNT
    return Compared(None, clean=False, excess=_excess(rises, power))


def _blocks(rise: Tensor) -> Tensor:
    """The means of blocks of 8 x 8 of the difference (H, W) of two squared errors."""
    return avg_pool2d(rise[None, None], 8).flatten()


def _excess(rises: Sequence[Tensor], power: float) -> float:
    """Their mean over the power of the noise, where it is larger than chance makes it; else 0."""
    rise = torch.cat(list(rises))
    sure = abs(float(rise.mean())) > SURE * float(rise.std()) / math.sqrt(len(rise))
    return float(rise.mean()) / power if sure else 0.0


def _colours(images: Data) -> bool:
    return images.pool.facts.color and images.channels == 3


def default(noisy: Tensor, *, color: bool) -> Tensor:
    """What `denoise` makes of a picture (C, H, W), working units, without a model of the user's.

    Without what else `denoise` does: its last look, and what is no noise.
    """
    return by(chosen(noisy, color=color), noisy, color=color)


def chosen(noisy: Tensor, *, color: bool) -> auto.Choice:
    """What `denoise` takes for a picture (C, H, W)."""
    return auto.choose(analysis.analyse(noisy[None], color=color), color=color, channels=len(noisy))


def by(choice: auto.Choice, noisy: Tensor, *, color: bool) -> Tensor:
    """What comes of (C, H, W) by a choice."""
    if choice.method == "none":
        return noisy
    change = choice.stabilise
    seen, noise = (noisy, choice.noise) if change is None else (change.forward(noisy), change.noise)
    task = Task(shots=seen[None], noise=noise, color=color)
    method = methods.load(choice.method)
    steps = method.steps(task, choice.config, seed=0, device=torch.device("cpu"))
    estimate = [step.estimate() for step in steps][-1].cpu()
    return estimate if change is None else change.inverse(estimate)


def together(choice: auto.Choice, slices: Tensor, axis: str, *, color: bool) -> list[Tensor]:
    """What `denoise` makes of the middle of some slices (D, C, H, W) where they help each other.

    Args:
        choice: for the middle one alone.
        slices: working units.
        axis: along which they follow each other, "t" or "z".
        color: whether the channels are display colours.

    Returns:
        (C, H, W), or nothing where the noise is none that is filtered so.
    """
    if choice.method not in ("bm3d", "photo") or choice.noise.correlated:
        return []
    method = methods.load(auto.TOGETHER[axis.upper()])
    change = auto.around(method.name, choice.noise)
    seen = torch.stack([one if change is None else change.forward(one) for one in slices], 1)
    task = Task(shots=seen[None], noise=choice.noise if change is None else change.noise, color=color)
    (step,) = method.steps(task, method.presets["fast"], seed=0, device=torch.device("cpu"))
    estimate = step.estimate()[:, len(slices) // 2].cpu()
    return [estimate if change is None else change.inverse(estimate)]


def advice(fit: Fit, compared: Compared | None) -> tuple[str, ...]:
    """What a person must know before using the model, and how to go on; nothing where all is well."""
    said = []
    planned, how = fit.plan.most, _how(fit)
    if planned is not None and fit.done < FAR * planned:
        said.append(f"it ended after {fit.done} of {planned} planned steps, far from its plan. Go on: {how}.")
    if compared is not None and compared.gain is not None and compared.gain < -BELOW:
        than = "from the truth" if compared.clean else "from another shot"
        said.append(
            f"on held-out pictures it is {-compared.gain:.1f} dB further {than} than what `pellucid denoise` "
            f"does without a model. Use that, or go on: {how}."
        )
    elif compared is not None and compared.excess > WORSE:
        of = ", with noise like theirs added," if compared.gain is None else ", against another shot,"
        said.append(
            f"on held-out pictures{of} its squared error is larger than that of "
            f"`pellucid denoise` without a model, by {100 * compared.excess:.2g} % of the variance of the "
            f"noise. Use that, or go on: {how}."
        )
    return tuple(said)


def _how(fit: Fit) -> str:
    if fit.stopped_by == "interrupted":
        return "the same command with --resume"
    if fit.stopped_by == "seconds":
        return "the same command with --resume and more --seconds"
    return f"another model with --from {fit.request.out.name} and more --steps"
