"""How many steps a training takes, thought over again and again where time is limited."""

from __future__ import annotations

from collections.abc import Mapping

SETTLING = 5
"""first steps, which are slow: no speed is taken from them"""
WARM = 20
"""steps to the first plan that rests on a speed, and fewest between two plans"""
UNKNOWN = 1000
"""fewest steps of the first guess where only time limits: the first 20 then learn at nearly the full rate"""


class Plan:
    """The steps planned; the learning rate falls towards the last of them.

    With a limit in seconds the plan is renewed from the speed since it was last renewed: after 20 steps, then
    after twice as many as lay between the last two plans, but at the latest after a quarter of those left. So
    the end comes close to the limit, and slow first steps are soon forgotten. The clock is the caller's.

    Args:
        steps: planned so far: as asked for, as a checkpoint says, or a first guess.
        most: steps that must not be exceeded, or None where only time limits.
        seconds: limit, or None.
        step: steps done.
        spent: seconds spent.
        marks: what `marks` gave, to go on with the same plan; None to look at the speed anew. Where the limit
            is no longer that of the marks, the steps are planned anew from the speed so far.

    >>> plan = Plan(1000, seconds=60.0)
    >>> for step in range(1, 21):
    ...     due = plan.due(step)
    ...     if due:
    ...         plan.renew(step, plan.propose(step, 0.5 * step))
    >>> plan.steps
    120
    """

    def __init__(
        self,
        steps: int,
        *,
        most: int | None = None,
        seconds: float | None = None,
        step: int = 0,
        spent: float = 0.0,
        marks: Mapping[str, float] | None = None,
    ) -> None:
        self.most, self.seconds = most, seconds
        self.steps = max(steps, UNKNOWN) if self.alone and step == 0 else steps
        same = not marks or marks["limit"] == (seconds or 0.0)
        if not marks or not same:
            marks = {"next": step + SETTLING, "step": step, "spent": spent, "stretch": 0}
        self.next, self.stretch = int(marks["next"]), int(marks["stretch"])
        self.step, self.spent = int(marks["step"]), marks["spent"]
        if not same:
            fit = most if seconds is None else int(step * seconds / max(spent, 1e-9))
            self.steps = min(n for n in (fit, most) if n is not None)

    @property
    def alone(self) -> bool:
        """Whether time is the only limit."""
        return self.most is None and self.seconds is not None

    @property
    def cut(self) -> bool:
        """Whether time allows less than was asked for."""
        return self.most is None or self.steps < self.most

    @property
    def marks(self) -> dict[str, float]:
        """What a resumed training must know beside `steps` to think the plan over at the same steps."""
        return {
            "next": self.next,
            "step": self.step,
            "spent": self.spent,
            "stretch": self.stretch,
            "limit": self.seconds or 0.0,
        }

    def late(self, spent: float) -> bool:
        """Whether the time is over."""
        return self.seconds is not None and spent >= self.seconds

    def goes_on(self, step: int, spent: float) -> bool:
        """Whether there is something left to do."""
        return step < self.steps and not self.late(spent)

    def due(self, step: int) -> bool:
        """Whether the plan is to be renewed after this step."""
        return self.seconds is not None and step == self.next

    def propose(self, step: int, spent: float) -> int:
        """The steps that fit into the time at the speed since the last look; at the first look, `steps`."""
        before, self.step = self.step, step
        took, self.spent = spent - self.spent, spent
        first, self.stretch = self.stretch == 0, step - before
        if first or self.seconds is None:
            return self.steps
        speed = self.stretch / max(took, 1e-9)
        steps = step + max(1, int(speed * (self.seconds - spent)))
        return steps if self.most is None else min(self.most, steps)

    def renew(self, step: int, steps: int) -> None:
        """Take up what was proposed, here or by the first of several processes."""
        self.steps = steps
        if self.stretch <= SETTLING:
            self.next = step + WARM - SETTLING
        else:
            self.next = step + max(WARM, min(2 * self.stretch, (steps - step) // 4))
