"""A run that the test kills: python killed_run.py FOLDER COUNT JOBS."""

import sys
from pathlib import Path

import work_functions

from pellucid.tasks import Manifest, WorkItem, carry_out


def main(folder, count, jobs):
    folder = Path(folder)
    items = [WorkItem(f"{i:03}", "same", (str(folder / f"{i:03}.txt"), 0.01)) for i in range(int(count))]
    with Manifest(folder / "pellucid.jsonl") as manifest:
        found = list(carry_out(items, work_functions.write, manifest=manifest, jobs=int(jobs) or None))
    print(sum(outcome.before for outcome in found), sum(not outcome.before for outcome in found))


if __name__ == "__main__":
    main(*sys.argv[1:])
