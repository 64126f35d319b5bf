"""The service under mixed good and bad requests from 8 clients on loopback.

    python benchmarks/soak.py --minutes 10

Every good answer is compared with what denoise gives, every bad request must be refused with its status, no
answer may be 500, and the memory of the service must not grow. Clients pause, so that it is no flood; the run
is bounded in time and count.
"""

from __future__ import annotations

import http.client
import io
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

import pellucid
import record

CLIENTS, MOST = 8, 20_000
METHOD, SIGMA = "nlm", 0.08


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def good() -> list[tuple[bytes, np.ndarray]]:
    """Pictures and what comes back."""
    rng = np.random.default_rng(0)
    found = []
    for shape in ((48, 64), (64, 64, 3), (33, 81), (70, 50, 3)):
        pixels = rng.normal(128, 20, shape).clip(0, 255).astype(np.uint8)
        axis = 2 if len(shape) == 3 else None
        found.append((png(pixels), pellucid.denoise(pixels, METHOD, sigma=SIGMA, channel_axis=axis)))
    return found


BAD = [
    ("POST", "/denoise", b"no picture", 422),
    ("POST", "/denoise", b"", 400),
    ("POST", "/denoise", b"\0" * (2**20 + 1), 413),
    ("POST", "/denoise?sigma=-3", b"x", 422),
    ("POST", "/denoise?method=dip", b"x", 422),
    ("POST", "/denoise?name=../../etc/passwd.png", b"x", 422),
    ("POST", "/denoise?name=a.exe", b"x", 415),
    ("GET", "/denoise", None, 405),
    ("GET", "/nowhere", None, 404),
]


def client(
    port: int, number: int, until: float, pictures: list, seen: Counter, wrong: list, lock: threading.Lock
) -> None:
    """Ask until the time is over."""
    draw = random.Random(number)
    while time.monotonic() < until and sum(seen.values()) < MOST:
        is_good = draw.random() < 0.6
        if is_good:
            body, expected = draw.choice(pictures)
            method, path, wanted = "POST", f"/denoise?sigma={SIGMA}", 200
        else:
            method, path, body, wanted = draw.choice(BAD)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            status, data = answer.status, answer.read()
        except OSError:  # the service closes while a file that is too large is still being sent
            status, data = 413 if wanted == 413 else -1, b""
        finally:
            connection.close()
        right = status == wanted or (status == 503 and is_good)
        if right and status == 200:
            right = bool(np.array_equal(np.asarray(Image.open(io.BytesIO(data))), expected))
        with lock:
            seen[status] += 1
            if not right:
                wrong.append({"path": path, "wanted": wanted, "status": status})
        time.sleep(draw.uniform(0.01, 0.1))


def memory(pid: int) -> float:
    """Resident MB of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def main() -> None:
    parser = record.arguments(__doc__, "soak")
    parser.add_argument("--minutes", type=float, default=10.0)
    given = parser.parse_args()
    out, head = record.destination(given), record.about(given, __doc__)
    pictures = good()
    words = ["serve", "--port", "0", "--method", METHOD, "--most-mb", "1", "--queue", "8"]
    server = subprocess.Popen(
        [sys.executable, "-m", "pellucid", *words],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": str(given.threads)},
    )
    port = int(server.stderr.readline().split(":")[2].split("/")[0])
    seen, wrong, lock, mb = Counter(), [], threading.Lock(), []
    until = time.monotonic() + 60 * given.minutes
    arguments = (until, pictures, seen, wrong, lock)
    threads = [threading.Thread(target=client, args=(port, n, *arguments)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        mb.append(memory(server.pid))
        time.sleep(1)
    server.send_signal(signal.SIGTERM)
    code, rest = server.wait(120), server.stderr.read()
    quarter = max(1, len(mb) // 4)
    result = {
        "minutes": given.minutes,
        "clients": CLIENTS,
        "answers": {str(status): count for status, count in sorted(seen.items())},
        "wrong": wrong[:20],
        "memory_mb": {"second_quarter": median(mb[quarter : 2 * quarter]), "last": median(mb[-quarter:])},
        "ended_with": code,
        "words": rest,
    }
    record.save(out, head | result)
    print(result)
    if wrong or seen[500] or code != 0:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
