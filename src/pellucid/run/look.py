"""look: the last look at every slice, and what `auto` does where it fails: a milder result, or the input."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from pellucid import methods
from pellucid.auto import Choice
from pellucid.noise import residual
from pellucid.noise.report import NoiseReport
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
QUARTER = 0.25
"""what is kept of a change that may be texture: at most a sixteenth of its error comes with it"""


def look(state: State) -> State:
    """Judge every slice; where `auto` chose the method and its result fails, take what can be defended.

    What was asked for, method or level, is judged and kept.
    """
    method = state.method
    if state.request.kind != "noise":
        return state
    if method is None:
        return replace(state, trust=Trust(reasons=(state.choice.reason,)))
    outcomes = [judged(state, index) for index in range(len(state.parts))]
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


def judged(state: State, index: int) -> Outcome:
    """The verdict on a slice, and what stands instead where it fails and `auto` may act."""
    part, noisy, report = state.parts[index], state.noisy[index], state.noise_of(index)
    choice = state.choice_of(index)
    method = method_of(state, choice)
    if method is None or part.interrupted:
        return Outcome(part, Trust())
    meant = report.impulse == 0 and not method.keeps(choice.config, report)

    def judge(estimate: Tensor, strength: float = 1.0) -> Trust:
        given, seen, told = in_bins(noisy, _seen(state, estimate, index), report)
        if isinstance(choice.stabilise, ByMap):  # where the noise has one level, what is left over is seen
            even = choice.stabilise
            given, seen, told = even.forward(given), even.forward(seen), even.noise
        spectral = report.correlated
        return verdict.judge(given, seen, told, meant=meant, spectral=spectral, strength=strength)

    first = judge(part.estimate)
    if first.level != "low" or not acts(state):
        return Outcome(part, first)
    # The patches see little of noise that pixels share, and of a JPEG's.
    figures = _figures(noisy, _seen(state, part.estimate, index))
    calm = min((one.calm for one in figures), default=0.0)
    if not report.correlated or white_report(state, index).level >= verdict.OWN * calm:
        milder = _next(state, index)
        if milder is not None:
            return Outcome(milder[0], _doubted(milder[1], first), first, NEXT)
    else:
        certain = min((verdict.certain(one) for one in figures), default=0.0)
        share = QUARTER + (1 - QUARTER) * certain
        less = noisy + share * (part.estimate - noisy)
        trust = judge(less, share)
        if trust.level != "low":
            return Outcome(replace(part, estimate=less), _doubted(trust, first), first, "share", share)
    given = Part(estimate=_as_it_came(state, index))
    return Outcome(given, Trust(level="low", reasons=first.reasons), first, "none")


def _as_it_came(state: State, index: int) -> Tensor:
    """A slice with what was taken off before its noise was measured, such as lines; of shots the average."""
    if len(state.images) > 1:
        return state.noisy[index]
    return state.prepared.lay(torch.from_numpy(state.first.pixels.copy()))[index]


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
    part, trust = _at(state, index, white)
    if trust.level == "high":
        return part, trust
    figures = _figures(state.noisy[index], _seen(state, part.estimate, index))
    calm = min((one.calm for one in figures), default=0.0)
    if 0 < calm < white.level:
        own = NoiseReport.white(calm, len(white.sigma), scale=white.scale)
        part, trust = _at(state, index, replace(own, low=white.low, span=white.span))
    return None if trust.level == "low" else (part, trust)


def _at(state: State, index: int, report: NoiseReport) -> tuple[Part, Trust]:
    """The next method on a slice at a level, and the verdict."""
    choice, method = white_choice(report), methods.load(NEXT)
    own = replace(state, choice=choice, method=method, noise=report, choices=(), reports=())
    own = replace(own, rule="", near_clean=None, adapted=None)
    part = one_slice(own, index, None)
    return part, verdict.judge(state.noisy[index], _seen(state, part.estimate, index), report)


def white_report(state: State, index: int) -> NoiseReport:
    """White noise of a slice at the level of Chen, Zhu and Heng."""
    report = state.noise_of(index)
    white = NoiseReport.white(report.chen, state.noisy.shape[1], scale=report.scale)
    return replace(white, low=report.low, span=report.span)


def white_choice(report: NoiseReport) -> Choice:
    """The next method at a white level."""
    return Choice(method=NEXT, config=methods.load(NEXT).presets["fast"], noise=report, reason="")


def _figures(noisy: Tensor, estimate: Tensor) -> list[residual.Residual]:
    """What was removed from a slice, part by part."""
    before, after = noisy.numpy(), estimate.numpy()
    found = [residual.measure(before[:, r, c], after[:, r, c]) for r, c in residual.parts(before, after)]
    return [one for one in found if one is not None]


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
