"""A batch killed (SIGKILL) three times at random moments and started again: its outputs against an unbroken
one.

    python benchmarks/batch_killed.py
    python benchmarks/batch_killed.py --count 100 --kills 5 --seed 7

Small pictures cut from what scikit-image ships, with noise; every tenth file is damaged. The same command
is run without a break before and after the broken run, and their mean time counts, as the machine may be
busy. Compared are all outputs, bit for bit, and the manifest: every good file is finished once, every bad
one has its error.

With `--speed`, 100 pictures of 256² by `--effort quick` in one command instead, against the time of one
such picture in Python, in a process of one thread that has its libraries and its network loaded.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage import data

import record

PICTURES = ("astronaut", "coffee", "chelsea", "rocket")
PROGRAM = [sys.executable, "-m", "pellucid"]


def draw(folder: Path, count: int, side: int, bad: int = 0) -> None:
    """Noisy crops, every ``bad``-th damaged (none for 0)."""
    folder.mkdir()
    draws = np.random.default_rng(0)
    pictures = [getattr(data, name)() for name in PICTURES]
    for i in range(count):
        whole = pictures[i % len(pictures)]
        top, left = (draws.integers(0, length - side + 1) for length in whole.shape[:2])
        noisy = whole[top : top + side, left : left + side] + draws.normal(0, 20, (side, side, 3))
        path = folder / f"{i:04}.png"
        Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)).save(path)
        if bad and i % bad == bad - 1:
            path.write_bytes(path.read_bytes()[:200])


def rows(out: Path) -> list[dict[str, Any]]:
    """The whole lines of the manifest."""
    path = out / "pellucid.jsonl"
    lines = path.read_bytes().rpartition(b"\n")[0].split(b"\n") if path.exists() else []
    return [json.loads(line) for line in lines if line]


def finished(out: Path) -> int:
    path = out / "pellucid.jsonl"
    return path.read_bytes().count(b'"state": "done"') if path.exists() else 0


def whole_run(command: list[str]) -> tuple[float, str]:
    """Seconds, and the last line of what it says."""
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Traceback" in done.stderr or done.returncode not in (0, 1, 3):
        raise SystemExit(done.stderr[-2000:])
    counts = [line for line in done.stderr.splitlines() if " inputs: " in line]
    return time.monotonic() - began, counts[0]


def killed(command: list[str], out: Path, at: int, late: float) -> float:
    """Run until so many files are finished and a little longer, then kill it; the seconds that it ran."""
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while finished(out) < at:
            if process.poll() is not None:
                raise SystemExit("the batch ended before it could be killed")
            time.sleep(0.01)
        time.sleep(late)
        process.kill()
    return time.monotonic() - began


def outputs(out: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(out.glob("*.png"))}


def breaks(given: Any, place: Path) -> record.Row:
    """Unbroken, broken, unbroken."""
    draws, source = random.Random(given.seed), place / "in"
    draw(source, given.count, given.side, bad=10)
    command = [*PROGRAM, "denoise", str(source), "--effort", "quick", "--jobs", str(given.jobs), "-o"]
    unbroken = [whole_run([*command, str(place / "first")])[0]]
    out = place / "broken"
    good = given.count - given.count // 10
    moments = sorted(draws.randrange(good // 20, good * 19 // 20) for _ in range(given.kills))
    seconds, states = [], []
    for moment in moments:
        seconds.append(killed([*command, str(out)], out, moment, draws.uniform(0, 1)))
        states.append({"finished": finished(out), "files": len(outputs(out))})
    last, said = whole_run([*command, str(out)])
    unbroken.append(whole_run([*command, str(place / "second")])[0])
    found, first = outputs(out), outputs(place / "first")
    done = [row["key"] for row in rows(out) if row.get("state") == "done"]
    state = {row["key"]: row["state"] for row in rows(out) if "key" in row}
    return {
        "files": given.count,
        "damaged": given.count // 10,
        "jobs": given.jobs,
        "killed_at": states,
        "said_at_the_end": said,
        "lost": len(set(first) - set(found)),
        "done_twice": len(done) - len(set(done)),
        "half_written": len(list(out.glob(".*"))),
        "with_their_error": sum(value == "failed" for value in state.values()),
        "equal_bit_for_bit": sum(found.get(name) == content for name, content in first.items()),
        "unbroken_runs_equal": first == outputs(place / "second"),
        "seconds": {
            "unbroken": [round(s, 1) for s in unbroken],
            "broken_parts": [round(s, 1) for s in (*seconds, last)],
            "broken": round(sum(seconds) + last, 1),
        },
        "ratio": round((sum(seconds) + last) / statistics.mean(unbroken), 3),
        "load_average": [round(value, 1) for value in os.getloadavg()],
    }


ALONE = """
import sys, time, torch
torch.set_num_threads(1)
import pellucid
paths = sys.argv[1:]
def one(path):
    pellucid.write(pellucid.denoise(pellucid.read(path), effort="quick"), path + ".out.png")
for path in paths[:3]:
    one(path)
wall, cpu = time.perf_counter(), time.process_time()
for path in paths[3:]:
    one(path)
count = len(paths) - 3
print((time.perf_counter() - wall) / count, (time.process_time() - cpu) / count)
"""


def speed(given: Any, place: Path) -> record.Row:
    """In Python, in one command, in Python again."""
    draw(place / "in", 100, 256)
    paths = [str(path) for path in sorted((place / "in").glob("*.png"))[:23]]

    def alone() -> list[float]:
        done = subprocess.run(
            [sys.executable, "-c", ALONE, *paths], capture_output=True, text=True, check=True
        )
        for path in paths:
            Path(path + ".out.png").unlink(missing_ok=True)
        return [float(word) for word in done.stdout.split()]

    found = [alone()]
    command = [*PROGRAM, "denoise", str(place / "in"), "-o", str(place / "out"), "--effort", "quick"]
    before = os.times()
    seconds, _ = whole_run([*command, "--jobs", str(given.jobs)])
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    found.append(alone())
    wall, own = (statistics.mean(values) for values in zip(*found, strict=True))
    return {
        "pictures": 100,
        "side": 256,
        "jobs": given.jobs,
        "seconds_of_the_command": round(seconds, 1),
        "processor_seconds_of_the_command": round(cpu, 1),
        "seconds_of_one_in_python": round(wall, 3),
        "processor_seconds_of_one_in_python": round(own, 3),
        "processor_ratio_to_100_in_python": round(cpu / (100 * own), 3),
        "ratio_to_100_in_python": round(seconds / (100 * wall), 3),
        "load_average": [round(value, 1) for value in os.getloadavg()],
    }


def main() -> None:
    parser = record.arguments(__doc__, "batch_killed")
    parser.add_argument("--count", type=int, default=1000, help="files, one in ten damaged")
    parser.add_argument("--side", type=int, default=128, help="of each, pixels")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--speed", action="store_true", help="the time of 100 pictures instead")
    given = parser.parse_args()
    given.threads = 1
    out = record.destination(given)
    earlier = json.loads(out.read_text()) if out is not None and out.exists() else {}
    with tempfile.TemporaryDirectory() as place:
        name, work = ("speed", speed) if given.speed else ("killed", breaks)
        found = record.about(given, __doc__) | work(given, Path(place))
    print(json.dumps(found, indent=1))
    record.save(out, {**earlier, name: found})


if __name__ == "__main__":
    main()
