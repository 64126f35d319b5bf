"""A results folder as data: its manifest, its finished cells, and what its entries are called."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from pellucid.bench import log, manifest

Key = tuple[str, str, int, str, str, int | None]
FOLDERS = re.compile(r"(?:[^\s+:=,@]*[/\\])([^\s+:=,@/\\]+)")
MODEL = ".safetensors"
DIGEST = re.compile(r"-[0-9a-f]{8}$")
"""of the settings of a model that a suite trained, in the name of its file"""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One line of cells.jsonl: one method on one image.

    Attributes:
        set, image, seed, method, preset, crop: what was run; crop is the side in pixels or None.
        source: hash of the code that made it.
        oracle: whether the method was told something only the truth tells.
        psnr, ssim, noisy_psnr, noisy_ssim: scores of the written files, None where there is no truth; inf for
            a result that equals it.
        seconds, cpu_seconds: of the call, start-up left out.
        peak_mb: peak memory of the process.
        start_up: whether the seconds hold the start of a program.
        iterations, stopped: of an iterative method.
        file, clean, noisy: pictures, relative to ``folder``.
        warnings: what the user of the method was told.
        error, skipped: why there is no result, or None.
        folder: the results folder it was read from.
    """

    set: str
    image: str
    method: str
    seed: int = 0
    preset: str = ""
    crop: int | None = None
    source: str = ""
    oracle: bool = False
    psnr: float | None = None
    ssim: float | None = None
    noisy_psnr: float | None = None
    noisy_ssim: float | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    peak_mb: float | None = None
    start_up: bool = False
    iterations: int | None = None
    stopped: str | None = None
    file: str | None = None
    clean: str | None = None
    noisy: str | None = None
    warnings: tuple[str, ...] = ()
    error: str | None = None
    skipped: str | None = None
    folder: Path = Path()

    @property
    def key(self) -> Key:
        """What makes it the same cell as another."""
        return self.set, self.image, self.seed, self.method, self.preset or "", self.crop

    @property
    def done(self) -> bool:
        """Whether it has a result."""
        return self.error is None and self.skipped is None

    def path(self, name: str) -> Path | None:
        """The picture "file", "clean" or "noisy", or None when it was not kept."""
        value = getattr(self, name)
        path = self.folder / value if value else None
        return path if path is not None and path.is_file() else None


@dataclass(frozen=True, kw_only=True)
class Results:
    """One results folder, or several merged.

    Attributes:
        manifests: one for each folder, in the order given.
        cells: each cell once, in the order of its first appearance.
        notes: what a reader of the numbers must know about how they came together.
    """

    manifests: tuple[dict[str, Any], ...]
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def label(self) -> str:
        """Which small form this is, e.g. "small form: 128x128 crops, 2 images"; "" for a full run."""
        return "; ".join(dict.fromkeys(text for m in self.manifests if (text := _label(m))))


_FIELDS = {f.name for f in dataclasses.fields(Cell)} - {"folder"}


def read(folder: str | Path) -> Results:
    """The manifest and the cells of one folder.

    A torn line, which a killed run leaves, is passed over; where it is not the last, a note says so. Of
    several lines for a cell the last counts.

    Args:
        folder: holds cells.jsonl and, as a rule, manifest.json.

    Raises:
        FileNotFoundError: when there is no such folder, or no cells in it.
        ValueError: when a line lacks set, image or method.
    """
    root = Path(folder)
    file = root / log.NAME
    if not file.is_file():
        what = "no such folder" if not root.is_dir() else f"a folder without {log.NAME}"
        raise FileNotFoundError(
            f"RESULTS must be a folder that `pellucid bench run` wrote, got {root}: {what}."
        )
    cells: dict[Key, Cell] = {}
    lines = [line for line in file.read_text(encoding="utf-8", errors="replace").split("\n") if line.strip()]
    torn = 0
    for number, line in enumerate(lines, 1):
        try:
            found = json.loads(line)
        except ValueError:
            torn += number < len(lines)
            continue
        cell = _cell(found, root, f"{file}, line {number}")
        cells[cell.key] = cell
    notes = (f"{torn} lines of {file} are torn and were passed over.",) if torn else ()
    return Results(manifests=(_manifest(root),), cells=tuple(cells.values()), notes=notes)


def merged(folders: Sequence[str | Path]) -> Results:
    """Several folders as one; where two hold the same cell, that of the later folder counts.

    Raises:
        ValueError: for no folder, and as `read`.
        FileNotFoundError: as `read`.
    """
    if not folders:
        raise ValueError("at least one RESULTS folder is needed, got none.")
    parts = [read(folder) for folder in folders]
    cells: dict[Key, Cell] = {}
    twice = 0
    for part in parts:
        for cell in part.cells:
            twice += cell.key in cells
            cells[cell.key] = cell
    manifests = tuple(m for part in parts for m in part.manifests)
    notes = [note for part in parts for note in part.notes]
    if twice:
        notes.append(f"{twice} cells are in more than one of the folders; that of the last folder counts.")
    notes += [
        f"The runs differ in {name}: {', '.join(values)}. {consequence}"
        for name, consequence in (
            ("machine", "Their seconds cannot be compared."),
            ("device", "Their seconds cannot be compared."),
            ("threads", "Their seconds cannot be compared."),
            ("protocol", "Their scores cannot be compared."),
        )
        if len(values := list(dict.fromkeys(str(m[name]) for m in manifests if m.get(name)))) > 1
    ]
    return Results(manifests=manifests, cells=tuple(cells.values()), notes=tuple(notes))


def _label(told: dict[str, Any]) -> str:
    """What was cut down: of each set by the last run that took it."""
    last: dict[str, dict[str, Any]] = {}
    for run in told.get("runs") or []:
        last |= dict.fromkeys(run.get("sets", ()), run)
    texts = [_cut(run) for run in last.values()] or [_cut(told)]
    return "; ".join(dict.fromkeys(text for text in texts if text))


def _cut(run: dict[str, Any]) -> str:
    """The label of a run, or what its options say where it has none."""
    if run.get("label"):
        return str(run["label"])
    crop, limit, images = (run.get(name) for name in ("crop", "limit", "images"))
    parts = [f"{crop}x{crop} crops"] if crop else []
    parts += [f"the first {limit} images of each set"] if limit else []
    parts += [f"{len(images)} images by name"] if isinstance(images, list) and images else []
    return "small form: " + ", ".join(parts) if parts else ""


def _manifest(root: Path) -> dict[str, Any]:
    file = root / manifest.NAME
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} must be JSON, got {error}. Remove it.") from error
    if not isinstance(found, dict):
        raise ValueError(f"{file} must hold a JSON object, got {type(found).__name__}.")
    return found


def _cell(line: Any, root: Path, where: str) -> Cell:
    missing = [name for name in ("set", "image", "method") if not isinstance(line, dict) or name not in line]
    if missing:
        raise ValueError(f"{where}: a cell must have {', '.join(missing)}. Remove the line.")
    # Fields of a later protocol are passed over, a null preset means none.
    known = {name: value for name, value in line.items() if name in _FIELDS}
    known["preset"] = known.get("preset") or ""
    known["warnings"] = tuple(known.get("warnings") or ())
    # JSON has no infinity: a result equal to the truth has a perfect SSIM and no PSNR.
    if known.get("psnr") is None and known.get("ssim") == 1:
        known["psnr"] = math.inf
    return Cell(**known, folder=root)


def brief(entry: str) -> str:
    """An entry whose files are named without their folders.

    >>> brief("model:/home/me/models/cells.safetensors@sigma")
    'model:cells@sigma'
    >>> brief("rs-dip+near_clean=/w/a.pth:/w/b.pth+mix=false")
    'rs-dip+near_clean=a.pth:b.pth+mix=false'
    >>> brief("model:results/models/n2n-0123abcd.safetensors")
    'model:n2n'
    """
    return FOLDERS.sub(lambda found: _stem(found[1]), entry)


def _stem(name: str) -> str:
    return DIGEST.sub("", name.removesuffix(MODEL)) if name.endswith(MODEL) else name


def called(entries: Iterable[str]) -> Mapping[str, str]:
    """What each entry is called; two that would be called the same keep the whole name of their files, and
    if need be their folders.

    >>> called(["model:a/m.pth", "model:b/m.pth", "ffdnet+model=a/n.pth"])["ffdnet+model=a/n.pth"]
    'ffdnet+model=n.pth'
    >>> called(["model:a/m.pth", "model:b/m.pth"])["model:a/m.pth"]
    'model:a/m.pth'
    >>> called(["model:a/n2n-0123abcd.safetensors", "model:a/n2n-4567abcd.safetensors"]).values()
    dict_values(['model:n2n-0123abcd.safetensors', 'model:n2n-4567abcd.safetensors'])
    """
    found = {entry: entry for entry in entries}
    for shorter in (lambda entry: FOLDERS.sub(r"\1", entry), brief):
        names = {entry: shorter(entry) for entry in found}
        often = Counter(names.values())
        found |= {entry: name for entry, name in names.items() if often[name] == 1}
    return found


def shown(results: Results) -> Results:
    """The same results, for a reader: entries by what they are called."""
    names = called(cell.method for cell in results.cells)
    cells = tuple(dataclasses.replace(cell, method=names[cell.method]) for cell in results.cells)
    return dataclasses.replace(results, cells=cells)


@dataclass(frozen=True, kw_only=True)
class Published:
    """One number of a paper.

    Attributes:
        set: set spec as the benchmark writes it, e.g. "Set9:gaussian:25".
        method: as the paper calls it.
        psnr, ssim: in dB and 1; None where the paper gives none.
        source: paper and table, and what differs in its protocol.
    """

    set: str
    method: str
    psnr: float | None = None
    ssim: float | None = None
    source: str


def read_published(path: str | Path | None = None) -> list[Published]:
    """The rows of a TOML file of `[[row]]` tables.

    Args:
        path: the file; None is the one that comes with pellucid, which may have no rows.

    Raises:
        ValueError: when it is no TOML, or a row has no set, method or source, or fields that are unknown.
        FileNotFoundError: when it is missing.
    """
    if path is None:
        shipped = files("pellucid.bench").joinpath("published.toml")
        text, name = (shipped.read_text(encoding="utf-8") if shipped.is_file() else ""), "published.toml"
    else:
        text, name = Path(path).read_text(encoding="utf-8"), str(path)
    try:
        rows = tomllib.loads(text).get("row", [])
        return [Published(**row) for row in rows]
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise ValueError(
            f"{name} must hold [[row]] tables with set, method, source and psnr or ssim, got: {error}."
        ) from error
