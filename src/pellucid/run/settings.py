"""What the user asked for, checked once before any file is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from pellucid import checks, devices, fields, methods, models, stopping
from pellucid.degradation import Kind
from pellucid.run import adapting
from pellucid.run.near_clean import Source, sources
from pellucid.run.trained import as_trained, card_of
from pellucid.steps import Budget, Method

LEVELS = ("auto", "mad", "chen")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A checked request.

    Attributes:
        method: the method, or None for auto.
        config: its configuration; None for auto.
        sigma: noise level in units of `data_range`, or None to measure it.
        data_range: what sigma is relative to, or None for working units.
        level: which estimate of the level to trust: auto, mad or chen.
        model: file with weights, or None.
        seed: seed of the run.
        device: where to run.
        rule: when to stop, as text for `stopping.parse` (rules have a memory); None is the method's own.
        budget: iterations and seconds.
        tile: side of the tiles, or None to cut only what is large.
        initial: state dict of an earlier fit to start from, or None.
        near_clean: who prepares near-clean images, for a method that takes them.
        adapt: seconds in which a model is fitted to the image at hand, or None for not at all.
        adapting: how.
        notes: what the user should know about the request itself.
    """

    method: Method | None
    config: Any
    device: torch.device
    sigma: float | None = None
    data_range: float | None = None
    level: str = "auto"
    model: str | None = None
    seed: int = 0
    rule: str | None = None
    budget: Budget = field(default_factory=Budget)
    tile: int | None = None
    initial: Mapping[str, torch.Tensor] | None = None
    near_clean: tuple[Source, ...] = ()
    adapt: float | None = None
    adapting: adapting.Config = field(default_factory=adapting.Config)
    notes: tuple[str, ...] = ()


def settle(
    method: str = "auto",
    *,
    preset: str | None = None,
    config: Any = None,
    set: Mapping[str, Any] | None = None,
    sigma: float | None = None,
    data_range: float | None = None,
    level: str = "auto",
    model: str | None = None,
    near_clean: Sequence[str] | str | None = None,
    seed: int = 0,
    device: str = "auto",
    stop: str | None = None,
    iterations: int | None = None,
    seconds: float | None = None,
    adapt: float | None = None,
    tile: int | None = None,
    initial: Mapping[str, torch.Tensor] | None = None,
    shots: int = 1,
    kind: Kind = "noise",
    guide: bool = False,
) -> Settings:
    """Check a request and load its method.

    Raises:
        ValueError: for anything that is unknown, out of range, or does not apply to the method.

    >>> settle("nlm", set={"patch_size": 3}).config.patch_size
    3
    """
    checks.one_of("level", level, LEVELS)
    methods.known(method, also=["auto"])
    set, fitting = _parted(set, adapt)
    card, model = card_of(method, model)
    method = card.method if card is not None and method == "auto" else method
    level_of(sigma, data_range)
    if iterations is not None:
        checks.in_range("iterations", iterations, 1)
    if seconds is not None:
        checks.in_range("seconds", seconds, 0, low_open=True)
    if tile is not None:
        checks.in_range("tile", tile, 32, hint="A tile is a square of that many pixels a side.")
    if sigma is not None and level != "auto":
        raise ValueError(f"sigma={sigma} states the level and level={level!r} measures it. Keep one of them.")
    if guide and tile is not None:
        raise ValueError(f"tile={tile} cuts the image and not its guide. Leave one of them out.")
    found = None if method == "auto" else methods.load(method).for_kind(kind)
    given = {
        "preset": preset is not None,
        "config": config is not None,
        "set": bool(set),
        "sigma": sigma is not None,
        "level": level != "auto",
        "model": model is not None,
        "near_clean": near_clean is not None,
        "stop": stop is not None,
        "iterations": iterations is not None,
        "seconds": seconds is not None,
        "initial": initial is not None,
        "tile": tile is not None,
        "guide": guide,
    }
    if adapt is not None:
        _adaptable(found, adapt)
    _applicable(found, [name for name, is_given in given.items() if is_given], shots)
    if found is not None and card is not None:
        found, config = as_trained(found, card, str(model), preset, config)
    if found is not None and found.needs_model and model is None:
        trained = f" `pellucid train {found.name}` writes one." if found.learning is not None else ""
        raise ValueError(
            f"{found.name} needs a file with weights. Name it with model (--model FILE).{trained}"
        )
    if stop is not None:
        stopping.parse(stop, sigma=0.1)  # only to check it; the level is known later
    return Settings(
        method=found,
        config=None if found is None else _config(found, preset, config, set),
        sigma=sigma,
        data_range=data_range,
        level=level,
        model=model,
        seed=seed,
        device=devices.choose(device),
        rule=stop,
        budget=Budget(iterations=iterations, seconds=seconds),
        tile=tile,
        initial=initial,
        near_clean=_sources(found, near_clean, shots),
        adapt=adapt,
        adapting=fitting,
        notes=() if method == "auto" else methods.remarks(method),
    )


def _parted(
    changes: Mapping[str, Any] | None, adapt: float | None
) -> tuple[Mapping[str, Any], adapting.Config]:
    """The changes for the method, and those after "adapt." as a Config."""
    given = changes or {}
    own = {name.removeprefix("adapt."): v for name, v in given.items() if name.startswith("adapt.")}
    if own and adapt is None:
        raise ValueError(
            f"adapt.{next(iter(own))} says how a model is fitted to the image, and nothing asks for that. "
            "Add adapt=SECONDS (--adapt SECONDS)."
        )
    rest = {name: value for name, value in given.items() if not name.startswith("adapt.")}
    return rest, fields.change(adapting.Config(), own)


def _adaptable(method: Method | None, seconds: float) -> None:
    """Refuse to adapt where there is nothing that can be."""
    checks.in_range("adapt", seconds, 0, low_open=True, hint="It is a time in seconds.")
    if method is None and not models.cards()[0]:
        raise ValueError(
            "adapt fits a model to the image, and no model comes with this pellucid. Name one with model "
            "(--model FILE), or leave adapt out."
        )
    if method is not None and method.learning is None:
        raise ValueError(
            f"adapt does not apply to method {method.name}: it is not a trained model. Leave it out."
        )
    if method is not None and method.learning is not None and not method.learning.direct:
        raise ValueError(
            f"adapt does not apply to method {method.name}: its estimate is not one pass of its network. "
            "Leave it out."
        )


def _sources(method: Method | None, names: Sequence[str] | str | None, shots: int) -> tuple[Source, ...]:
    if method is None or not method.near_clean:
        return ()
    own = method.near_clean if shots == 1 else method.near_clean[:1]
    return sources(own if names is None else names, shots)


def level_of(sigma: float | None, data_range: float | None) -> float | None:
    """Sigma in working units.

    Raises:
        ValueError: outside [0, 1], showing both ways to state a level.

    >>> level_of(25, 255) == 25 / 255
    True
    >>> level_of(25, None)
    Traceback (most recent call last):
    ...
    ValueError: sigma must be in [0, 1], got 25. For 8-bit units pass sigma=25, data_range=255 ...
    """
    if data_range is not None:
        checks.in_range("data_range", data_range, 0, low_open=True)
    if sigma is None:
        return None
    if data_range is None:
        hint = (
            f"For 8-bit units pass sigma={sigma:g}, data_range=255 (--sigma {sigma:g} --data-range 255), "
            f"or divide it yourself: sigma={sigma / 255:.4g}."
        )
        return checks.in_range("sigma", sigma, 0, 1, hint=hint)
    checks.in_range("sigma", sigma, 0, data_range, hint="It is in the units of data_range.")
    return sigma / data_range


def _config(method: Method, preset: str | None, config: Any, changes: Mapping[str, Any] | None) -> Any:
    if config is not None:
        if preset is not None:
            raise ValueError(f"config and preset={preset!r} both choose a configuration. Keep one of them.")
        if not isinstance(config, method.config):
            raise TypeError(
                f"config must be the Config of {method.name}, got {type(config).__module__}."
                f"{type(config).__name__}. Take it from pellucid.methods.load({method.name!r}).config."
            )
    else:
        config = method.presets[checks.one_of("preset", preset or "fast", list(method.presets))]
    return fields.change(config, changes) if changes else config


def _applicable(method: Method | None, given: list[str], shots: int) -> None:
    """Refuse what would silently do nothing."""
    if method is None:
        own = ("preset", "config", "set", "model", "near_clean", "stop", "iterations", "seconds", "initial")
        for name in (*own, "guide"):
            if name in given:
                raise ValueError(
                    f"{name} does not apply to method auto, which decides itself. Name a method."
                )
        return
    reasons = {
        "sigma": "" if method.uses_noise else "it takes no noise level",
        "level": "" if method.uses_noise else "it takes no noise level",
        "model": "" if method.needs_model else "it has no weights to load",
        "guide": "" if method.takes_guide else "it takes no guide",
        "near_clean": "" if method.near_clean else "it starts from the noisy image",
        "tile": "it must see the whole image" if method.tiling.kind == "whole" else "",
    }
    for name in ("stop", "iterations", "seconds", "initial"):
        reasons[name] = "" if method.stop else "it does not iterate"
    for name in given:
        if reasons.get(name):
            raise ValueError(f"{name} does not apply to method {method.name}: {reasons[name]}. Leave it out.")
    if method.needs == "shots of a scene" and shots < 2:
        raise ValueError(
            f"{method.name} needs two or more shots of a scene, got {shots}. Pass them with --shots."
        )
    if method.learning is None and method.needs not in (
        "one image",
        "one image or shots",
        "shots of a scene",
    ):
        raise ValueError(
            f"{method.name} learns from {method.needs}. Train it first, or choose another method."
        )
