"""What stands in an exported file beside its graph."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from pellucid.models.card import Card

FORMAT = "pellucid model 1"
"""the key of the card, as in a safetensors file"""
EXPORT = "pellucid export 1"
"""the key of the rest"""
PRECISIONS = ("float32", "bfloat16", "int8")
LEAST = 4096
"""most that the least side may be"""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """An exported model, without its graph.

    Attributes:
        card: of the model; standardising is part of the graph, so that its mean and std are empty.
        conditioned: whether the graph has an input `sigma`.
        least: what height and width must be at least.
        precision: of the convolutions: float32, bfloat16 (OpenVINO alone knows it) or int8.
        source: SHA-256 of the model that was exported.
    """

    card: Card
    conditioned: bool
    least: int = 1
    precision: str = "float32"
    source: str = ""

    def texts(self) -> dict[str, str]:
        """Both texts by their keys."""
        rest = {k: v for k, v in asdict(self).items() if k != "card"}
        return {FORMAT: self.card.to_json(), EXPORT: json.dumps(rest, sort_keys=True)}

    @classmethod
    def of(cls, texts: dict[str, str], name: str) -> Facts:
        """From both texts.

        Raises:
            ValueError: where they are missing or wrong.

        >>> facts = Facts(card=Card(method="n2n", config={}, channels=3), conditioned=True, least=8)
        >>> Facts.of(facts.texts(), "m.onnx") == facts
        True
        """
        if FORMAT not in texts or EXPORT not in texts:
            raise ValueError(
                f"model {name!r} has no card: it was not written by `pellucid export`. Export the model anew."
            )
        try:
            rest: Any = json.loads(texts[EXPORT])
            card = Card.from_json(texts[FORMAT])
            found = cls(card=card, **{k: rest[k] for k in ("conditioned", "least", "precision", "source")})
            right = (
                isinstance(found.conditioned, bool)
                and isinstance(found.least, int)
                and 1 <= found.least <= LEAST
                and found.precision in PRECISIONS
                and isinstance(found.source, str)
            )
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"model {name!r} has a card that is not valid: {error}. Export it anew."
            ) from error
        if not right:
            raise ValueError(f"model {name!r} has a card that is not valid. Export it anew.")
        return found
