"""What a run refuses at once, what it has to do (a job per picture, seed and method), and the row of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path

from pellucid import checks, fields, methods
from pellucid.bench import datasets, peers
from pellucid.bench.log import CellRow
from pellucid.bench.spec import Entry, SetSpec, parse_entry, shots_of, value


@dataclass(frozen=True, kw_only=True)
class CellJob:
    """One cell before it is run: what its row will be about."""

    set: str
    image: str
    seed: int
    method: str
    preset: str
    crop: int | None

    @property
    def key(self) -> str:
        """One text for all of it."""
        return "|".join(
            [self.set, self.image, str(self.seed), self.method, self.preset, str(self.crop or "")]
        )


def chosen(
    spec: SetSpec, place: Path, limit: int | None, images: Sequence[str] | None, absent: str
) -> list[str] | None:
    """Names of the pictures of a set; None where it is absent and that is allowed."""
    if spec.model:
        from pellucid.noise import models

        models.parse(f"{spec.model}:{spec.level}")
    found = datasets.find(spec.name, place, added=bool(spec.model))
    if found is None:
        if absent == "skip":
            return None
        raise FileNotFoundError(
            f"{spec.name} is not below {place}. `pellucid bench data` says where to get it and how it lies."
        )
    samples = datasets.select(spec, found, limit=limit, images=images)
    if not samples and images is None:
        raise ValueError(f"{spec.text} has no picture to run on.")
    return [s.name for s in samples]


def known(specs: Sequence[SetSpec], place: Path) -> list[str]:
    """Names of the pictures of all sets that are on this machine."""
    found = [datasets.find(spec.name, place, added=bool(spec.model)) for spec in specs]
    return list(dict.fromkeys(sample.name for one in found if one is not None for sample in one.samples))


def plan(
    specs: Sequence[SetSpec],
    entries: Sequence[Entry],
    chosen: dict[str, list[str] | None],
    preset: str,
    seeds: Sequence[int],
    crop: int | None,
) -> list[tuple[CellJob, str]]:
    """All jobs, method by method, with the reason where one is skipped at once."""
    jobs: list[tuple[CellJob, str]] = []
    for entry in entries:
        own = entry.arguments.get("preset", preset) if entry.has_preset else ""
        for spec in specs:
            names = chosen[spec.text]
            if names is None:
                job = CellJob(
                    set=spec.text, image="", seed=seeds[0], method=entry.text, preset=own, crop=crop
                )
                jobs.append((job, f"no set: {spec.name} is not on this machine"))
                continue
            # The same picture, the same method and no draw: another seed would give the same bits.
            several = len(seeds) > 1 and (spec.model or draws(entry))
            for name in names:
                for seed in seeds if several else seeds[:1]:
                    job = CellJob(
                        set=spec.text, image=name, seed=seed, method=entry.text, preset=own, crop=crop
                    )
                    jobs.append((job, ""))
    return jobs


def draws(entry: Entry) -> bool:
    """Whether an entry makes random draws of its own."""
    if entry.kind == "method":
        return methods.load(entry.name).stochastic
    return entry.kind != "noisy"


MEASURED = (
    "psnr",
    "ssim",
    "noisy_psnr",
    "noisy_ssim",
    "seconds",
    "cpu_seconds",
    "peak_mb",
    "iterations",
    "stopped",
    "file",
    "clean",
    "noisy",
    "error",
    "skipped",
    "note",
    "start_up",
    "warnings",
)


def row_of(job: CellJob, source: str, found: CellRow) -> CellRow:
    """A line of cells.jsonl."""
    own = {"key": job.key, "source": source}
    about = own | asdict(job) | {"oracle": bool(parse_entry(job.method).oracle)}
    return about | {name: found.get(name) for name in MEASURED}


PRESETS = ("fast", "paper")
"""those that all methods have; for another one the methods are asked"""


def check(
    entries: Sequence[Entry],
    *,
    preset: str,
    commands: Iterable[str] = (),
    images: Sequence[str] | None = None,
    known: Collection[str] = (),
) -> None:
    """Look at what was asked for, so that a slip of the pen is no folder full of skipped cells.

    It looks as far as that needs no picture.

    Args:
        entries: the methods.
        preset: of all that have presets.
        commands: "name=command {in} {out}".
        images: names of pictures, or None for all.
        known: names of the pictures of all sets that are on this machine.

    Raises:
        ValueError: for a field or preset that a method does not have, a value of another kind, a peer that is
            not one, or a picture that no set holds.
    """
    for text in commands:
        peers.parse(text)
    for name in images or ():
        if known and name not in known:
            some = ", ".join(list(known)[:3])
            near = get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"images must be names as in the rows, e.g. {some}; got {name!r}.{hint}")
    for entry in entries:
        shots_of(entry)
        for name, text in entry.arguments.items():
            value(name, text)
        if entry.kind == "method" and entry.fields:
            method = methods.load(entry.name)
            own = entry.arguments.get("preset", preset)
            # A preset that the method does not have is looked at below.
            fields.change(method.presets.get(own, method.config()), entry.fields)
    _preset(preset, [e for e in entries if e.has_preset and "preset" not in e.arguments])
    for entry in entries:
        if entry.has_preset and "preset" in entry.arguments:
            _preset(entry.arguments["preset"], [entry])


def _preset(name: str, entries: Sequence[Entry]) -> None:
    """A preset that none of the methods has; one that only some have skips the others."""
    if name in PRESETS or not entries:
        return
    there = [preset for entry in entries for preset in methods.load(entry.name).presets]
    checks.one_of("preset", name, list(dict.fromkeys(there)))
