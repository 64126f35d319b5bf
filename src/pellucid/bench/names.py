"""How entries are called in tables and pages: files by name, without the folders of one's own machine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from pellucid.bench.rows import Results

FOLDERS = re.compile(r"(?:[^\s+:=,@]*[/\\])([^\s+:=,@/\\]+)")
MODEL = ".safetensors"
DIGEST = re.compile(r"-[0-9a-f]{8}$")
"""of the settings of a model that a suite trained, in the name of its file"""


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
    cells = tuple(replace(cell, method=names[cell.method]) for cell in results.cells)
    return replace(results, cells=cells)
