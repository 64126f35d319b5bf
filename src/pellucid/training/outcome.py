"""What comes of a training: the model's card, and the record that is given back."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from pellucid import models
from pellucid.data import Data, adding
from pellucid.data.depth import Deep
from pellucid.training.judged import Compared
from pellucid.training.loop import Fit
from pellucid.training.request import TrainSettings


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came of a training.

    Attributes:
        model: the file.
        card: what it says about itself.
        folder: logs, sample pictures, checkpoint.
        steps: done.
        seconds: spent, those before a resume included.
        stopped_by: "finished", "seconds" or "interrupted".
        loss: of the last step that was looked at.
        held_out: loss on held-out data, or None where there is none.
        notes: what the user should know.
        planned: steps that were planned, or None where only time limits.
        gain: dB by which the model is better on held-out pictures than what `denoise` does without one; None
            where that cannot be told.
        advice: why the model should not be used as it is, and how to go on; nothing where all is well.
    """

    model: Path
    card: models.Card
    folder: Path
    steps: int
    seconds: float
    stopped_by: str
    loss: float
    held_out: float | None
    notes: tuple[str, ...] = ()
    planned: int | None = None
    gain: float | None = None
    advice: tuple[str, ...] = ()


def card_of(request: TrainSettings, images: Data, fit: Fit, compared: Compared | None = None) -> models.Card:
    """What the model file says about itself."""
    facts, options = images.pool.facts, request.options
    plain = not request.config.standardise and request.start is None
    quality = {} if fit.held_out is None else {"held-out loss": fit.held_out}
    if compared is not None and compared.gain is not None:
        quality["dB above the default on held-out pictures"] = round(compared.gain, 2)
    return models.Card(
        method=request.method.name,
        config=dataclasses.asdict(request.config),
        channels=images.channels,
        color=facts.color and not options.gray,
        mean=() if plain else tuple(images.mean.flatten().tolist()),
        std=() if plain else tuple(images.std.flatten().tolist()),
        white=facts.white,
        noise=options.noise,
        sigma=adding.levels(images.kinds) if images.kinds else None,
        halo=int(getattr(fit.network, "halo", request.learning.halo)),
        stride=int(getattr(fit.network, "stride", request.learning.stride)),
        sees=request.learning.sees,
        origin="recorded" if not options.noise else "fixed" if options.fixed else "redrawn",
        data=_words(request, images),
        licence=request.asked.licence,
        pictures=facts.pictures,
        quality=quality,
        steps=fit.done,
        seconds=round(fit.seconds, 1),
        seed=request.asked.seed,
        version=version("pellucid"),
        notes=request.asked.notes,
        depth=1 if request.windows is None else request.windows.depth,
        axis=images.pool.axis if isinstance(images.pool, Deep) else "",
    )


def _words(request: TrainSettings, images: Data) -> str:
    """The data in words, without the path, which is the user's own."""
    words = f"{images.pool.facts.pictures} files of {request.place.name}"
    pairs = None if request.asked.pairs is None else str(request.asked.pairs)
    if pairs is not None:
        kind = pairs if not Path(pairs).exists() else f"partners in {Path(pairs).name}"
        words += f", pairs: {kind}"
    if images.clean is not None:
        words += f", and {images.clean.facts.pictures} clean files"
    if request.options.draws > 1:
        words += f"; target: mean of {request.options.draws} noisy draws"
    return words
