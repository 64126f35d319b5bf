"""The card of a model: what the file says about itself, and that as text."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pellucid import checks

ORIGINS: dict[str, str] = {
    "recorded": "noise as recorded, none added",
    "redrawn": "noise redrawn from clean files at every step",
    "fixed": "a fixed, finite set of noisy versions of each picture, drawn beforehand",
}
MOST_CHANNELS = 4096


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a model is, what it was trained on, and what it may be used for.

    Attributes:
        method: name in the table of methods.
        config: fields of the method's Config; the network and its arguments are among them.
        channels: of the images it takes; a model of 1 channel takes every channel by itself.
        color: whether it was trained on display colours.
        mean: per channel, working units; what is taken off before the network.
        std: per channel, working units; what is divided by.
        white: the stored value that 1.0 stood for in training, where the unit of the files matters (integers
            beyond 8 bits, stated data ranges), else 0.
        noise: the text of the noise that was added, "" for none.
        sigma: (lowest, highest) standard deviation of that noise, working units, or None.
        halo: pixels of context around a tile.
        stride: grid of the tiles.
        sees: what the method was trained on: "noisy", "pairs" or "clean pairs".
        origin: where its noise came from, a key of ORIGINS.
        data: what it was trained on, in words.
        licence: of these data.
        pictures: how many files.
        quality: figures by name, e.g. {"held-out loss": 0.01}.
        steps: of training.
        seconds: of training.
        seed: of training.
        version: of pellucid.
        teachers: whose results were its targets, where it learnt from others.
        notes: anything else, in words.
        depth: slices of a film or volume that it sees at once, to give the middle one; 1 for single pictures.
        axis: along which these follow each other, "t" or "z"; "" for single pictures.
    """

    method: str
    config: Mapping[str, Any]
    channels: int
    color: bool = False
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    white: float = 0.0
    noise: str = ""
    sigma: tuple[float, float] | None = None
    halo: int = 32
    stride: int = 32
    sees: str = "noisy"
    origin: str = "recorded"
    data: str = ""
    licence: str = "not stated"
    pictures: int = 0
    quality: Mapping[str, float] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0
    seed: int = 0
    version: str = ""
    teachers: tuple[str, ...] = ()
    notes: str = ""
    depth: int = 1
    axis: str = ""

    def __post_init__(self) -> None:
        checks.in_range("channels", self.channels, 1, MOST_CHANNELS)
        checks.in_range("depth", self.depth, 1, MOST_CHANNELS)
        checks.one_of("axis", self.axis, ["t", "z"] if self.depth > 1 else [""])
        checks.in_range("halo", self.halo, 0, 4096)
        checks.in_range("stride", self.stride, 1, 4096)
        checks.in_range("white", self.white, 0)
        checks.one_of("sees", self.sees, ["noisy", "pairs", "clean pairs"])
        checks.one_of("origin", self.origin, list(ORIGINS))
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (0, self.channels) or not all(math.isfinite(v) for v in values):
                raise ValueError(
                    f"{name} must be {self.channels} finite numbers, one per channel, or none; got {values}."
                )
        if any(v <= 0 for v in self.std):
            raise ValueError(f"std must be greater than 0, got {self.std}.")

    @property
    def claim(self) -> str:
        """What may be said about clean data.

        >>> Card(method="n2n", config={}, channels=1, sees="pairs", origin="redrawn").claim
        'no clean target'
        """
        if self.sees == "clean pairs":
            return "trained on clean targets"
        return "no clean target" if self.origin == "redrawn" else "no clean image seen"

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Card:
        """The card of a text that `to_json` wrote; a newer one may hold fields that are left out here.

        Raises:
            ValueError: when the text is no card.

        >>> card = Card(method="n2n", config={"steps": 3}, channels=2, mean=(0.1, 0.2), std=(1.0, 2.0))
        >>> Card.from_json(card.to_json()) == card
        True
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise ValueError(f"the card must be JSON, got {text[:40]!r}.") from error
        if not isinstance(values, dict):
            raise ValueError(f"the card must be a JSON object, got {type(values).__name__}.")
        for name in ("method", "config", "channels"):
            if name not in values:
                raise ValueError(f"the card must name the {name}, got none.")
        known = [f for f in dataclasses.fields(cls) if f.name in values]
        return cls(**{f.name: _plain(f, values[f.name]) for f in known})


def _plain(field: dataclasses.Field[Any], value: Any) -> Any:
    """The value as the type that the field has; text, numbers and flags are not taken for each other."""
    kind = str(field.type)
    if not _FITS[kind](value):
        raise ValueError(f"{field.name} in the card must be {kind}, got {str(value)[:40]!r}.")
    return tuple(value) if isinstance(value, list) else value


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_FITS: dict[str, Callable[[Any], bool]] = {
    "str": lambda v: isinstance(v, str),
    "int": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "float": _number,
    "bool": lambda v: isinstance(v, bool),
    "tuple[float, ...]": lambda v: isinstance(v, list) and all(map(_number, v)),
    "tuple[str, ...]": lambda v: isinstance(v, list) and all(isinstance(item, str) for item in v),
    "tuple[float, float] | None": lambda v: (
        v is None or (isinstance(v, list) and len(v) == 2 and all(map(_number, v)))
    ),
    "Mapping[str, Any]": lambda v: isinstance(v, dict),
    "Mapping[str, float]": lambda v: isinstance(v, dict) and all(map(_number, v.values())),
}


def page(card: Card, path: Path) -> str:
    """The card for people.

    >>> text = page(Card(method="n2n", config={"steps": 9}, channels=1), Path("a.safetensors"))
    >>> text.splitlines()[0]
    'a: n2n, no clean image seen'
    """
    lines = [f"{path.stem}: {card.method}, {card.claim}"]
    lines += [f"  file: {path}"]
    lines += [f"  takes: {_channels(card)}"]
    lines += [f"  noise: {_noise(card)}"]
    lines += [f"  trained on: {card.data or 'not stated'} (licence: {card.licence})"]
    lines += [
        f"  training: {card.steps} steps, {card.seconds:.0f} s, seed {card.seed}, pellucid {card.version}"
    ]
    if card.teachers:
        lines += [f"  taught by: {', '.join(card.teachers)}"]
    if card.std:
        means, stds = (", ".join(f"{v:.4g}" for v in values) for values in (card.mean, card.std))
        lines += [f"  standardised by: mean {means}; standard deviation {stds}"]
    if card.white:
        lines += [f"  units: 1.0 is the stored value {card.white:g}"]
    lines += [f"  tiles: {card.halo} pixels of context, on a grid of {card.stride}"]
    lines += [f"  {name}: {value:.6g}" for name, value in card.quality.items()]
    lines += [f"  {card.notes}"] if card.notes else []
    lines += ["", "Settings:"]
    return "\n".join([*lines, *(f"  {name} = {value!r}" for name, value in card.config.items())])


def _channels(card: Card) -> str:
    if card.channels == 1:
        words = "1 channel; of other images, every channel by itself"
    else:
        words = f"{card.channels} channels" + (" of display colours" if card.color else "")
    if card.depth == 1:
        return words
    kind = {"t": "films, {} frames", "z": "volumes, {} slices"}[card.axis].format(card.depth)
    return f"{kind} at once, of which it gives the middle one; {words}"


def _noise(card: Card) -> str:
    if not card.noise:
        return ORIGINS[card.origin]
    text = f"{card.noise}, {ORIGINS[card.origin]}"
    if card.sigma is not None:
        low, high = (255 * value for value in card.sigma)
        text += f" (standard deviation {low:.3g} to {high:.3g} of 255)"
    return text
