"""What is said where a method was named that takes slices together, and they do not help each other."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.auto import Choice
from pellucid.request import Denoise
from pellucid.run import film, trial
from pellucid.run.state import State
from pellucid.series import stacks
from pellucid.series.stacks import Run

FEWEST = {"vbm3d": 2, "bm4d": 4, "mctf": 2}
"""slices of one scene that they take together, and are compared with themselves on each alone"""


def doubts(state: State, choice: Choice, runs: Sequence[Run]) -> tuple[str, ...]:
    """Notes on the slices of a film or volume, where the user named the method that takes them together.

    It is obeyed. The trial that `auto` goes by compares it with itself on each slice alone; of noise that
    pixels share, which the trial does not draw, only what `follow` measured tells.

    Args:
        state: after `follow`.
        choice: the method, its configuration, the noise and the change of values around it.
        runs: the slices that it takes together.
    """
    request, method = state.request, state.settings.method
    if method is None or method.name not in FEWEST or not isinstance(request, Denoise):
        return ()
    if choice.method == "none" or len(state.noisy) < 2 or not runs:
        return ()
    axes = stacks.axes_of(state.first, request.axes)
    letter, _ = stacks.letter_of(
        state.first.shape, axes, "", axis=request.axis, method=method.name, wanted=method.axis
    )
    found, longest = [one for one in state.series if one.axis == letter], max(runs, key=len)
    seen, notes = film.of(found, longest), film.told(found)
    many = "slices" if seen is None else f"{seen.name}s"
    if len(longest) < FEWEST[method.name]:
        why = f"no {many[:-1]} has a neighbour that shows the same scene"
        if len(longest) > 1:
            why = f"{method.name} takes {FEWEST[method.name]} or more {many} together, and got {len(longest)}"
        return (*notes, f"{why}: each is denoised by itself")
    instead = f"each by itself (--axis none instead of --method {method.name})"
    if seen is not None and seen.shares_noise:
        return (*notes, f"the {many} {film.why(seen, longest)}, and what is shared stays: {instead} is safer")
    if choice.noise.correlated:
        gain, error = (-1.0 if seen is not None and seen.apart else 1.0), 0.0
    else:
        kind = "Z" if method.axis == "z" else "T"
        gain, error = trial.gain(state, choice, longest, kind, method.name, choice.config)
    if gain > trial.SURE * error:
        return notes
    worse = gain < -trial.SURE * error
    reason = film.why(seen, longest) if not worse or (seen and seen.apart) else "lose by each other"
    return (*notes, f"the {many} {reason}: {instead} {'comes closer' if worse else 'may come as close'}")
