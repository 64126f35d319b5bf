"""choose: the method, its strength, and the reason in words."""

from __future__ import annotations

from dataclasses import replace

from pellucid import auto, methods
from pellucid.auto import Choice
from pellucid.request import Denoise
from pellucid.run.state import State
from pellucid.steps import Method


def choose(state: State) -> State:
    """Take the method that was asked for, or let `auto` choose by the report of the noise."""
    request, asked = state.request, state.settings.method
    if isinstance(request, Denoise) and request.sigma == 0:
        reason = "the stated noise level is 0"
        choice = Choice(method="none", config=None, noise=state.noise, reason=reason)
    elif asked is not None:
        choice = as_asked(state, asked)
    elif request.kind == "noise":
        choice = auto.choose(state.noise, color=state.first.color, channels=state.noisy.shape[1])
    else:
        choice = auto.restorer(request.kind, state.noise)
    method = None
    if choice.method != "none":
        method = asked or methods.load(choice.method).for_kind(request.kind)
    rule = request.stop if request.stop is not None else method.stop if method is not None else ""
    return replace(state, choice=choice, method=method, rule=rule, notes=(*state.notes, *choice.notes))


def as_asked(state: State, method: Method) -> Choice:
    """The method that was asked for; around it the change of values in which the noise has one level."""
    request, settings = state.request, state.settings
    measured = request.kind == "noise" and method.uses_noise
    reason = "asked for"
    if isinstance(request, Denoise):
        measured = measured and request.sigma is None and request.level == "auto"
        if request.sigma is not None:
            reason = f"asked for, at the stated level {request.sigma:g}"
        elif request.level != "auto":
            reason = f"asked for, at the level that {request.level} reads"
    measured = measured and method.learning is None  # it learnt the noise as it is in the files
    measured = measured and not settings.preparers  # these work in the domain of the file
    return Choice(
        method=method.name,
        config=settings.config,
        noise=state.noise,
        reason=reason,
        stabilise=auto.around(method.name, state.noise) if measured else None,
    )
