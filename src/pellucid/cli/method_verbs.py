"""`pellucid methods`: the table, or one method; the table loads none of them."""

from __future__ import annotations

import dataclasses
import json

from pellucid import methods as table
from pellucid.cli import show
from pellucid.methods import listing

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
        print(json.dumps(show.method_record(found, described), indent=2, default=str))
    else:
        print(show.method_page(found, described))
    return 0


def _all(*, as_json: bool) -> int:
    """The table; of plug-ins what their metadata say, so that none of them can spoil it."""
    plugged = table.of_packages()
    for text in plugged.refused.values():
        show.note(text)
    if as_json:
        from pellucid import fields

        found = [table.load(name) for name in table.METHODS]
        records = [show.method_record(m, fields.describe(m.config)) for m in found]
        records += [dataclasses.asdict(plugin) for plugin in plugged.methods.values()]
        print(json.dumps(records, indent=2, default=str))
        return 0
    rows = [("name", "verbs", "needs", "cost", "what it does")]
    for m in map(listing.listed, table.METHODS):
        verbs = show.verbs(trained=m.trained, denoises=m.denoises, restores=m.restores)
        rows.append((m.name, verbs, m.needs, m.cost, m.title))
    rows += [(p.name, "", "", "", show.origin(p)) for p in plugged.methods.values()]
    print(show.columns(rows))
    return 0
