"""Cells -> one table per set: means over the same images for all methods, deviation over noise seeds."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Literal

from pellucid import checks
from pellucid.bench.request import ORDERS, OVER
from pellucid.bench.results import Cell, Published, Results

RowKind = Literal["measured", "oracle", "published", "input"]
MethodKey = tuple[str, str]
"""method and preset"""


@dataclass(frozen=True, kw_only=True)
class Score:
    """A mean over images, and the standard deviation of that mean over noise seeds (None for one seed)."""

    mean: float
    deviation: float | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One method in a table.

    Attributes:
        method, preset: what was run; preset is "" where there is nothing to tell apart.
        kind: measured, oracle (used the truth), published (not run here) or input (the noisy images).
        psnr, ssim: dB and 1; None without truth.
        seconds, cpu_seconds: mean per image.
        peak_mb: highest of all images.
        images, seeds: how many went into the means.
        iterations: mean, of an iterative method.
        stopped: stop reasons and how often, e.g. "es-emv 14, iterations 1".
        marks: what the reader must know of this row.
        reference: where a published number is from.
    """

    method: str
    preset: str = ""
    kind: RowKind = "measured"
    psnr: Score | None = None
    ssim: Score | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    peak_mb: float | None = None
    images: int | None = None
    seeds: int | None = None
    iterations: float | None = None
    stopped: str = ""
    marks: tuple[str, ...] = ()
    reference: str = ""

    @property
    def name(self) -> str:
        """Method and, where it tells rows apart, preset."""
        return f"{self.method} ({self.preset})" if self.preset else self.method


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Cells without a result."""

    method: str
    reason: str
    cells: int
    skipped: bool


@dataclass(frozen=True, kw_only=True)
class Table:
    """One set.

    Attributes:
        set: the set spec.
        crop: side of the crops in pixels, or None for whole images.
        images: how many images of the set were run at all.
        rows: the methods.
        missing: what was skipped or failed, with the reason.
        notes: over what the means are, and what else holds for the whole table.
    """

    set: str
    crop: int | None
    images: int
    rows: tuple[Row, ...]
    missing: tuple[Missing, ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """Set and crop in words."""
        return self.set + (f", {self.crop}x{self.crop} crops" if self.crop else "")


def tables(
    results: Results,
    *,
    published: Iterable[Published] = (),
    order: str = "best",
    over: str = "common",
    by: str = "psnr",
) -> list[Table]:
    """One table for each set and crop, in the order in which the cells came.

    Args:
        results: of one run, or several merged.
        published: numbers of papers; those of a set stand in its table, marked.
        order: "best" first, or as "given" (order of the first cell).
        over: "common": means over the images that all methods finished, for all seeds that all have; "own":
            each method over what it finished, with its own count.
        by: "psnr" or "ssim", what best means.

    Raises:
        ValueError: for an unknown order, over or by.
    """
    checks.one_of("order", order, ORDERS)
    checks.one_of("over", over, OVER)
    checks.one_of("by", by, ("psnr", "ssim"))
    groups: dict[tuple[str, int | None], list[Cell]] = {}
    for cell in results.cells:
        groups.setdefault((cell.set, cell.crop), []).append(cell)
    printed = list(published)
    return [
        _table(name, crop, cells, [p for p in printed if p.set.lower() == name.lower()], order, over, by)
        for (name, crop), cells in groups.items()
    ]


def _table(
    name: str,
    crop: int | None,
    cells: Sequence[Cell],
    printed: Sequence[Published],
    order: str,
    over: str,
    by: str,
) -> Table:
    done: dict[MethodKey, list[Cell]] = {}
    for cell in cells:
        if cell.done:
            done.setdefault((cell.method, cell.preset), []).append(cell)
    images = {cell.image for cell in cells}
    used: dict[MethodKey, list[Cell]] = dict(done)
    notes: list[str] = []
    if over == "common" and done:
        used, notes = _common(done, len(images))
    elif done:
        notes = [f"Each method over the images that it finished (n), of {len(images)}."]
    code = Counter(cell.source for group in done.values() for cell in group).most_common(1)
    usual = code[0][0] if code else ""
    shown = presets(cells)
    rows = [_row(method, shown[method, preset], group, usual) for (method, preset), group in used.items()]
    if any(mark.startswith("other code") for row in rows for mark in row.marks):
        notes.append(
            f"Rows marked as other code were not made by the version that made most of the table ({usual})."
        )
    if not any(row.method == "noisy" for row in rows):
        rows += _input(used)
    rows += [
        Row(
            method=p.method,
            kind="published",
            psnr=None if p.psnr is None else Score(mean=p.psnr),
            ssim=None if p.ssim is None else Score(mean=p.ssim),
            reference=p.source,
        )
        for p in printed
    ]
    if printed:
        notes.append(
            "Published rows are the numbers of their source, for the whole set under its own protocol"
            + (f"; the rows of this run are for {crop}x{crop} crops." if crop else ".")
        )
    notes += _warnings(done)
    if order == "best":
        rows.sort(key=lambda row: _goodness(row, by), reverse=True)
    return Table(
        set=name, crop=crop, images=len(images), rows=tuple(rows), missing=_missing(cells), notes=tuple(notes)
    )


def presets(cells: Iterable[Cell]) -> dict[MethodKey, str]:
    """For every method and preset the preset to show: "" unless the method was run with several."""
    found = {(c.method, c.preset) for c in cells}
    counts = Counter(method for method, _ in found)
    return {(method, preset): preset if counts[method] > 1 else "" for method, preset in found}


def _common(done: dict[MethodKey, list[Cell]], total: int) -> tuple[dict[MethodKey, list[Cell]], list[str]]:
    """What every method finished, and how much that is in words.

    Where noise is added, a seed is another noisy picture, and only seeds that all have count. Where it is
    not, a seed is one of the method alone: those that draw nothing have only one, and the others keep theirs.
    """
    own = {method: {c.seed for c in group} for method, group in done.items()}
    every = set.union(*own.values())
    seeds = set.intersection(*own.values())
    if not _added(next(iter(done.values()))[0].set):
        seeds = every
    else:
        own = dict.fromkeys(own, seeds)

    def whole(method: MethodKey) -> set[str]:
        have: dict[str, set[int]] = {}
        for cell in done[method]:
            have.setdefault(cell.image, set()).add(cell.seed)
        return {image for image, found in have.items() if own[method] <= found}

    shared = set.intersection(*map(whole, done)) if seeds else set()
    if not shared:
        return dict(done), [
            f"No image was finished by all {len(done)} methods: each row is a mean over its own images (n), "
            "and rows cannot be compared."
        ]
    used = {
        method: [c for c in group if c.image in shared and c.seed in own[method]]
        for method, group in done.items()
    }
    notes = [f"Means over {_count(len(shared), 'image')} that all {_count(len(done), 'method')} finished"]
    if len(shared) < total:
        notes[0] += f", of {total} begun"
    notes[0] += f"; {'up to ' if any(s != seeds for s in own.values()) else ''}{_count(len(seeds), 'seed')}"
    notes[0] += f" ({', '.join(map(str, sorted(seeds)))})." if seeds < every else "."
    if seeds < every:
        notes.append(f"Not all methods have the other seeds ({', '.join(map(str, sorted(every - seeds)))}).")
    if len(seeds) > 1:
        notes.append("±: standard deviation of the mean over the seeds.")
    return used, notes


def _added(text: str) -> bool:
    """Whether a set spec adds noise.

    >>> _added("CBSD68:poisson:30:clip"), _added("CC15")
    (True, False)
    """
    return ":" in text.replace("\\", "/").rpartition("/")[2]


def _row(method: str, preset: str, group: Sequence[Cell], usual: str) -> Row:
    oracle = any(c.oracle for c in group)
    versions = sorted({c.source for c in group})
    marks = [] if versions == [usual] else [f"other code: {', '.join(v or 'unknown' for v in versions)}"]
    marks += ["seconds with start-up"] if any(c.start_up for c in group) else []
    stops = Counter(c.stopped for c in group if c.stopped)
    # Copying the input takes no time worth telling, and @best pays for its looks at the truth.
    timed = [] if method == "noisy" or method.endswith("@best") else group
    iterations = [c.iterations for c in group if c.iterations is not None]
    return Row(
        method=method,
        preset=preset,
        kind="input" if method == "noisy" else ("oracle" if oracle else "measured"),
        psnr=_score(group, "psnr"),
        ssim=_score(group, "ssim"),
        seconds=_mean(c.seconds for c in timed),
        cpu_seconds=_mean(c.cpu_seconds for c in timed),
        peak_mb=max((c.peak_mb for c in timed if c.peak_mb is not None), default=None),
        images=len({c.image for c in group}),
        seeds=len({c.seed for c in group}),
        iterations=mean(iterations) if iterations and max(iterations) > 1 else None,
        stopped=", ".join(f"{reason} {n}" for reason, n in stops.most_common() if reason != "finished"),
        marks=tuple(marks),
    )


def _input(used: dict[MethodKey, list[Cell]]) -> list[Row]:
    """The noisy images themselves, from what the cells say of them."""
    known = {(c.image, c.seed): c for group in used.values() for c in group if c.noisy_psnr is not None}
    group = list(known.values())
    if not group:
        return []
    return [
        Row(
            method="noisy",
            kind="input",
            psnr=_score(group, "noisy_psnr"),
            ssim=_score(group, "noisy_ssim"),
            images=len({c.image for c in group}),
            seeds=len({c.seed for c in group}),
        )
    ]


def _score(group: Sequence[Cell], name: str) -> Score | None:
    """Mean over all cells; the deviation is that of the means of the seeds."""
    by_seed: dict[int, list[float]] = {}
    for cell in group:
        value = getattr(cell, name)
        if value is not None:
            by_seed.setdefault(cell.seed, []).append(value)
    if not by_seed:
        return None
    means = [mean(values) for values in by_seed.values()]
    finite = all(map(math.isfinite, means))
    return Score(mean=mean(means), deviation=stdev(means) if len(means) > 1 and finite else None)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return mean(known) if known else None


def _goodness(row: Row, by: str) -> float:
    score = row.psnr if by == "psnr" else row.ssim
    return -math.inf if score is None else score.mean


def _warnings(done: dict[MethodKey, list[Cell]]) -> list[str]:
    """What the users of the methods were told, once for all cells in which only the figures differ."""
    told: dict[str, list[tuple[str, str]]] = {}
    for (method, _), group in done.items():
        for cell in group:
            for text in cell.warnings:
                told.setdefault(re.sub(r"\d+(?:\.\d+)?", "0", text), []).append((method, text))
    lines = []
    for found in told.values():
        names = ", ".join(dict.fromkeys(method for method, _ in found))
        like = ", with other figures in some" if len({text for _, text in found}) > 1 else ""
        lines.append(f"{names} in {_count(len(found), 'cell')}{like}: {found[0][1]}")
    return lines


def _missing(cells: Sequence[Cell]) -> tuple[Missing, ...]:
    counts = Counter(
        (c.method, (c.skipped or c.error or "").strip(), c.skipped is not None) for c in cells if not c.done
    )
    return tuple(
        Missing(method=method, reason=reason, cells=n, skipped=skipped)
        for (method, reason, skipped), n in counts.items()
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("s" if number != 1 else "")
