"""`pellucid methods`: the table, or one method; the table loads none of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pellucid import methods as table
from pellucid.cli import show
from pellucid.methods.info import VERBS

if TYPE_CHECKING:
    from pellucid.fields import Field
    from pellucid.steps import Method

USAGE = 2


def methods(name: str | None, *, as_json: bool) -> int:
    """The table, or one method with its fields and presets; the exit code."""
    if name is None:
        return _all(as_json=as_json)
    from pellucid import fields

    try:
        found = table.load(name)
    except ValueError as error:
        show.error(str(error))
        return USAGE
    described = fields.describe(found.config)
    if as_json:
        print(json.dumps(method_record(found, described), indent=2, default=str))
    else:
        print(method_page(found, described))
    return 0


def _all(*, as_json: bool) -> int:
    """The table; of plug-ins what their metadata say, so that none of them can spoil it."""
    plugged = table.of_packages()
    for text in plugged.refused.values():
        show.note(text)
    if as_json:
        from pellucid import fields

        found = [table.load(name) for name in table.METHODS]
        records = [method_record(m, fields.describe(m.config)) for m in found]
        records += [dataclasses.asdict(plugin) for plugin in plugged.methods.values()]
        print(json.dumps(records, indent=2, default=str))
        return 0
    rows = [("name", "verbs", "needs", "cost", "what it does")]
    rows += [(m.name, ", ".join(m.verbs), m.needs, m.cost, m.title) for m in table.METHODS.values()]
    rows += [(p.name, "", "", "", show.origin(p)) for p in plugged.methods.values()]
    print(show.columns(rows))
    return 0


def method_page(method: Method, fields: Sequence[Field]) -> str:
    """One method: what it is, its fields with their help and what its paper says of them, its presets."""
    lines = [f"{method.name}: {method.title}", f"  {method.citation}", f"  needs: {method.needs}"]
    lines += [f"  cost of a 512 x 512 colour image on two cores: {method.cost}"] if method.cost else []
    lines += [f"  stops by: {method.stop}"] if method.stop else []
    if method.learning is not None:
        lines += [f"  trained by: pellucid train {method.name} DATA -o MODEL.safetensors"]
    lines += ["", "Settings (--set FIELD=VALUE):"] if fields else []
    for field in fields:
        lines += [f"  {field.name} = {field.default!r} ({field.kind})", f"      {field.help}"]
        lines += [f"      paper: {words}" for words in [of_paper(method, field)] if words]
    if method.paper is not None:
        lines += ["", f"The paper: {method.paper.citation}."] + [
            f"  {text}" for text in method.paper.elsewhere
        ]
    default = {f.name: f.default for f in fields}
    if method.denoises:
        lines += _presets("denoise", method.presets, default)
    for kind, recipe in method.restores.items():
        lines += _presets(VERBS[kind], recipe.presets, default)
        lines += [f"  cost: {recipe.cost}"] if recipe.cost else []
        lines += [f"  stops by: {recipe.stop}"] if recipe.stop else []
    return "\n".join(lines)


def of_paper(method: Method, field: Field) -> str:
    """What the paper says of a field, and why the default is another; "" where it does not have it either."""
    where = "" if method.paper is None else method.paper.says(field.name)
    if "paper" not in method.presets:
        return ""
    value = getattr(method.presets["paper"], field.name)
    if value == field.default:
        return f"the same ({where})" if where else ""
    said = f"{value!r} ({where})" if where else f"it has none, which is {value!r}"
    return f"{said}; here: {method.departures[field.name]}" if field.name in method.departures else said


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
        "departures": dict(method.departures),
        "paper": None if method.paper is None else dataclasses.asdict(method.paper),
        "presets": {name: dataclasses.asdict(preset) for name, preset in method.presets.items()},
        "verbs": ["train"] * trained + ["denoise"] * method.denoises + [VERBS[k] for k in method.restores],
        "restores": {VERBS[kind]: dataclasses.asdict(recipe) for kind, recipe in method.restores.items()},
    }
