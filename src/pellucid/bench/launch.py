"""Starts one command, waits, writes what it cost as JSON: a program of its own, which imports little.

    python -I -S launch.py COST.json TIMEOUT STDOUT STDERR COMMAND...

The kernel counts the memory of the starting process as that of the started one until it has loaded its
program, so the peak of a small command started from a process with torch in it would be that of torch.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time


def main(cost: str, timeout: str, stdout: str, stderr: str, *command: str) -> None:
    """Run ``command`` in a process group of its own; end it when it is too slow or nobody waits any more.

    Args:
        cost: JSON file for {"seconds", "cpu_seconds", "peak_mb", "code", "timed_out", "missing"}.
        timeout: seconds of wall time.
        stdout: file for its output.
        stderr: file for its complaints.
        command: program and arguments.
    """
    parent, (ears, mouth) = os.getppid(), os.pipe()
    os.set_blocking(mouth, False)
    signal.set_wakeup_fd(mouth)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    begin, found = time.monotonic(), {"timed_out": False, "missing": ""}
    with open(stdout, "wb") as out, open(stderr, "wb") as err:
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )
        except OSError as error:
            found["missing"] = f"{type(error).__name__}: {error}"
            child = None
        while child is not None:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                found |= {
                    "seconds": time.monotonic() - begin,
                    "cpu_seconds": usage.ru_utime + usage.ru_stime,
                    "peak_mb": usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2),
                    "code": os.waitstatus_to_exitcode(status),
                }
                break
            left = float(timeout) - (time.monotonic() - begin)
            if left <= 0 or os.getppid() != parent:
                found["timed_out"] = left <= 0
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
            if select.select([ears], [], [], max(0.05, min(0.5, left)))[0]:
                os.read(ears, 512)
    with open(cost, "w", encoding="utf-8") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
