"""The verbs that bring models into use, and what they print."""

from __future__ import annotations

import dataclasses
import json
import sys
import traceback
from pathlib import Path

from pellucid.cli import show
from pellucid.cli.options import EXPECTED, USAGE, Console
from pellucid.cli.progress import watching
from pellucid.request import Distil, Export, Serve

FAILED = 1


def told(text: str) -> None:
    """Progress, where somebody watches."""
    if sys.stderr.isatty():
        print(f"pellucid: {text}", file=sys.stderr)


def refused(error: Exception, console: Console, code: int = FAILED) -> int:
    """One line on stderr, with --debug a traceback before it; the exit code."""
    if console.debug:
        traceback.print_exc(file=sys.stderr)
    show.error(str(error))
    return code


def export(request: Export, console: Console) -> int:
    """`pellucid export`: 0 when the graph was written and does what the model does."""
    from pellucid.exporting import export as exporting

    try:
        done = exporting.export(request, told)
    except FileExistsError as error:
        return refused(error, console, USAGE)
    except EXPECTED as error:
        return refused(error, console)
    if console.json:
        record = {
            "output": str(done.files[0]),
            "files": [str(file) for file in done.files],
            "precision": done.facts.precision,
            "parity": [dataclasses.asdict(row) for row in done.parity],
        }
        print(json.dumps(record, indent=2, allow_nan=False))
    else:
        print(
            f"{done.files[0]}: {done.facts.card.method}, {done.facts.precision}; beside it "
            f"{', '.join(file.name for file in done.files[1:])}"
        )
        print("\n".join(f"  {row}" for row in done.parity))
    return 0


def distil(teachers: list[str], request: Distil, console: Console) -> int:
    """`pellucid distil`: 0 when the student was written and every picture taught, 1 when some failed."""
    from pellucid import training
    from pellucid.cli.train import line
    from pellucid.production import distil as distilling

    training.quiet()
    try:
        asked = dataclasses.replace(request, teachers=tuple(teachers))
        with watching(request.out.name, line, first="the teachers work") as progress:
            done = distilling.distil(asked, told, progress)
    except FileExistsError as error:
        return refused(error, console, USAGE)
    except EXPECTED as error:
        return refused(error, console)
    for text in done.failed:
        show.error(text)
    trained = done.trained
    if console.json:
        record = {
            "output": str(trained.model),
            "teachers": list(trained.card.teachers),
            "pictures": done.pictures,
            "taught_before": done.before,
            "teaching_seconds": done.seconds,
            "lessons": str(done.folder),
            "steps": trained.steps,
            "seconds": trained.seconds,
            "held_out": trained.held_out,
            "failed": list(done.failed),
        }
        print(json.dumps(record, indent=2, allow_nan=False))
    else:
        print(
            f"{trained.model}: taught by {', '.join(trained.card.teachers)} on {done.pictures} pictures "
            f"({done.before} of them before), {trained.steps} steps, {trained.seconds:.0f} s; "
            f"{trained.card.claim}; targets in {done.folder}"
        )
    return FAILED if done.failed else 0


def serve(request: Serve, console: Console) -> int:
    """`pellucid serve`: 0 when it was told to end."""
    from pellucid.production.serve import server

    try:
        server.serve(request, lambda text: print(text, file=sys.stderr, flush=True))
    except EXPECTED as error:
        return refused(error, console)
    return 0


def calibrate(darks: Path, flats: Path, out: Path, console: Console, *, overwrite: bool) -> int:
    """`pellucid calibrate`: 0 when the camera was measured and written."""
    from pellucid import files
    from pellucid.files.replace import free
    from pellucid.noise import calibration

    try:
        free(out, overwrite=overwrite)
        frames = []
        for place in (darks, flats):
            found = [place]
            if place.is_dir():
                found = sorted(p for p in place.iterdir() if p.suffix.lower() in files.SUFFIXES)
            frames.append([one for path in found for one in calibration.slices(files.read(path))])
        camera = calibration.measure(*frames)
        calibration.write(out, camera, overwrite=overwrite)
    except FileExistsError as error:
        return refused(error, console, USAGE)
    except EXPECTED as error:
        return refused(error, console)
    if console.json:
        names = ("gain", "read", "white", "darks", "flats")
        record = {"output": str(out)} | {name: getattr(camera, name) for name in names}
        print(json.dumps(record | {"hot": int(camera.hot.sum()), "noise": camera.text()}, indent=2))
    else:
        print(f"{out}: {camera}")
        print(f"  use it with --calibration {out}, or train with --noise {out} ({camera.text()})")
    return 0
