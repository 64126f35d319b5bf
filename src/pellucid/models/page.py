"""The card of a model as text."""

from __future__ import annotations

from pathlib import Path

from pellucid.models.card import ORIGINS, Card


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
        return "1 channel; of other images, every channel by itself"
    return f"{card.channels} channels" + (" of display colours" if card.color else "")


def _noise(card: Card) -> str:
    if not card.noise:
        return ORIGINS[card.origin]
    text = f"{card.noise}, {ORIGINS[card.origin]}"
    if card.sigma is not None:
        low, high = (255 * value for value in card.sigma)
        text += f" (standard deviation {low:.3g} to {high:.3g} of 255)"
    return text
