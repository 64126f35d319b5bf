"""How long the program takes to say something: the best and the median of several processes.

    python benchmarks/startup.py

Wall and processor seconds of `pellucid --help`, `denoise --help`, `methods` and `import pellucid`.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from statistics import median

import record

CALLS = {
    "--help": ["-m", "pellucid", "--help"],
    "denoise --help": ["-m", "pellucid", "denoise", "--help"],
    "methods": ["-m", "pellucid", "methods"],
    "import pellucid": ["-c", "import pellucid"],
    "python alone": ["-c", ""],
}
RUNS = 15


def timed(arguments: list[str]) -> record.Row:
    wall, spent = [], []
    for _ in range(RUNS):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall.append(time.perf_counter() - start)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return {
        "best_seconds": round(min(wall), 3),
        "median_seconds": round(median(wall), 3),
        "median_cpu_seconds": round(median(spent), 3),
    }


def main() -> None:
    given = record.arguments(__doc__, "startup").parse_args()
    rows = {name: timed(arguments) for name, arguments in CALLS.items()}
    record.save(record.destination(given), record.about(given, __doc__) | {"rows": rows})
    for name, row in rows.items():
        print(f"{name:16}", row)


if __name__ == "__main__":
    main()
