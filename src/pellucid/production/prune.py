"""A model with fewer channels, which learns from the whole one on noisy pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from pellucid import checks, methods, models, seeds
from pellucid.files.replace import free
from pellucid.networks import builder, slimming
from pellucid.networks.swift import Swift
from pellucid.production.teaching import Lesson, pictures, teach


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What came of it.

    Attributes:
        file: the model.
        card: of it.
        weights: before and after.
        steps: of the fit.
        seconds: of the fit.
        loss: mean square between both at the end.
    """

    file: Path
    card: models.Card
    weights: tuple[int, int]
    steps: int
    seconds: float
    loss: float


def prune(
    model: str,
    out: Path,
    data: Path,
    *,
    keep: float = 0.5,
    of: str = "channels",
    lesson: Lesson | None = None,
    fresh: bool = False,
    overwrite: bool = False,
    progress: Callable[[str], object] = lambda text: None,
) -> Pruned:
    """Keep a share of a model's channels or weights, and fit what is left to the model on noisy pictures.

    Args:
        model: a name or a file, of a network of the swift family.
        out: the file to write, ending in .safetensors.
        data: a folder of noisy pictures; no clean one is needed.
        keep: the share that is kept, in (0, 1).
        of: what is counted: "channels", or "weights", of which a share k needs the root of k of the channels.
        lesson: how long; its levels are those of the card.
        fresh: begin with random weights of the same size, to compare with.
        overwrite: whether a file that is there may be replaced.
        progress: told how it goes.

    Raises:
        ValueError: for a model of another network, or a share that is none.
        FileExistsError: when the file exists.
        FileNotFoundError: when its folder does not.
    """
    checks.in_range("keep", keep, 0, 1, low_open=True, high_open=True)
    checks.one_of("of", of, ["channels", "weights"])
    source = models.locate(model)
    if not models.is_model(out):
        raise ValueError(f"the model must be a file that ends in .safetensors, got {str(out)!r}.")
    free(out, overwrite=overwrite)
    if models.of_others(source) or models.is_exported(source):
        raise ValueError(f"model {source.name!r} is none that `pellucid train` wrote. Name one.")
    card = models.read_card(source)
    if card.depth > 1:
        raise ValueError(
            f"model {source.name!r} sees {card.depth} slices of a stack at once, and only models of single "
            "pictures are pruned. Train one with a smaller --network."
        )
    method = methods.load(card.method)
    if method.learning is None:
        raise ValueError(f"model {source.name!r} names {card.method}, which is not trained.")
    whole = models.load(source, method.name, method.learning, method.config)
    network = whole.network
    if not isinstance(network, Swift):
        raise ValueError(
            f"prune knows the networks of the swift family, {source.name!r} holds {type(network).__name__}. "
            "Distil it into a smaller one."
        )
    small = slimming.slim(network, keep if of == "channels" else keep**0.5)
    name = slimming.name_of(small)
    if fresh:
        with seeds.fixed(0, "weights"):
            small = builder(name)(network.channels, network.channels)  # type: ignore[assignment]
    images = pictures(data, card.channels)
    mean, std = models.factors(card)
    images = [(image - mean) / std for image in images]
    unit = float(std.square().mean().sqrt())
    low, high = card.sigma or (0.0, 0.2)
    lesson = replace(lesson or Lesson(), levels=(low / unit, high / unit))
    steps, seconds, loss = teach(small, network, images, lesson, progress)
    before, after = (sum(p.numel() for p in part.parameters()) for part in (network, small))
    made = replace(
        card,
        config=dict(card.config) | {"network": name},
        quality={"mean square to the whole model": loss},
        data=f"{card.data}; pruned on {len(images)} pictures of {data.name}",
        licence=card.licence,
        steps=steps,
        seconds=round(seconds, 1),
        seed=lesson.seed,
        version=version("pellucid"),
        teachers=(source.stem,),
        notes=f"Pruned from {source.stem}: {keep:.0%} of the {of}, {after:,} of {before:,} weights.",
    )
    models.write(out, made, small.state_dict(), overwrite=overwrite)
    return Pruned(file=out, card=made, weights=(before, after), steps=steps, seconds=seconds, loss=loss)
