"""What a model file decides: the method that it belongs to, its configuration and its tiles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pellucid import methods, models
from pellucid.steps import Method


def card_of(method: str, model: str | None) -> tuple[models.Card | None, str | None]:
    """The card of a model that `pellucid train` wrote, and its path; a weight file of others has none."""
    if model is None or (method != "auto" and methods.load(method).learning is None):
        return None, model
    path = models.locate(model)
    if not models.is_model(path) and method == "auto":
        raise ValueError(
            f"model {model!r} is a weight file of others, which does not say what it is for. Name the method."
        )
    card = models.read_card(path)
    if method == "auto":
        methods.known(card.method, f"the method of model {path.name!r}")
        if methods.load(card.method).learning is None:
            raise ValueError(
                f"model {path.name!r} names {card.method}, which is not trained. The file is damaged."
            )
    elif card.method != method:
        raise ValueError(
            f"model {path.name!r} was trained by {card.method}, not by {method}. Leave --method out, or name "
            f"{card.method}."
        )
    return card, str(path)


def as_trained(
    method: Method, card: models.Card, path: str, preset: str | None, config: Any
) -> tuple[Method, Any]:
    """The method with the tiles and the configuration that the file states."""
    if preset is not None:
        raise ValueError(
            f"preset={preset!r} does not apply to a trained model: its file holds the configuration. "
            "Leave it out."
        )
    tiling = replace(method.tiling, halo=card.halo, stride=card.stride)
    own = models.config_of(card, method.config, Path(path).name)
    return replace(method, tiling=tiling), own if config is None else config
