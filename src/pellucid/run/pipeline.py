"""The line of stages, each a pure function from a State to the next, and the way through it.

load -> find -> mend -> align -> prepare -> analyse -> follow -> choose
     -> fill -> near_clean -> adapt -> apply -> look -> hand -> check -> put_back -> save
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pellucid.run.adaptation import adapt
from pellucid.run.apply import apply
from pellucid.run.check import check
from pellucid.run.decide import align, analyse, choose
from pellucid.run.film import follow
from pellucid.run.hand import hand
from pellucid.run.load import load
from pellucid.run.look import look
from pellucid.run.near_clean import near_clean
from pellucid.run.prepare import mend, prepare, put_back
from pellucid.run.repair import fill, find
from pellucid.run.save import save
from pellucid.run.state import State

Stage = Callable[[State], State]


def near_cleaned(state: State) -> State:
    """The stage near_clean, which sends every picture that it wants denoised down this same line."""
    return near_clean(state, run)


DECIDE: tuple[Stage, ...] = (load, find, mend, align, prepare, analyse, follow, choose)
"""from the request to what will be done: all that `inspect` needs"""
DO: tuple[Stage, ...] = (fill, near_cleaned, adapt, apply, look, hand, check, put_back, save)
"""from there to the result"""


def run(state: State, stages: Sequence[Stage] = (*DECIDE, *DO)) -> State:
    """Send a State down the line."""
    for stage in stages:
        state = stage(state)
    return state
