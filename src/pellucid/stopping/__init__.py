"""Stop rules and ``until(steps, rule)``, the one loop that drives a method. No rule sees a clean image."""

from pellucid.stopping.loop import Outcome, through, until
from pellucid.stopping.parsing import RULES, parse
from pellucid.stopping.rule import Stop

__all__ = ["RULES", "Outcome", "Stop", "parse", "through", "until"]
