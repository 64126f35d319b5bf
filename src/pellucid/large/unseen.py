"""What a run region by region does not see to, looked for in the sample, so that it is said."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.noise import lines, stripes
from pellucid.request import Denoise
from pellucid.run.prepare import patterns
from pellucid.run.state import State
from pellucid.series import Series


def of_lines(state: State, request: Denoise) -> tuple[str, ...]:
    """A note where windows hold stripes, or offsets of lines: these need whole slices to be taken off.

    Args:
        state: of the windows of the sample, loaded.
        request: what was asked for.
    """
    if request.lines == "off":
        return ()
    planes = state.shots.numpy()
    holes = None if state.holes is None else state.holes[:, None].expand(state.shots.shape[1:]).numpy()
    _, waves = stripes.without(planes, holes)
    _, rows, columns = lines.without(planes, holes)
    found = patterns(waves, rows, columns, state.first.scale)
    if not found:
        return ()
    return (
        f"{' and '.join(found)} stay{'s' * (len(found) == 1 and not waves)}: taking them off needs whole "
        "slices, and this is done region by region. Slices that fit into memory are rid of them",
    )


def of_scenes(series: Sequence[Series], axis: str) -> tuple[str, ...]:
    """A note where slices that are taken together show several scenes, at the place of the sample."""
    cut = [one for one in series if len(one.scenes) > 1]
    if not axis or not cut:
        return ()
    seen = f"{len(cut[0].scenes)} scenes were seen in {len(cut[0].run)} neighbouring slices"
    return (
        f"{seen}: region by region none is kept apart, and only what looks alike is taken together. "
        "--axis none takes each slice alone",
    )
