"""A suite's numbers beside the paper's, as Markdown; what was not run says why."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from pellucid import fields, methods
from pellucid.bench import protocol, spec
from pellucid.bench.results import Cell, Results, called
from pellucid.bench.suites.reading import Printed, Suite
from pellucid.paper import unlike
from pellucid.steps import Method


def markdown(suite: Suite, results: Results, given: Mapping[str, str]) -> str:
    """One table: the set, the paper's method and numbers, ours in its place.

    Args:
        suite: with the paper's numbers.
        results: of its runs.
        given: the entries as run, by the entries as the suite writes them.
    """
    form = suite.label or "full form"
    lines = [f"# {suite.name}: {suite.title}", "", f"**{form}**. Ours are means over what was run; published "
             "numbers are those of their source, for its whole set under its own protocol.", ""]  # fmt: skip
    lines += [f"- {note}" for note in suite.notes] + [""] * bool(suite.notes)
    lines += _papers(suite)
    lines += _table(_rows(suite, results, given))
    if suite.residuals:
        lines += ["", "## What was removed beside the real noise", "", *_residuals(results, given)]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, kw_only=True)
class _Used:
    """Settings that a suite uses, and the entries and models that use them."""

    method: Method
    preset: str
    config: Any
    names: list[str] = field(default_factory=list)


def _used(suite: Suite) -> list[_Used]:
    """Every configuration of a suite once: the preset of an entry or a training with its own changes."""
    asked: list[tuple[str, str, str, Mapping[str, Any]]] = []
    for one in suite.trainings:
        own = {name: one.more[name] for name in ("network", "steps") if name in one.more}
        preset = one.more.get("preset") or "fast"
        asked.append((f"model:@{one.name}", one.method, preset, own | one.more.get("set", {})))
    for part in suite.parts:
        for entry in (spec.parse_entry(text) for text in part.methods if not text.startswith("model:@")):
            if entry.kind == "method":
                preset = entry.arguments.get("preset") or part.more.get("preset") or "fast"
                asked.append((entry.text, entry.name, preset, entry.fields))
    found: list[_Used] = []
    for name, of, preset, changes in asked:
        method = methods.load(of)
        if preset not in method.presets:
            continue
        config = fields.change(method.presets[preset], changes)
        same = [u for u in found if (u.method.name, u.preset, u.config) == (of, preset, config)]
        if not same:
            found.append(_Used(method=method, preset=preset, config=config))
        names = (same or found[-1:])[0].names
        names += [name] if name not in names else []
    return sorted(found, key=lambda used: used.method.name)


def _papers(suite: Suite) -> list[str]:
    """How the settings of the runs stand to the papers: what is filled in, what is another and why."""
    lines: list[str] = []
    elsewhere: dict[str, tuple[str, ...]] = {}
    for used in _used(suite):
        method, config = used.method, used.config
        changed = unlike(config, method.presets[used.preset])
        told = [
            f"  - {replace(d, reason='as this suite sets it') if d.field in changed else d}"
            for d in method.unlike_paper(config)
        ]
        if method.paper is not None:
            left = {k: v for k, v in method.paper.open.items() if v.value == getattr(config, k)}
            told += [
                f"  - {name} = {s.value!r}, left open by the paper: {s.where}" for name, s in left.items()
            ]
            elsewhere[method.name] = method.paper.elsewhere
        if told:
            names = ", ".join(f"`{name}`" for name in used.names)
            lines += [f"- {names}: `{method.name}`, preset `{used.preset}`:", *told]
    for name, texts in elsewhere.items():
        lines += [f"- `{name}`, whatever its settings:", *(f"  - {text}" for text in texts)] if texts else []
    return ["## Settings that are not the papers'", "", *lines, ""] if lines else []


def numbers(suite: Suite) -> str:
    """The paper's numbers as `bench table --published` reads them."""
    blocks = []
    for number in suite.printed:
        rows = {"set": number.ours, "method": number.method, "source": f"{number.source}, {number.set}"}
        told = [f"{key} = {json.dumps(value)}" for key, value in rows.items()]
        told += [f"psnr = {number.psnr}"] if number.psnr is not None else []
        told += [f"ssim = {number.ssim}"] if number.ssim is not None else []
        blocks.append("\n".join(["[[row]]", *told]))
    return "\n\n".join(blocks) + "\n"


def _rows(suite: Suite, results: Results, given: Mapping[str, str]) -> list[list[str]]:
    cells: dict[tuple[str, str], list[Cell]] = {}
    for cell in results.cells:
        cells.setdefault((cell.set, cell.method), []).append(cell)
    back = {run: written for written, run in given.items()}
    names = called([number.entry for number in suite.printed] + [back.get(m, m) for _, m in cells])
    sets = {set_ for part in suite.parts for set_ in part.data}
    seen: set[tuple[str, str]] = set()
    rows = []
    for number in suite.printed:
        entry = given.get(number.entry, "")
        found = cells.get((number.ours, entry), [])
        if found:
            seen.add((number.ours, entry))
        ours = _ours(names[number.entry], number.ours, found)
        if number.ours not in sets:
            cut = number.ours in suite.whole
            ours = ["", "", "", "not in the small form" if cut else "no set of ours in its place"]
        rows.append([*_published(number), *ours])
    for (set_, method), found in cells.items():
        if (set_, method) not in seen and set_:
            rows.append([set_, "", "", *_ours(names[back.get(method, method)], set_, found)])
    return rows


def _published(number: Printed) -> list[str]:
    shown = [f"{number.psnr:.2f}" if number.psnr is not None else "–"]
    shown += [f"{number.ssim:.3f}"] if number.ssim is not None else []
    return [number.set, number.method, " / ".join(shown)]


def _ours(entry: str, set_: str, cells: Sequence[Cell]) -> list[str]:
    if not entry:
        return ["", "", "", "no method of pellucid in its place"]
    done = [c for c in cells if c.done]
    about = [f"on {set_}"]
    if not done:
        why = next((c.skipped or c.error for c in cells if not c.done), None)
        return [f"`{entry}`", "–", "", f"{'not run yet' if why is None else why}"]
    psnr, ssim, seconds = (
        mean(v) if (v := [x for c in done if (x := getattr(c, name)) is not None]) else None
        for name in ("psnr", "ssim", "seconds")
    )
    if done[0].crop:
        about.append(f"{done[0].crop}x{done[0].crop} crops")
    images = len({c.image for c in done})
    about.append(f"{images} image{'s' * (images != 1)}")
    if any(c.oracle for c in done):
        about.append("oracle")
    if len(done) < len(cells):
        about.append(f"{len(cells) - len(done)} cells without a result")
    score = " / ".join(
        [f"{psnr:.2f}" if psnr is not None else "–", *([f"{ssim:.3f}"] if ssim is not None else [])]
    )
    return [f"`{entry}`", score, "–" if seconds is None else f"{seconds:.3g}", ", ".join(about)]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    head = ["set", "published as", "published PSNR / SSIM", "our entry", "ours", "s", "ours is"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]


def _residuals(results: Results, given: Mapping[str, str]) -> list[str]:
    """Of y - x and y - x̂: standard deviations, and half the L1 distance of histograms a grey level wide."""
    back = {run: written for written, run in given.items()}
    head = ("set", "entry", "std of the noise", "std of what was removed", "distance of their histograms")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    groups: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for cell in results.cells:
        paths = [cell.path(name) for name in ("clean", "noisy", "file")]
        if cell.done and cell.method != "noisy" and all(paths):
            groups.setdefault((cell.set, cell.method), []).append(_distance([p for p in paths if p]))
    names = called(back.get(method, method) for _, method in groups)
    for (set_, method), found in groups.items():
        real, removed, distance = (mean(column) for column in zip(*found, strict=True))
        lines.append(
            f"| {set_} | `{names[back.get(method, method)]}` | {real:.2f} | {removed:.2f} | {distance:.3f} |"
        )
    return lines


def _distance(paths: Sequence[Path]) -> tuple[float, float, float]:
    clean, noisy, estimate = (protocol.in_units(path, 255.0).numpy() * 255 for path in paths)
    noise, removed = noisy - clean, noisy - estimate
    edges = np.arange(-128.5, 129.5)
    shares = [np.histogram(x.clip(-128, 128), edges)[0] / x.size for x in (noise, removed)]
    return float(noise.std()), float(removed.std()), 0.5 * float(np.abs(shares[0] - shares[1]).sum())
