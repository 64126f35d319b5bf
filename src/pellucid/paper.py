"""What a paper states about its method, what it leaves open, and where the settings in use differ from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

ConfigT = TypeVar("ConfigT")


@dataclass(frozen=True)
class Stated:
    """A value with its place: an equation, a section, the authors' code; or why it was chosen.

    Attributes:
        value: of a field of the Config.
        where: the place, or the reason.
    """

    value: Any
    where: str


@dataclass(frozen=True, kw_only=True)
class Paper:
    """The settings of a paper, field by field; every field of the Config is in one of the three.

    Where text and code of the authors differ, the value is that of the code, with which their figures were
    made, and its place names that of the text.

    Attributes:
        citation: where it was published.
        states: fields that the text, or the authors' code, states.
        open: fields that a method of this kind must have and the paper leaves open, with what is taken.
        ours: fields that the paper knows nothing of, at the value that switches them off.
        elsewhere: what differs from the paper and is no field, a sentence each.
    """

    citation: str
    states: Mapping[str, Stated]
    open: Mapping[str, Stated] = field(default_factory=dict)
    ours: Mapping[str, Any] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()

    def preset(self, kind: type[ConfigT]) -> ConfigT:
        """The Config of the paper.

        Args:
            kind: the Config class.

        Raises:
            ValueError: naming the fields of the class that are in none of the three, or in more than one, and
                the names that are no field.

        >>> @dataclass(frozen=True, kw_only=True)
        ... class Config:
        ...     rate: float = 0.01
        ...     width: int = 8
        >>> Paper(citation="", states=stated(rate=(0.001, "section 3")), ours={"width": 4}).preset(Config)
        Config(rate=0.001, width=4)
        >>> Paper(citation="", states=stated(rate=(0.001, "section 3"))).preset(Config)
        Traceback (most recent call last):
        ...
        ValueError: a Paper must name every field once: width is not named.
        """
        names = [f.name for f in dataclasses.fields(kind)]  # type: ignore[arg-type]
        told = [*self.states, *self.open, *self.ours]
        wrong = [f"{name} is not named" for name in names if name not in told]
        wrong += [f"{name} is named twice" for name in sorted({n for n in told if told.count(n) > 1})]
        wrong += [f"{name} is no field" for name in told if name not in names]
        if wrong:
            raise ValueError(f"a Paper must name every field once: {'; '.join(wrong)}.")
        values = {name: s.value for name, s in (*self.states.items(), *self.open.items())}
        return kind(**values, **self.ours)

    def says(self, name: str) -> str:
        """What it says of a field, in words; "" where that is not its own.

        >>> paper = Paper(citation="", states=stated(rate=(0.001, "section 3")), open={}, ours={"width": 4})
        >>> paper.says("rate"), paper.says("width")
        ('section 3', '')
        """
        if name in self.states:
            return self.states[name].where
        return f"left open: {self.open[name].where}" if name in self.open else ""


def stated(**fields: tuple[Any, str] | Stated) -> dict[str, Stated]:
    """Values with their places, `name=(value, place)`.

    >>> stated(ratio=(0.8, "section 3.5"))
    {'ratio': Stated(value=0.8, where='section 3.5')}
    """
    return {n: pair if isinstance(pair, Stated) else Stated(*pair) for n, pair in fields.items()}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A field that is not as in the paper.

    Attributes:
        field: its name.
        used: its value.
        paper: the paper's.
        where: what the paper says of it.
        reason: why it differs; "" where that is the user's wish.
    """

    field: str
    used: Any
    paper: Any
    where: str
    reason: str

    def __str__(self) -> str:
        """In words, for lists."""
        where = f" ({self.where})" if self.where else ""
        because = f": {self.reason}" if self.reason else ""
        return f"{self.field} = {self.used!r}, in the paper {self.paper!r}{where}{because}"


def differences(
    config: Any, of_paper: Any, paper: Paper | None, departures: Mapping[str, str]
) -> list[Difference]:
    """The fields in which a configuration is not the paper's.

    Args:
        config: the settings in use.
        of_paper: the paper's, of the same class.
        paper: what it states, or None where that is not recorded.
        departures: reasons by field.
    """
    return [
        Difference(
            field=name,
            used=getattr(config, name),
            paper=getattr(of_paper, name),
            where="" if paper is None else paper.says(name),
            reason=departures.get(name, ""),
        )
        for name in unlike(config, of_paper)
    ]


def unlike(one: Any, other: Any) -> list[str]:
    """The fields in which two configurations of a class differ, in their order."""
    return [f.name for f in dataclasses.fields(one) if getattr(one, f.name) != getattr(other, f.name)]
