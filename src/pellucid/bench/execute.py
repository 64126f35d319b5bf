"""One entry on one picture: the call that is timed, through the same code as `pellucid denoise`."""

from __future__ import annotations

import dataclasses
import math
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import files, methods, models
from pellucid.bench import peers, protocol
from pellucid.bench.inputs import CellInputs, Skipped
from pellucid.bench.spec import Entry, shots_of, value
from pellucid.image import Image
from pellucid.request import Denoise
from pellucid.run import Settings, State, run, settle
from pellucid.run.pipeline import DECIDE, DO
from pellucid.steps import Method


@dataclass(frozen=True, kw_only=True)
class CallOutcome:
    """What a call gave.

    Attributes:
        pixels: (C, H, W) working range.
        seconds: wall time of the call: noise analysis and method; no import, no file.
        cpu_seconds: processor time, of all threads and of child processes.
        iterations: steps done, or None where the entry does not say.
        stopped: what ended it, or None.
        peak_mb: of a command that measures its own, else None.
        start_up: whether `seconds` holds the start of a program.
        warnings: what the user of the call is told.
    """

    pixels: protocol.Array
    seconds: float
    cpu_seconds: float
    iterations: int | None = None
    stopped: str | None = None
    peak_mb: float | None = None
    start_up: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PeerSettings:
    """What a run says about programs of others.

    Attributes:
        peers: "name=command {in} {out}".
        place: folder in which peers are installed, or None.
        timeout: seconds that one may take, or None.
        threads: how many it may use, or None.
    """

    peers: tuple[str, ...] = ()
    place: Path | None = None
    timeout: float | None = None
    threads: int | None = None


def load(entry: Entry) -> Method | None:
    """Import what an entry needs, so that it is not timed; its method where it names one.

    Raises:
        Skipped: when its weights are not at hand, or nobody can run it so.
        ValueError: for a field that the method does not have.
    """
    if entry.kind == "model":
        try:
            card = models.read_card(models.locate(entry.name))
        except (ValueError, OSError) as error:
            raise Skipped(f"weights not at hand: {_line(error)}") from error
        return methods.load(card.method)
    if entry.kind != "method":
        return None
    method = methods.load(entry.name)
    if not method.denoises:
        raise Skipped(f"{entry.name} does not denoise")
    if method.needs_model and "model" not in entry.arguments:
        if method.learning is not None:
            raise Skipped(f"weights not at hand: {entry.name} is trained on many images; name model:FILE")
        raise Skipped(f"weights not at hand: name them with {entry.name}+model=FILE")
    if "model" in entry.arguments and not Path(entry.arguments["model"]).is_file():
        try:
            models.locate(entry.arguments["model"])
        except (ValueError, OSError) as error:
            raise Skipped(f"weights not at hand: {_line(error)}") from error
    for name in entry.arguments.get("near_clean", "").split(":"):
        if "/" in name and not Path(name).is_file():
            raise Skipped(f"weights not at hand: {name}")
    if entry.oracle == "best" and not method.iterative:
        raise Skipped(f"@best is for methods that iterate, {entry.name} does not")
    if entry.oracle == "sigma" and not method.uses_noise:
        raise Skipped(f"{entry.name} takes no noise level")
    return method


def call(
    entry: Entry,
    inputs: CellInputs,
    *,
    preset: str,
    seed: int,
    device: str,
    peer: PeerSettings | None = None,
) -> CallOutcome:
    """Run an entry on the input files of a picture.

    Args:
        entry: what to run.
        inputs: from `prepare`.
        preset: for methods that have some.
        seed: of the method's own draws.
        device: auto, cpu, cuda ...
        peer: what a peer needs to know.

    Raises:
        Skipped: when it does not apply to these pictures.
        Exception: whatever the method raises.
    """
    if entry.oracle and inputs.sigma is None:
        raise Skipped(f"@{entry.oracle} needs the truth, which this set lacks")
    if entry.kind == "peer":
        return _peer(entry, inputs, peer or PeerSettings())
    count = shots_of(entry) or len(inputs.given)
    images = [files.read(inputs.folder / name, data_range=inputs.white) for name in inputs.given[:count]]
    if entry.kind == "noisy":
        return CallOutcome(
            pixels=np.mean([i.pixels[0] for i in images], axis=0), seconds=0.0, cpu_seconds=0.0
        )
    settings = _settings(entry, images, inputs, preset, seed, device)
    started, spent = time.perf_counter(), time.process_time()
    state = run(State(settings=settings, given=tuple(images)), DECIDE)
    best = None
    if entry.oracle == "best":
        from pellucid.bench import oracle

        best = oracle.Best(state, protocol.in_units(_clean(inputs), inputs.scale))
        state = best.state
    result = run(state, DO).result
    seconds, cpu = time.perf_counter() - started, time.process_time() - spent
    return CallOutcome(
        pixels=result.estimate[0],
        seconds=seconds,
        cpu_seconds=cpu,
        iterations=result.iterations if best is None else best.found[0],
        warnings=result.warnings,
        stopped=result.stopped_by if best is None else f"best of {result.iterations} (oracle)",
    )


def _settings(
    entry: Entry, images: list[Image], inputs: CellInputs, preset: str, seed: int, device: str
) -> Settings:
    method = load(entry)
    given = dict(entry.arguments)
    given.pop("shots", None)
    given.pop("preset", None)
    channels = images[0].pixels.shape[1]
    if entry.kind == "model":
        given["model"] = entry.name
    if "model" in given and method is not None and method.learning is not None:
        card = models.read_card(models.locate(given["model"]))
        if card.channels not in (1, channels):
            raise Skipped(f"the model is for {card.channels} channels, the pictures have {channels}")
    if method is not None and method.needs == "shots of a scene" and len(images) < 2:
        raise Skipped(f"{entry.name} needs several shots of a scene, e.g. {entry.name}+shots=2")
    wishes: dict[str, Any] = {k: value(k, v) for k, v in given.items()}
    if method is not None and method.learning is None and preset:
        if preset not in method.presets:
            raise Skipped(f"{entry.name} has no preset {preset}; it has {', '.join(method.presets)}")
        wishes["preset"] = preset
    if entry.oracle == "sigma":
        wishes["sigma"] = inputs.sigma
    name = entry.name if entry.kind == "method" else "auto"
    asked = Denoise(method=name, set=entry.fields or None, seed=seed, device=device, **wishes)
    return settle(asked, shots=len(images))


def _clean(inputs: CellInputs) -> Path:
    if inputs.clean is None:
        raise Skipped("@best needs the truth, which this set lacks")
    return inputs.folder / inputs.clean


def _peer(entry: Entry, inputs: CellInputs, settings: PeerSettings) -> CallOutcome:
    """A program of others, through `pellucid.bench.peers`."""
    noisy = inputs.folder / inputs.given[0]
    out = inputs.folder / f".{entry.slug}.{secrets.token_hex(4)}{noisy.suffix}"
    sigma = _told(inputs, noisy) if entry.oracle == "sigma" else None
    try:
        peer = peers.find(entry.name, [peers.parse(text) for text in settings.peers], settings.place)
        peer.words(noisy, out, sigma)
    except (ValueError, FileNotFoundError) as error:
        raise Skipped(_line(error)) from error
    try:
        limit = peers.TIMEOUT if settings.timeout is None else settings.timeout
        cost = peers.run(peer, noisy, out, sigma=sigma, threads=settings.threads, timeout=limit)
        image = files.read(out, data_range=inputs.white)
    finally:
        out.unlink(missing_ok=True)
    shape = files.read(noisy, data_range=inputs.white).pixels.shape
    if image.pixels.shape != shape:
        raise ValueError(f"{entry.text} wrote (N, C, H, W) = {image.pixels.shape}, expected {shape}.")
    return CallOutcome(
        pixels=image.pixels[0],
        seconds=cost.seconds,
        cpu_seconds=cost.cpu_seconds,
        iterations=cost.iterations,
        peak_mb=cost.peak_mb,
        start_up=cost.start_up,
    )


def _told(inputs: CellInputs, noisy: Path) -> float | None:
    """The true level in 255ths of the top of the file: a peer does not know that 4095 of 65535 is white."""
    if inputs.sigma is None:
        return None
    dtype = np.dtype(files.read(noisy, data_range=inputs.white).dtype)
    top = np.iinfo(dtype).max if dtype.kind in "ui" else inputs.white
    return 255 * inputs.sigma * inputs.white / float(top)


def write(outcome: CallOutcome, inputs: CellInputs, stem: str) -> Path:
    """Write the estimate as the protocol stores it; a file appears whole or not at all."""
    if not math.isfinite(float(outcome.pixels.sum(dtype=np.float64))):
        raise ArithmeticError("the estimate holds values that are not finite")
    values = protocol.stored(outcome.pixels, inputs.dtype, inputs.scale)
    return protocol.write(values, inputs.folder / stem, inputs.scale)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


def as_json(outcome: CallOutcome) -> dict[str, Any]:
    """What a row says of a call."""
    told = dataclasses.asdict(dataclasses.replace(outcome, pixels=np.zeros(0)))
    del told["pixels"]
    return told
