"""Runs a request: a line of pure stages over one State, from pictures to a Result."""

from pellucid.run.pipeline import run
from pellucid.run.settings import Settings, settle
from pellucid.run.state import Job, Progress, State
from pellucid.run.verbs import denoise, inpaint, inspect, restore, upscale

__all__ = [
    "Job",
    "Progress",
    "Settings",
    "State",
    "denoise",
    "inpaint",
    "inspect",
    "restore",
    "run",
    "settle",
    "upscale",
]
