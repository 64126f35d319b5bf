"""The contract between methods and the program: Task, Step, Method, Trust, Result."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol

import torch
from torch import Tensor
from typing_extensions import TypeVar  # that of Python 3.11 has no default

from pellucid.degradation import Degradation, Identity, Kind
from pellucid.learning import Learning
from pellucid.noise.report import NoiseReport
from pellucid.noise.shift import Light
from pellucid.paper import Difference, Paper, differences
from pellucid.series.report import Series

ConfigT = TypeVar("ConfigT", default=Any)
"""the Config class of a method"""
GivenT = TypeVar("GivenT", contravariant=True, default=Any)
Family = Literal["filter", "single image", "data set"]
Needs = Literal["one image", "one image or shots", "shots of a scene", "a folder", "pairs", "clean pairs"]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What the user is ready to spend; None means no limit of that kind."""

    iterations: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a method is given.

    Attributes:
        shots: (S, C, H, W) float32 in the working range; S shots of one scene, 1 for a picture. A method
            with an `axis` is given (S, C, D, H, W), the D frames of a film or slices of a volume.
        noise: the NoiseReport of the input.
        degradation: what happened besides noise.
        guide: (C', H, W) picture of the same scene that may steer the method (flash photograph), or None.
        initial: state dict of an earlier fit to start from, or None.
        model: path of a file with weights, or None.
        near_clean: (K, C, H, W) the scene as other methods denoised it, for a method that starts from there,
            or None.
        budget: iterations and seconds.
        color: True when the channels are display colours.
        relative: (D,) level of the noise of each of these slices over that of `noise`; None where all are
            alike.
        precision: of a trained model's convolutions: float32, bfloat16 or auto.
        light: of a part of a larger picture, how a camera has developed all of it; None where that is to be
            found here.
    """

    shots: Tensor
    noise: NoiseReport
    degradation: Degradation = field(default_factory=Identity)
    guide: Tensor | None = None
    initial: Mapping[str, Tensor] | None = None
    model: str | None = None
    near_clean: Tensor | None = None
    budget: Budget = field(default_factory=Budget)
    color: bool = True
    relative: Tensor | None = None
    precision: str = "float32"
    light: Light | None = None

    @property
    def average(self) -> Tensor:
        """(C, H, W) the mean of the shots, to be read only: a single shot is its own mean, and no copy."""
        return self.shots[0] if len(self.shots) == 1 else self.shots.mean(0)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a method.

    Attributes:
        iteration: 1, 2, 3 … within the whole run.
        phase: what is being done, e.g. "fit", "scale 2".
        loss: detached scalar tensor on the device, or None for a filter.
        output: (C, H, W) raw output of this step, shaped like a shot; stop rules watch it.
        estimate: gives the (C, H, W) picture for the user (an average, an ensemble); a call, as it may cost.
        extras: named tensors for the Result (uncertainty map, near-clean images …); a call.
        state: gives the state dict of the fit, so that it can be saved and continued; what is called `code`
            there belongs to this picture, and a fit to another one begins without it.
        total: how many iterations the method plans, for the progress bar; None when open.
        held_out: detached scalar loss on pixels hidden from the fit, where the method hides some.
        notes: what the user should know of how the method works at this size, noise and budget.
        unfinished: what he should know besides where a limit in iterations or seconds ends the run here; a
            stop rule that ends it is his wish, or knows better.
    """

    iteration: int
    phase: str
    loss: Tensor | None
    output: Tensor
    estimate: Callable[[], Tensor]
    extras: Callable[[], Mapping[str, Any]] = dict
    state: Callable[[], Mapping[str, Tensor]] | None = None
    total: int | None = None
    held_out: Tensor | None = None
    notes: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()

    @classmethod
    def once(cls, estimate: Tensor, *, notes: tuple[str, ...] = ()) -> Step:
        """The one step of a filter.

        Args:
            estimate: (C, H, W), shaped like a shot.
            notes: what the user should know.
        """
        return cls(
            iteration=1,
            phase="filter",
            loss=None,
            output=estimate,
            estimate=lambda: estimate,
            total=1,
            notes=notes,
        )


def hurried(method: str, done: int, planned: int) -> tuple[str, ...]:
    """What is to be said of a fit that ends before a tenth of what its settings plan.

    Args:
        method: its name.
        done: iterations so far.
        planned: iterations of the settings, whatever the budget.

    >>> hurried("dip", 30, 300)
    ()
    >>> hurried("dip", 2, 300)[0]
    'dip ended after 2 of the 300 iterations that its settings plan, when the fit has hardly begun...'
    """
    if 10 * done >= planned:
        return ()
    return (
        f"{method} ended after {done} of the {planned} iterations that its settings plan, when the fit has "
        "hardly begun. Give it more (--iterations, --seconds).",
    )


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """How a method may be cut into tiles.

    `exact`: tiles with `halo` pixels of context on a grid of `stride` give the pixels of the whole image;
    `approximate`: nearly; `whole`: the method must see the whole image. A picture with a longer side than
    `side`, where that is given, is always cut, so that memory stays bounded.

    `reach` is for data that do not fit into memory and a `whole` method: pixels beyond which next to nothing
    counts, so that parts with so much context come close to the whole; 0 where nothing but that will do.
    `depth` is the same along the axis of a method that takes several slices together.
    """

    kind: Literal["exact", "approximate", "whole"] = "whole"
    halo: int = 0
    stride: int = 1
    side: int | None = None
    reach: int = 0
    depth: int = 0


class Steps(Protocol[GivenT]):
    """The one function of a method that works on the images at hand."""

    def __call__(self, task: Task, config: GivenT, *, seed: int, device: torch.device) -> Iterator[Step]:
        """Yield Steps; a filter yields one."""
        ...


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a method undoes a degradation other than noise.

    Attributes:
        presets: named configurations; `fast` is made for two cores, `paper` is the authors'.
        departures: why a field of its `fast` differs from its `paper`, where the method does not say so.
        stop: the default stop rule, "" for none.
        cost: what a 512x512 colour image costs on two cores, in words.
        tiling: how it may be tiled then.
    """

    presets: Mapping[str, Any]
    departures: Mapping[str, str] = field(default_factory=dict)
    stop: str = ""
    cost: str = ""
    tiling: Tiling = field(default_factory=Tiling)


@dataclass(frozen=True, kw_only=True)
class Method(Generic[ConfigT]):
    """A method: its name, what it needs, its configuration and its steps.

    pellucid's own take name, title, citation, needs, family, cost, iterative and denoises from the table
    (`pellucid.methods.table`), which can be listed without loading them.

    Attributes:
        name: what the user types.
        title: one line for `pellucid methods`.
        citation: authors, venue, year.
        needs: what kind of data it wants.
        config: frozen keyword-only dataclass; `config()` is preset `fast`.
        steps: the function.
        presets: named configurations; `fast` is made for two cores and what the verbs use, `paper` is what
            the paper states.
        stochastic: whether the seed matters.
        tiling: how it may be tiled.
        stop: the default stop rule as text for `stopping.parse`, e.g. "es-emv" or "" for none.
        cost: what a 512x512 colour image costs on two cores, in words.
        uses_noise: whether it reads the level from the NoiseReport (so that --sigma applies).
        needs_model: whether it works only with a file of weights (--model).
        keeps_mean: whether the mean of a channel is to stay; not where the noise itself shifted it. Where
            that depends on the noise, a function of the configuration and the noise; ask `keeps`.
        takes_guide: whether a second picture of the scene may steer it (--guide).
        restores: what it undoes beside noise ("mask", "downsample"), with the recipe for each.
        denoises: whether it is for noise at all.
        kind: what `for_kind` has set it up for.
        uncertainty: whether the extras of its steps hold ``uncertainty``, a standard deviation per pixel and
            channel (C, H, W) (--uncertainty).
        near_clean: the methods that prepare `Task.near_clean` where the user names none; with several shots
            the first of them serves all. Empty for a method that takes no near-clean images.
        learning: how it is trained on many images (`pellucid train`), or None; such a method is applied from
            the file that the training wrote.
        takes_shots: whether it is given several shots of a scene as they are, in register; others are given
            their mean. Where None is given, as its needs say.
        family: what it learns from: nothing (filter), the image at hand, or a data set. Where None is given,
            a trained method is of a data set, an iterative one of a single image.
        iterative: whether it yields a Step per iteration, so that a stop rule and a budget mean something.
        staged: whether it works through stages that each end by themselves, so that the iterations of one
            picture say nothing of another's.
        paper: what its paper states and leaves open, or None where there is none or it is not recorded.
        departures: why a field of `fast` differs from `paper`, for every one that does.
        axis: the axis of a stack along which it takes all slices together, "t" for films, "z" for volumes; ""
            for a method that works on each slice.
        warm: the share of its iterations that a fit needs which begins from that of the frame before
            (--warm-start); 0 for a method that cannot.
    """

    name: str
    title: str
    citation: str
    needs: Needs
    config: type[ConfigT]
    steps: Steps[ConfigT]
    presets: Mapping[str, ConfigT]
    stochastic: bool = False
    tiling: Tiling = field(default_factory=Tiling)
    stop: str = ""
    cost: str = ""
    uses_noise: bool = True
    needs_model: bool = False
    keeps_mean: bool | Callable[[Any, NoiseReport], bool] = True
    takes_guide: bool = False
    restores: Mapping[Kind, Recipe] = field(default_factory=dict)
    denoises: bool = True
    kind: Kind = "noise"
    uncertainty: bool = False
    near_clean: tuple[str, ...] = ()
    learning: Learning | None = None
    takes_shots: bool | None = None
    family: Family | None = None
    iterative: bool = False
    staged: bool = False
    paper: Paper | None = None
    departures: Mapping[str, str] = field(default_factory=dict)
    axis: Literal["", "t", "z"] = ""
    warm: float = 0.0

    def __post_init__(self) -> None:
        if self.stop:  # only what iterates has a stop rule
            object.__setattr__(self, "iterative", True)
        if self.takes_shots is None:  # methods of other packages may know only of needs
            object.__setattr__(self, "takes_shots", self.needs in ("one image or shots", "shots of a scene"))
        if self.family is None:
            alone: Family = "single image" if self.iterative else "filter"
            object.__setattr__(self, "family", "data set" if self.learning is not None else alone)

    def keeps(self, config: Any, noise: NoiseReport) -> bool:
        """Whether the mean of a channel is to stay, at this noise."""
        return self.keeps_mean(config, noise) if callable(self.keeps_mean) else self.keeps_mean

    def preset_of(self, effort: str) -> str:
        """The preset that an effort means: quick and best by their own name where there is one."""
        meant = {"quick": ("quick", "fast"), "normal": ("fast",), "best": ("best", "paper")}[effort]
        return next((name for name in meant if name in self.presets), "fast")

    def unlike_paper(self, config: ConfigT) -> list[Difference]:
        """The fields in which a configuration is not as in the paper, with what it states and why.

        An empty list where there is no preset ``paper``.
        """
        of_paper = self.presets.get("paper")
        return [] if of_paper is None else differences(config, of_paper, self.paper, self.departures)

    def for_kind(self, kind: Kind) -> Method[ConfigT]:
        """The same method with the presets, stop rule, cost and tiling it has for a kind of degradation.

        Raises:
            ValueError: when it does not undo that kind.
        """
        if kind == "noise" and self.denoises:
            return self
        if kind not in self.restores:
            kinds = ["noise"] * self.denoises + list(self.restores)
            verbs = {"noise": "denoise", "mask": "inpaint", "downsample": "upscale"}
            raise ValueError(
                f"{self.name} cannot {verbs[kind]}; it is for {', '.join(verbs[k] for k in kinds)}. "
                "Choose another method."
            )
        recipe = self.restores[kind]
        return dataclasses.replace(
            self,
            presets=recipe.presets,
            departures={**self.departures, **recipe.departures},
            stop=recipe.stop,
            cost=recipe.cost,
            tiling=recipe.tiling,
            kind=kind,
        )


@dataclass(frozen=True, kw_only=True)
class Trust:
    """How far a result may be trusted, as what was removed tells without a clean image.

    Attributes:
        level: "high": it looks like noise; "medium": something of the picture may have gone with it; "low":
            the result is probably worse than the input, or part of it is gone.
        reasons: why, in words, the gravest first.
    """

    level: Literal["high", "medium", "low"] = "high"
    reasons: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Level and reasons as plain values."""
        return {"level": self.level, "reasons": list(self.reasons)}


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came out, and how.

    Attributes:
        estimate: (N, C, H, W) float32 numpy array in the working range.
        method: name of the method that made it ("none" when the input was returned).
        reason: why this method at this strength, in words.
        config: its configuration.
        seed: the seed of the run.
        device: where it ran.
        seconds: analysis and method; no import, no file I/O.
        iterations: steps done; 1 for a filter.
        stopped_by: "finished", a stop rule's name, "interrupted", "iterations", "seconds".
        curves: named lists of figures against `iteration` (loss, stop statistic).
        noise: the NoiseReport of the input.
        warnings: what the user should know.
        extras: near-clean images, uncertainty map, fitted weights …
        trust: how far to trust it, or None where that was not judged (holes, enlarging).
        series: of a stack what goes on along its axes, one for every run of slices along one of them.
    """

    estimate: Any
    method: str
    reason: str
    config: Any
    seed: int
    device: str
    seconds: float
    iterations: int
    stopped_by: str
    curves: Mapping[str, list[float]]
    noise: NoiseReport
    warnings: tuple[str, ...] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)
    trust: Trust | None = None
    series: tuple[Series, ...] = ()

    @property
    def config_json(self) -> dict[str, Any]:
        """The configuration as plain values."""
        known = dataclasses.is_dataclass(self.config) and not isinstance(self.config, type)
        return dataclasses.asdict(self.config) if known else {}
