"""The benchmark: one protocol (docs/protocol.md) for data, noise, runs, scores, tables and pages.

`run` makes a results folder: `manifest.json`, `cells.jsonl` (a row per picture, seed and method) and the
files that the scores were read from.
"""

from __future__ import annotations

from pellucid.bench.datasets import DATASETS, find, root
from pellucid.bench.running import RunProgress, Summary, run
from pellucid.bench.spec import Entry, SetSpec, parse_entry, parse_set

__all__ = [
    "DATASETS",
    "Entry",
    "RunProgress",
    "SetSpec",
    "Summary",
    "find",
    "parse_entry",
    "parse_set",
    "root",
    "run",
]
