"""look: the last look at every slice, and what `auto` does where it fails: a milder result, or the input."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from pellucid import devices, methods
from pellucid.auto import Choice
from pellucid.noise import residual
from pellucid.noise import share as shares
from pellucid.noise.report import NoiseReport
from pellucid.noise.values import rise
from pellucid.request import Denoise
from pellucid.run import verdict
from pellucid.run.apply import one_slice
from pellucid.run.counted import in_bins
from pellucid.run.decide import method_of
from pellucid.run.state import Part, State
from pellucid.run.stated import ByMap
from pellucid.steps import Trust

NEXT = "bm3d"
"""the next method: it needs a level and nothing else, and gains with every kind of picture"""
KNOWN = ("photo", "bm3d")
"""methods whose changes the networks of `noise.share` know, of noise that pixels share, in 1 or 3 channels"""
QUARTER = 0.25
"""what is kept of a change that may be texture, where they do not know it"""
ENOUGH = (0.25, 0.4)
"""share that is told from which on a change that passed begins to be kept entire, and is"""
NEARLY = 0.95
"""share from which on the whole change stands"""
NOTHING = 0.05
"""share below which the input is returned"""


def look(state: State) -> State:
    """Judge every slice; where `auto` chose the method and its result fails, take what can be defended.

    What was asked for, method or level, is judged and kept.
    """
    method = state.method
    if state.request.kind != "noise":
        return state
    if method is None:
        return replace(state, trust=Trust(reasons=(state.choice.reason,)))
    figures = devices.spread(lambda i: _looked(state, i), range(len(state.parts)), state.noisy.device)
    outcomes = [judged(state, index, looked) for index, looked in enumerate(figures)]
    trust = verdict.worst([one.trust for one in outcomes])
    state = replace(state, parts=tuple(one.part for one in outcomes), trust=trust)
    took = [one.took for one in outcomes]
    if not any(took):
        return state
    said = verdict.worst([one.first for one in outcomes])
    why = f"the first result failed the last look: {'; '.join(said.reasons)}"
    if all(name == "none" for name in took):
        reason = f"{why}. Nothing milder could be defended either: the input is returned"
        choice = replace(state.choice, method="none", config=None, reason=reason, stabilise=None)
        return replace(state, choice=choice, method=None, notes=(*state.notes, f"{reason}. {OVERRULE}"))
    if len(set(took)) == 1 and took[0] == NEXT:
        level = white_report(state, 0).level * state.first.scale
        reason = f"white noise of at most {level:.3g}: BM3D at this level, as {why}"
        choice = replace(white_choice(white_report(state, 0)), reason=reason)
        return replace(
            state, choice=choice, method=methods.load(NEXT), notes=(*state.notes, f"{why}. {MILD}")
        )
    places = [f"slice {i}: {_words(one)}" for i, one in enumerate(outcomes, 1) if one.took]
    told = "; ".join(places) if len(took) > 1 else _words(outcomes[0])
    choice = replace(state.choice, reason=f"{state.choice.reason}; then {told}, as {why}")
    return replace(state, choice=choice, notes=(*state.notes, f"{why}. {told}. {OVERRULE}"))


OVERRULE = "force (--force) keeps the first result; --sigma states the noise"
MILD = f"A milder one stands instead. {OVERRULE}"


@dataclass(frozen=True)
class Outcome:
    """What became of a slice.

    Attributes:
        part: its estimate and the rest.
        trust: the verdict on that.
        first: the verdict on the first result, where that was not kept.
        took: "" where it was kept, else the name of the method of what stands instead: "share" for a share of
            the first result's change, "none" for the input.
        share: what part of the first result's change stands.
    """

    part: Part
    trust: Trust
    first: Trust = field(default_factory=Trust)
    took: str = ""
    share: float = 1.0


def judged(state: State, index: int, looked: residual.Looked | None = None) -> Outcome:
    """The verdict on a slice, and what stands instead where it fails and `auto` may act.

    Args:
        state: after `apply`.
        index: of the slice.
        looked: the figures of what was removed from it, where they are known.
    """
    part, noisy, report = state.parts[index], state.noisy[index], _beneath(state, index)
    choice = state.choice_of(index)
    method = method_of(state, choice)
    if method is None or part.interrupted:
        return Outcome(part, Trust())
    meant = report.impulse == 0 and not method.keeps(choice.config, report)

    def judge(looked: residual.Looked, strength: float = 1.0) -> Trust:
        return verdict.of_all(looked, told, meant=meant, spectral=report.correlated, strength=strength)

    given, seen, told = _compared(state, index, part.estimate)
    if looked is None:
        looked = residual.look(given.numpy(), seen.numpy())
    first = judge(looked)
    if not acts(state):
        return Outcome(part, first)
    known = report.correlated and choice.method in KNOWN and len(noisy) in (1, 3) and not choice.stabilise
    share = _share(given, seen, told, looked) if known else 1.0
    if first.level != "low":
        share += (1 - share) * rise(share, *ENOUGH)
        if share > NEARLY:
            return Outcome(part, first)
    elif not known:
        share = QUARTER
    if known and share < 1:
        words = f"{share:.0%} of what was removed looks like noise, the rest like picture"
        first = replace(first, reasons=(*first.reasons, words))
    # The patches see little of noise that pixels share, and of a JPEG's.
    calm = _calm(looked)
    if first.level == "low" and (
        not report.correlated or white_report(state, index).level >= verdict.OWN * calm
    ):
        milder = _next(state, index)
        if milder is not None:
            return Outcome(milder[0], _doubted(milder[1], first), first, NEXT)
    elif share > NOTHING:
        del given, seen  # a photograph may be as large as a tenth of the memory
        less = (part.estimate - noisy).mul_(share).add_(noisy)
        given, seen, told = _compared(state, index, less)
        trust = judge(residual.look(given.numpy(), seen.numpy()), share)
        if trust.level != "low":
            return Outcome(replace(part, estimate=less), _doubted(trust, first), first, "share", share)
    kept = Part(estimate=_as_it_came(state, index))
    return Outcome(kept, Trust(level="low", reasons=first.reasons), first, "none")


def _beneath(state: State, index: int) -> NoiseReport:
    """The noise of a slice, without salt and pepper where `noisy` is without them."""
    report = state.noise_of(index)
    return report if state.spoilt is None else replace(report, impulse=0.0)


def _compared(state: State, index: int, estimate: Tensor) -> tuple[Tensor, Tensor, NoiseReport]:
    """A slice, an estimate of it, and the noise, as they are looked at."""
    choice, report = state.choice_of(index), _beneath(state, index)
    given, seen, told = in_bins(state.noisy[index], _seen(state, estimate, index), report)
    if isinstance(choice.stabilise, ByMap):  # where the noise has one level, what is left over is seen
        even = choice.stabilise
        given, seen, told = even.forward(given), even.forward(seen), even.noise
    return given, seen, told


def _looked(state: State, index: int) -> residual.Looked | None:
    """The figures of what was removed from a slice, where it is to be judged."""
    part = state.parts[index]
    if part.interrupted or method_of(state, state.choice_of(index)) is None:
        return None
    given, seen, _ = _compared(state, index, part.estimate)
    return residual.look(given.numpy(), seen.numpy())


def _share(noisy: Tensor, estimate: Tensor, noise: NoiseReport, looked: residual.Looked) -> float:
    """How much of a change is noise: the least that is told of its parts."""
    told = [1.0]
    for (rows, columns), figures in looked:
        before, after = (a.numpy()[:, rows, columns] for a in (noisy, estimate))
        seen = shares.features(before, after, noise, figures)
        if seen is not None:
            told.append(shares.share(seen))
    return min(told)


def _as_it_came(state: State, index: int) -> Tensor:
    """A slice with what was taken off before its noise was measured, such as lines; of shots the average,
    and without salt and pepper, which is no part of what failed.
    """
    if len(state.images) > 1 or state.spoilt is not None:
        return state.noisy[index]
    given = torch.from_numpy(state.first.pixels.copy()) if state.repaired is None else state.repaired
    return state.prepared.lay(given)[index]


def _seen(state: State, estimate: Tensor, index: int) -> Tensor:
    """An estimate as the file will hold it, and as the input where it is left out."""
    clipped, left = estimate.clamp(*state.limits), state.left_out
    return clipped if left is None else torch.where(left[index], state.noisy[index], clipped)


def acts(state: State) -> bool:
    """Whether nobody asked for this method, this level, or to keep whatever comes.

    A level that is stated is obeyed, and so is a way of measuring it.
    """
    request = state.request
    mine = state.settings.method is None and state.stated is None
    return mine and isinstance(request, Denoise) and request.level == "auto" and not request.force


def _next(state: State, index: int) -> tuple[Part, Trust] | None:
    """(C)BM3D of a slice at the white level that the eigenvalues of its patches tell, and the verdict.

    Text and lines raise that level. So where its result is not trusted entirely, what it took off in the
    calmest parts is the level instead: less than the noise by what an estimate keeps, and never far above it.
    """
    white = white_report(state, index)
    if white.level <= 0:
        return None
    part, trust, calm = _at(state, index, white)
    if trust.level == "high":
        return part, trust
    if 0 < calm < white.level:
        own = NoiseReport.white(calm, len(white.sigma), scale=white.scale)
        part, trust, _ = _at(state, index, replace(own, low=white.low, span=white.span))
    return None if trust.level == "low" else (part, trust)


def _at(state: State, index: int, report: NoiseReport) -> tuple[Part, Trust, float]:
    """The next method on a slice at a level, the verdict, and what it took off in the calmest parts."""
    choice, method = white_choice(report), methods.load(NEXT)
    own = replace(state, choice=choice, method=method, noise=report, choices=(), reports=())
    own = replace(own, rule="", near_clean=None, adapted=None)
    part = one_slice(own, index, None)
    looked = residual.look(state.noisy[index].numpy(), _seen(state, part.estimate, index).numpy())
    return part, verdict.of_all(looked, report), _calm(looked)


def _calm(looked: residual.Looked) -> float:
    """The least that was taken off in the calmest places of the parts."""
    return min((figures.calm for _, figures in looked), default=0.0)


def white_report(state: State, index: int) -> NoiseReport:
    """White noise of a slice at the level of Chen, Zhu and Heng, at most that which was read."""
    report = state.noise_of(index)
    white = NoiseReport.white(min(report.chen, report.level), state.noisy.shape[1], scale=report.scale)
    return replace(white, low=report.low, span=report.span)


def white_choice(report: NoiseReport) -> Choice:
    """The next method at a white level."""
    return Choice(method=NEXT, config=methods.load(NEXT).presets["fast"], noise=report, reason="")


def _doubted(trust: Trust, first: Trust) -> Trust:
    """Medium at best, as the first reading was wrong."""
    return Trust(
        level="medium", reasons=(*(f"at first: {words}" for words in first.reasons[:1]), *trust.reasons)
    )


def _words(outcome: Outcome) -> str:
    """What stands instead of a result."""
    return {
        "share": f"{outcome.share:.0%} of the change that the first result made",
        "none": "the input, as nothing milder could be defended",
        NEXT: "BM3D at a lower, white level",
    }.get(outcome.took, "the first result")
