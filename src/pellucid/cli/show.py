"""What the program prints: one line per output, tables of methods, JSON."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.fields import Field
    from pellucid.methods.plugins import Plugin
    from pellucid.steps import Method


VERBS = {"mask": "inpaint", "downsample": "upscale"}


def error(text: str) -> None:
    """One line on stderr."""
    print(f"pellucid: error: {' '.join(text.split())}", file=sys.stderr)


def note(text: str) -> None:
    """One line on stderr that is no error."""
    print(f"pellucid: note: {' '.join(text.split())}", file=sys.stderr)


def origin(plugin: Plugin) -> str:
    """Where a method of another package comes from; its own words would need its code."""
    return f"from {plugin.package} (pellucid methods {plugin.name} shows more)"


def records(found: Sequence[dict[str, Any]], *, as_json: bool, alone: bool) -> None:
    """Records on stdout (JSON, or a line each); errors and warnings on stderr, a line each.

    Args:
        found: what `batch.work` or `inspect` returned.
        as_json: whether stdout gets JSON.
        alone: whether there was one input, whose JSON is an object and not a list.
    """
    for record in found:
        if "error" in record:
            named = record["error"].startswith(record["input"])
            error(record["error"] if named else f"{record['input']}: {record['error']}")
            continue
        for warning in record.get("warnings", ()):
            print(f"pellucid: note: {record['output']}: {warning}", file=sys.stderr)
    if as_json:
        print(json.dumps(found[0] if alone and found else list(found), indent=2, allow_nan=False))
        return
    for record in found:
        if "error" not in record:
            print(_line(record))


def _line(record: dict[str, Any]) -> str:
    if "words" in record:
        return f"{record['input']}: {record['words']}"
    did = "returned unchanged" if record["method"] == "none" else record["method"]
    text = f"{record['output']}: {did} ({record['reason']}), {record['seconds']:.1f} s"
    if record["iterations"] > 1:
        text += f", {record['iterations']} iterations, stopped by {record['stopped_by']}"
    if "psnr" in record:
        text += f", PSNR {_db(record['noisy_psnr'])} -> {_db(record['psnr'])}"
    return text


def _db(value: float | None) -> str:
    return "infinite" if value is None else f"{value:.2f} dB"


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Columns of text, the last one free.

    >>> print(columns([("name", "needs"), ("bm3d", "one image")]))
    name  needs
    bm3d  one image
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )


def method_page(method: Method, fields: Sequence[Field]) -> str:
    """One method: what it is, its fields with their help, its presets."""
    lines = [f"{method.name}: {method.title}", f"  {method.citation}", f"  needs: {method.needs}"]
    lines += [f"  cost of a 512 x 512 colour image on two cores: {method.cost}"] if method.cost else []
    lines += [f"  stops by: {method.stop}"] if method.stop else []
    if method.learning is not None:
        lines += [f"  trained by: pellucid train {method.name} DATA -o MODEL.safetensors"]
    lines += ["", "Settings (--set FIELD=VALUE):"] if fields else []
    lines += [f"  {f.name} = {f.default!r} ({f.kind})\n      {f.help}" for f in fields]
    default = {f.name: f.default for f in fields}
    if method.denoises:
        lines += _presets("denoise", method.presets, default)
    for kind, recipe in method.restores.items():
        lines += _presets(VERBS[kind], recipe.presets, default)
        lines += [f"  cost: {recipe.cost}"] if recipe.cost else []
        lines += [f"  stops by: {recipe.stop}"] if recipe.stop else []
    return "\n".join(lines)


def verbs(*, trained: bool, denoises: bool, restores: Iterable[str]) -> str:
    """The verbs that a method is for, in words.

    >>> verbs(trained=False, denoises=True, restores=("mask",))
    'denoise, inpaint'
    """
    return ", ".join(["train"] * trained + ["denoise"] * denoises + [VERBS[kind] for kind in restores])


def _presets(verb: str, presets: Mapping[str, Any], default: Mapping[str, Any]) -> list[str]:
    lines = ["", f"Presets of {verb} (--preset NAME), and where they differ from the defaults:"]
    for name, preset in presets.items():
        changed = {k: getattr(preset, k) for k in default if getattr(preset, k) != default[k]}
        lines.append(f"  {name}: {', '.join(f'{k} = {v!r}' for k, v in changed.items()) or 'the defaults'}")
    return lines


def method_record(method: Method, fields: Sequence[Field]) -> dict[str, Any]:
    """One method for the JSON."""
    trained = method.learning is not None
    return {
        "name": method.name,
        "title": method.title,
        "citation": method.citation,
        "needs": method.needs,
        "cost": method.cost,
        "stop": method.stop,
        "stochastic": method.stochastic,
        "trained": trained,
        "fields": [dataclasses.asdict(field) for field in fields],
        "presets": {name: dataclasses.asdict(preset) for name, preset in method.presets.items()},
        "verbs": verbs(trained=trained, denoises=method.denoises, restores=method.restores).split(", "),
        "restores": {VERBS[kind]: dataclasses.asdict(recipe) for kind, recipe in method.restores.items()},
    }
