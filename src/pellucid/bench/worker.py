"""One worker process: runs the cells of one entry, a line of JSON in, a line of JSON out.

A process for itself, so that a crash or a time-out costs one cell. It leaves the standard output to whatever
libraries print, and ends when the program that started it is gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.bench.process import Message

if TYPE_CHECKING:
    from pellucid.bench.datasets import FoundSet

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def run_cell(job: Message) -> Message:
    """Run one cell and score the written files.

    Args:
        job: "set", "image", "seed", "method", "preset", "crop", "out", "root", "device", and for peers
            "peers", "peer_folder", "timeout" and "threads".

    Returns:
        the measured part of a row; "skipped" or "error" says why there is no result.
    """
    from pellucid.bench import execute, inputs, protocol
    from pellucid.bench.spec import parse_entry, parse_set, shots_of

    row: Message = {}
    try:
        spec, entry = parse_set(job["set"]), parse_entry(job["method"])
        entry_arguments = entry.arguments | ({"preset": job["preset"]} if job["preset"] else {})
        found = _found(spec.name, Path(job["root"]), bool(spec.model))
        sample = next((s for s in found.samples if s.name == job["image"]), None) if found else None
        if found is None or sample is None:
            raise inputs.Skipped(f"{spec.name} is not at hand, or holds no {job['image']}")
        execute.load(entry)
        out = Path(job["out"])
        shots = shots_of(entry)
        made = inputs.prepare(out, spec, found.name, sample, crop=job["crop"], seed=job["seed"], shots=shots)
        place = made.folder.relative_to(out)
        row |= {
            "noisy": (place / made.noisy).as_posix(),
            "clean": None if made.clean is None else (place / made.clean).as_posix(),
            "noisy_psnr": made.noisy_psnr,
            "noisy_ssim": made.noisy_ssim,
        }
        peer = execute.PeerSettings(
            peers=tuple(job.get("peers", ())),
            place=Path(job["peer_folder"]) if job.get("peer_folder") else None,
            timeout=job.get("timeout"),
            threads=job.get("threads"),
        )
        forget_peak()
        outcome = execute.call(
            entry,
            made,
            preset=entry_arguments.get("preset", ""),
            seed=job["seed"],
            device=job["device"],
            peer=peer,
        )
        peak = peak_mb()
        row |= execute.as_json(outcome)
        row["peak_mb"] = round(peak, 1) if outcome.peak_mb is None and peak is not None else outcome.peak_mb
        path = execute.write(outcome, made, f"{entry.slug}.{job['preset'] or 'own'}")
        row["file"] = path.relative_to(out).as_posix()
        row["psnr"], row["ssim"] = None, None
        if made.clean is not None:
            row["psnr"], row["ssim"] = protocol.score(made.folder / made.clean, path, made.scale)
        row["note"] = "equal to the truth" if made.clean is not None and row["psnr"] is None else None
    except inputs.Skipped as reason:
        row = {"skipped": " ".join(str(reason).split())}
    except Exception as error:  # noqa: BLE001 - whatever a method does, the other cells go on
        traceback.print_exc(file=sys.stderr)
        row["error"] = f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]
    return row


def forget_peak() -> None:
    """Begin a new peak of this process, where the system can (Linux)."""
    with suppress(OSError):
        _CLEAR.write_text("5")


def peak_mb() -> float | None:
    """Largest resident memory of this process since `forget_peak`, in MiB.

    Elsewhere than on Linux it is that since the start of the process; None where nobody can tell.
    """
    with suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024
    try:
        import resource
    except ImportError:
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / (1024**2 if sys.platform == "darwin" else 1024)


@lru_cache(maxsize=4)
def _found(name: str, root: Path, added: bool) -> FoundSet | None:
    """A set, listed once for all its cells; a process of its own lives as long as one entry."""
    from pellucid.bench import datasets

    return datasets.find(name, root, added=added)


def main() -> None:
    """Serve until the input ends."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not come between the replies
    threading.Thread(target=_guard, args=(os.getppid(),), daemon=True).start()
    start = json.loads(sys.stdin.readline())
    import torch

    torch.set_num_threads(start["threads"])
    _warm(start["method"], start.get("device", "auto"))
    _say(replies, {"ready": True})
    for line in sys.stdin:
        _say(replies, run_cell(json.loads(line)))


def _warm(text: str, device: str) -> None:
    """Load what every first call would load, so that no cell pays: modules, and what a device needs."""
    import numpy as np
    import torch

    from pellucid import devices, inspect
    from pellucid.bench import execute
    from pellucid.bench.inputs import Skipped
    from pellucid.bench.spec import parse_entry

    with suppress(Skipped, ValueError, OSError):
        execute.load(parse_entry(text))
    noise = np.random.default_rng(0).normal(0.5, 0.1, (3, 64, 64)).astype(np.float32)
    inspect(noise, channel_axis=0, data_range=1.0)
    # The first step of an optimiser imports for a second; an accelerator is set up by its first convolution.
    with suppress(ValueError, RuntimeError):
        place = devices.choose(device)
        weight = torch.zeros(4, 3, 3, 3, device=place, requires_grad=True)
        optimiser = torch.optim.Adam([weight])
        seen = torch.nn.functional.conv2d(torch.from_numpy(noise[None]).to(place), weight)
        torch.autograd.backward(seen.square().mean())
        optimiser.step()
        weight.detach().cpu()


def _say(replies: Any, row: Message) -> None:
    replies.write(json.dumps(row) + "\n")
    replies.flush()


def _guard(parent: int) -> None:
    """End this process and its children when the program that started it has gone."""
    while os.getppid() == parent:
        time.sleep(0.3)
    if os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
