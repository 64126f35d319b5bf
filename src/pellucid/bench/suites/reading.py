"""A suite as data: what is run in full and in small, what is trained for it, and what the paper prints."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from pellucid import checks

FORMS = ("full", "small")
SMALL = {"preset": "fast", "crop": 128, "limit": 1}
"""of a small form that states nothing else"""
RUN = ("data", "methods", "preset", "seeds", "limit", "images", "crop")


@dataclass(frozen=True, kw_only=True)
class SuitePart:
    """One run: the arguments of `bench.run`."""

    data: tuple[str, ...]
    methods: tuple[str, ...]
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Training:
    """A model that a suite trains first; its entry is "model:@NAME".

    Attributes:
        name: in the suite.
        method: what is trained.
        data: folders below the data root; the first that is there is taken.
        more: other arguments of `pellucid.training.train`.
    """

    name: str
    method: str
    data: tuple[str, ...]
    more: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Printed:
    """A number of the paper.

    Attributes:
        source: paper, table.
        set: as the paper calls it.
        method: as the paper calls it.
        psnr, ssim: None where it prints none.
        ours: our set in its place.
        entry: our entry in its place, or "".
    """

    source: str
    set: str
    method: str
    psnr: float | None
    ssim: float | None
    ours: str
    entry: str


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A table or figure of a paper.

    Attributes:
        name: what the user types.
        title: one line.
        notes: what a reader must know: where our run differs from the paper's.
        form: "full" or "small".
        parts: the runs.
        trainings: what they need.
        printed: the paper's numbers.
        residuals: whether the removed noise is compared with the real one.
        whole: the sets of the full form.
    """

    name: str
    title: str
    notes: tuple[str, ...]
    form: str
    parts: tuple[SuitePart, ...]
    trainings: tuple[Training, ...]
    printed: tuple[Printed, ...]
    residuals: bool = False
    whole: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """What stands above its results: "" in full, else what was cut down."""
        if self.form == "full":
            return ""
        shown = [p.more for p in self.parts]
        sides = sorted({f"{m['crop']}x{m['crop']} crops" for m in shown if m.get("crop")})
        counts = sorted({m["limit"] for m in shown if m.get("limit")})
        most = "at most " * (len(counts) > 1)
        images = [f"{most}{counts[-1]} image{'s' * (counts[-1] > 1)} of each set"] if counts else []
        presets = sorted({f"preset {m['preset']}" for m in shown if m.get("preset")})
        steps = [t.more["steps"] for t in self.trainings if "steps" in t.more]
        trained = [f"models trained for {max(steps)} steps at most"] if steps else []
        return f"small form: {', '.join([*sides, *images, *presets, *trained])}"


def names() -> list[str]:
    """The suites there are."""
    here = files("pellucid.bench.suites")
    return sorted(item.name.removesuffix(".toml") for item in here.iterdir() if item.name.endswith(".toml"))


def load(name: str, form: str = "full") -> Suite:
    """A suite by its name, or from a TOML file of one's own.

    Args:
        name: from `names`, or a path that ends in .toml.
        form: "full" or "small".

    Raises:
        ValueError: for an unknown name or form, or a file that is not of that form.
        FileNotFoundError: for a file that is not there.
    """
    checks.one_of("form", form, FORMS)
    if name.endswith(".toml"):
        text, called = Path(name).read_text(encoding="utf-8"), Path(name).stem
    else:
        checks.one_of("suite", name, names())
        text = files("pellucid.bench.suites").joinpath(f"{name}.toml").read_text(encoding="utf-8")
        called = name
    try:
        return _suite(called, tomllib.loads(text), form)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise ValueError(
            f"suite {name} is not of the form that docs/reproduction.md states ({what})."
        ) from None


def _suite(name: str, table: Mapping[str, Any], form: str) -> Suite:
    known = {"title", "notes", "part", "train", "same", "as", "published", "residuals"}
    if set(table) - known:
        raise KeyError(f"unknown: {', '.join(sorted(set(table) - known))}")
    trainings = tuple(_training(key, row, form) for key, row in table.get("train", {}).items())
    parts = tuple(_part(row, form) for row in table["part"])
    asked = {
        m.partition("@")[2].partition("+")[0] for p in parts for m in p.methods if m.startswith("model:@")
    }
    return Suite(
        name=name,
        title=table["title"],
        notes=tuple(table.get("notes", ())),
        form=form,
        parts=parts,
        trainings=tuple(t for t in trainings if t.name in asked),
        printed=tuple(
            number
            for block in table.get("published", ())
            for number in _printed(block, table.get("same", {}), table.get("as", {}))
        ),
        residuals=bool(table.get("residuals", False)),
        whole=frozenset(set_ for row in table["part"] for set_ in _part(row, "full").data),
    )


def _part(row: Mapping[str, Any], form: str) -> SuitePart:
    wishes = {key: value for key, value in row.items() if key in RUN}
    if form == "small":
        wishes |= SMALL | row.get("small", {})
    if set(row) - {*RUN, "small"} or set(wishes) - set(RUN):
        raise KeyError(f"a part may hold {', '.join(RUN)} and small")
    more = {key: value for key, value in wishes.items() if key not in ("data", "methods")}
    return SuitePart(data=tuple(wishes["data"]), methods=tuple(wishes["methods"]), more=more)


def _training(name: str, row: Mapping[str, Any], form: str) -> Training:
    given = {key: value for key, value in row.items() if key not in FORMS}
    own = dict(row.get(form, {}))
    fields = {**given.pop("set", {}), **own.pop("set", {})}
    more = {**given, **own} | ({"set": fields} if fields else {})
    return Training(name=name, method=more.pop("method"), data=tuple(more.pop("data")), more=more)


def _printed(block: Mapping[str, Any], same: Mapping[str, str], called: Mapping[str, str]) -> list[Printed]:
    numbers = []
    same = {**same, **block.get("same", {})}
    for method, row in block["rows"].items():
        if len(row) != len(block["sets"]):
            raise KeyError(f"{block['source']}, {method}: {len(row)} numbers for {len(block['sets'])} sets")
        for set_, value in zip(block["sets"], row, strict=True):
            pair = value if isinstance(value, list) else [None, value] if block.get("ssim") else [value, None]
            numbers.append(
                Printed(
                    source=block["source"],
                    set=set_,
                    method=method,
                    psnr=pair[0],
                    ssim=pair[1],
                    ours=called.get(set_, set_),
                    entry=same.get(method, ""),
                )
            )
    return numbers
