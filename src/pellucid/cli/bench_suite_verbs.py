"""`pellucid bench suite`: from what was typed to work and what is printed."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

from pellucid.bench import running, suites
from pellucid.cli import bench_run_verbs, show

FAILED, USAGE = 1, 2


def suite(name: str | None, out: Path | None, wishes: dict[str, Any], *, small: bool, debug: bool) -> int:
    """`pellucid bench suite`: 0 when every cell has a result or a reason, 1 when some failed or are left."""
    if name is None:
        found = [suites.load(one) for one in suites.names()]
        print(show.columns([("name", "what"), *((one.name, one.title) for one in found)]))
        return 0
    try:
        if out is None:
            raise ValueError("a suite needs a folder for its results. Name it with -o FOLDER.")
        chosen = suites.load(name, "small" if small else "full")
        done = suites.run(
            chosen, out, command=running.typed(), report=bench_run_verbs.told, said=show.note, **wishes
        )
    except (ValueError, OSError, RuntimeError) as error:
        if debug:
            traceback.print_exc(file=sys.stderr)
        show.error(str(error))
        return USAGE
    print(done.text)
    print(f"{done.folder}: pellucid bench page {done.folder} --published {done.folder / 'published.toml'}")
    return FAILED if any(s.failed or s.left for s in done.summaries) else 0
