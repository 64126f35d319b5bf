"""What was asked for, checked against its method before any picture is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from pellucid import checks, devices, fields, methods, models, stopping
from pellucid.degradation import Downsample
from pellucid.exporting import runtime
from pellucid.learning import depth_of
from pellucid.methods import foreign
from pellucid.request import Denoise, Request, Upscale, stated
from pellucid.run import adaptation
from pellucid.run.near_clean import Preparer, preparers
from pellucid.steps import Method

UNSAID = (
    "preset",
    "config",
    "set",
    "model",
    "runtime",
    "near_clean",
    "stop",
    "iterations",
    "seconds",
    "initial",
    "guide",
    "warm_start",
)
"""what auto decides itself"""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A request with all that follows from it.

    Attributes:
        request: what was asked for.
        method: the method, set up for the verb, or None for auto.
        config: its configuration; None for auto.
        device: where to run.
        model: path of a file with weights, or None.
        precision: of that model's convolutions.
        found: what a weight file of others holds, where `model` is one and nobody said what it is.
        preparers: who prepares near-clean images, for a method that takes them.
        adaptation: how a model is fitted to the image, where that is asked for.
        notes: what the user should know about the request itself.
    """

    request: Request
    method: Method | None
    config: Any
    device: torch.device
    model: str | None = None
    precision: str = "float32"
    found: foreign.Found | None = None
    preparers: tuple[Preparer, ...] = ()
    adaptation: adaptation.Config = field(default_factory=adaptation.Config)
    notes: tuple[str, ...] = ()


def settle(request: Request, *, shots: int = 1) -> Settings:
    """Check a request and load its method.

    Args:
        request: of any verb that gives a picture.
        shots: how many shots of the scene there are.

    Raises:
        ValueError: for anything that is unknown, or does not apply to the method.

    >>> settle(Denoise(method="nlm", set={"patch_size": 3})).config.patch_size
    3
    """
    methods.known(request.method, also=["auto"])
    if isinstance(request, Upscale):
        Downsample(request.factor)
    changes, tuned, notes = _parted(request)
    card, model = _card_of(request)
    found = _found(request, card, model)
    name = request.method
    if name == "auto" and (card is not None or found is not None):
        name = card.method if card is not None else found.method.name if found is not None else name
    method = None if name == "auto" else methods.load(name).for_kind(request.kind)
    if found is not None:
        method = found.method
    if isinstance(request, Denoise) and request.adapt is not None:
        _tunable(method)
    config = request.config
    if method is not None and card is not None:
        method, config = _as_trained(method, card, str(model), request.preset, config)
    if isinstance(request, Denoise) and method is not None and method.axis and request.axis == "none":
        raise ValueError(
            f"axis='none' takes every slice by itself, and {name} takes all of a film or volume together. "
            "Leave it out, or choose another method."
        )
    given = [n for n in stated(request) if n != "set" or changes]
    _applicable(method, given, shots)
    if method is not None and method.needs_model and model is None:
        trained = f" `pellucid train {name}` writes one." if method.learning is not None else ""
        raise ValueError(f"{name} needs a file with weights. Name it with model (--model FILE).{trained}")
    model, precision, told = _run_by(request, method, card, model)
    notes += told
    if method is not None:
        notes += (*methods.remarks(name), *fields.current(method.config, changes)[1])
    if request.stop is not None:
        stopping.parse(request.stop, sigma=0.1)  # only to check it; the level is known later
    own = None if method is None else _config(method, _preset(method, request), config, changes)
    if card is not None and depth_of(own) != card.depth:
        raise ValueError(
            f"depth={depth_of(own)} does not apply to model {Path(str(model)).name!r}: its network sees "
            f"{card.depth} slice{'s' * (card.depth > 1)} at once. Leave it out."
        )
    return Settings(
        request=request,
        method=method,
        config=own,
        device=devices.choose(request.device),
        model=model,
        precision=precision,
        found=found,
        preparers=_preparers(method, request, shots),
        adaptation=tuned,
        notes=notes,
    )


def _parted(request: Request) -> tuple[Mapping[str, Any], adaptation.Config, tuple[str, ...]]:
    """The changes for the method, those after "adapt." as a Config, and which of these have an old name."""
    given = request.set or {}
    own = {name.removeprefix("adapt."): v for name, v in given.items() if name.startswith("adapt.")}
    if own and not (isinstance(request, Denoise) and request.adapt is not None):
        raise ValueError(
            f"adapt.{next(iter(own))} says how a model is fitted to the image, and nothing asks for that. "
            "Add adapt=SECONDS (--adapt SECONDS)."
        )
    rest = {name: value for name, value in given.items() if not name.startswith("adapt.")}
    remarks = tuple(f"adapt.{remark}" for remark in fields.current(adaptation.Config, own)[1])
    return rest, fields.change(adaptation.Config(), own), remarks


def _card_of(request: Request) -> tuple[models.Card | None, str | None]:
    """The card of a model that `pellucid train` wrote, and its path; weights of others have none."""
    model = request.model if isinstance(request, Denoise) else None
    auto = request.method == "auto"
    if model is None or not (auto or methods.load(request.method).learning is not None):
        return None, model
    path = models.locate(model)
    if auto and models.of_others(path):
        return None, str(path)
    card = models.read_card(path)
    if auto:
        methods.known(card.method, f"the method of model {path.name!r}")
        if methods.load(card.method).learning is None:
            raise ValueError(
                f"model {path.name!r} names {card.method}, which is not trained. The file is damaged."
            )
    elif card.method != request.method:
        raise ValueError(
            f"model {path.name!r} was trained by {card.method}, not by {request.method}. Leave --method out, "
            f"or name {card.method}."
        )
    return card, str(path)


def _found(request: Request, card: models.Card | None, model: str | None) -> foreign.Found | None:
    """What a weight file of others holds, where it says which method is meant, or how that is cut."""
    if model is None or card is not None or request.method not in ("auto", "zoo"):
        return None
    found = foreign.of_file(model)
    if request.method not in ("auto", found.method.name):
        raise ValueError(
            f"model {Path(model).name!r} holds {found.method.name}, not a network for {request.method}. Use "
            f"--method {found.method.name}, or leave --method out."
        )
    return found


def _run_by(
    request: Request, method: Method | None, card: models.Card | None, model: str | None
) -> tuple[str | None, str, tuple[str, ...]]:
    """The file and the precision that run a trained model, and what is to be said of them."""
    wanted = request.runtime if isinstance(request, Denoise) else "auto"
    if method is None or card is None or model is None:
        if wanted not in ("auto", "torch"):
            raise ValueError(
                f"runtime={wanted!r} runs a model that `pellucid train` wrote, and none is named. Leave it "
                "out, or name one with model (--model FILE)."
            )
        return model, "float32", ()
    direct = method.learning is not None and method.learning.direct
    if isinstance(request, Denoise) and request.adapt is not None:
        if wanted not in ("auto", "torch") or models.is_exported(model):
            raise ValueError("adapt fits a model in torch. Leave runtime out, and name a model of torch.")
        return model, "float32", ()
    if not direct and wanted not in ("auto", "torch"):
        raise ValueError(
            f"runtime={wanted!r} does not apply to {method.name}: its estimate is not one pass of its "
            "network. Leave it out."
        )
    if not direct or (wanted == "auto" and request.initial is not None):
        return model, "float32", ()
    made: list[str] = []
    path, choice = runtime.run_by(Path(model), wanted, made.append)
    by_itself = (
        wanted == "auto"
        and not models.is_exported(model)
        and str(path) + choice.precision != model + "float32"
    )
    told = (f"the network runs by {choice}, as `pellucid models tune` found",) if by_itself else ()
    precision = choice.precision if choice.runtime == "torch" else "float32"
    return str(path), precision, (*told, *made)


def _as_trained(
    method: Method, card: models.Card, path: str, preset: str | None, config: Any
) -> tuple[Method, Any]:
    """The method with the tiles and the configuration that its model file states."""
    if preset is not None:
        raise ValueError(
            f"preset={preset!r} does not apply to a trained model: its file holds the configuration. "
            "Leave it out."
        )
    tiling = replace(method.tiling, halo=card.halo, stride=card.stride, depth=card.depth // 2)
    own = models.config_of(card, method.config, Path(path).name)
    axis: Any = card.axis
    return replace(method, tiling=tiling, axis=axis), own if config is None else config


def _preset(method: Method, request: Request) -> str | None:
    """The preset that was asked for, or that an effort means for this method; None for its usual one."""
    if not isinstance(request, Denoise) or request.effort == "normal":
        return request.preset
    return method.preset_of(request.effort)


def _config(method: Method, preset: str | None, config: Any, changes: Mapping[str, Any]) -> Any:
    """The preset, or the Config that was given, with its changes."""
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


def _tunable(method: Method | None) -> None:
    """Refuse to fit a model to the image where there is none, or none that can be."""
    if method is None:
        raise ValueError(
            "adapt fits a model to the image, and auto takes none. Name one with model (--model FILE), or "
            "leave adapt out."
        )
    why = "it is not a trained model" if method.learning is None else ""
    if method.learning is not None and not method.learning.direct:
        why = "its estimate is not one pass of its network"
    if why:
        raise ValueError(f"adapt does not apply to method {method.name}: {why}. Leave it out.")


def _applicable(method: Method | None, given: Sequence[str], shots: int) -> None:
    """Refuse what would silently do nothing."""
    if method is None:
        for name in UNSAID:
            if name in given:
                raise ValueError(
                    f"{name} does not apply to method auto, which decides itself. Name a method."
                )
        return
    reasons = {
        "sigma": "" if method.uses_noise else "it takes no noise level",
        "noise_region": "" if method.uses_noise else "it takes no noise level",
        "calibration": "",
        "level": "" if method.uses_noise else "it takes no noise level",
        "model": "" if method.needs_model else "it has no weights to load",
        "guide": "" if method.takes_guide else "it takes no guide",
        "near_clean": "" if method.near_clean else "it starts from the noisy image",
        "force": "what is asked for is kept anyway",
        "tile": "it must see the whole image" if method.tiling.kind == "whole" else "",
        "axis": "" if method.axis else "it works on every slice by itself",
        "axes": "" if method.axis or "warm_start" in given else "it works on every slice by itself",
        "warm_start": "" if method.warm else "it does not begin from an earlier fit",
    }
    reasons |= dict.fromkeys(
        ("stop", "iterations", "seconds", "initial"), "" if method.iterative else "it does not iterate"
    )
    for name in given:
        if reasons.get(name):
            raise ValueError(f"{name} does not apply to method {method.name}: {reasons[name]}. Leave it out.")
    if method.needs == "shots of a scene" and shots < 2:
        raise ValueError(
            f"{method.name} needs two or more shots of a scene, got {shots}. Pass them with --shots."
        )
    alone = method.needs in ("one image", "one image or shots", "shots of a scene")
    if method.learning is None and not alone:
        raise ValueError(
            f"{method.name} learns from {method.needs}. Train it first, or choose another method."
        )


def _preparers(method: Method | None, request: Request, shots: int) -> tuple[Preparer, ...]:
    """Who prepares what the method starts from; nobody for most methods."""
    if method is None or not method.near_clean or not isinstance(request, Denoise):
        return ()
    own = method.near_clean if shots == 1 else method.near_clean[:1]
    return preparers(own if request.near_clean is None else request.near_clean, shots)
