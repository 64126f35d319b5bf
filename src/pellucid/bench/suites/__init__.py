"""Named suites: tables and figures of papers as runs, with their printed numbers; each a TOML file here."""

from __future__ import annotations

from pellucid.bench.suites.carrying import Done, run
from pellucid.bench.suites.reading import Printed, Suite, Training, load, names

__all__ = ["Done", "Printed", "Suite", "Training", "load", "names", "run"]
