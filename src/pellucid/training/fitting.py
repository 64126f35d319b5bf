"""`train`: from a folder to a model file."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid import models
from pellucid.data import Data, open_data
from pellucid.training import carding, driving, held_out, starting, state, watching
from pellucid.training.batches import samples_of
from pellucid.training.log import Log
from pellucid.training.module import Fit
from pellucid.training.reporting import Report
from pellucid.training.request import Request, settle
from pellucid.training.trained import Trained

TESTED = 32
"""held-out crops whose loss is measured"""


def train(
    method: str,
    data: str | Path,
    out: str | Path,
    *,
    pairs: str | Path | None = None,
    noise: str | None = None,
    fixed: int = 0,
    clean: str | Path | None = None,
    share: float = 0.5,
    preset: str | None = None,
    set: Mapping[str, Any] | None = None,
    network: str | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    seconds: float | None = None,
    start: str | Path | None = None,
    resume: bool = False,
    seed: int = 0,
    device: str = "auto",
    precision: str = "float32",
    processes: int = 1,
    nodes: int = 1,
    held_out: float = 0.1,
    flips: bool = True,
    scales: Sequence[float] = (1.0,),
    gray: bool = False,
    data_range: float | None = None,
    every: int = 500,
    threads: int | None = None,
    half: bool = False,
    licence: str = "not stated",
    notes: str = "",
    overwrite: bool = False,
    progress: Callable[[Report], None] | None = None,
) -> Trained:
    """Train a method on a folder of images and write the model.

    Logs (`metrics.csv`, TensorBoard), sample pictures and the checkpoint go to a folder beside the model,
    of the same name with the ending `.run`.

    Args:
        method: name of a trained method.
        data: a folder of images, a folder of folders (pairs="shots"), or a stack.
        out: the model file, ending in .safetensors.
        pairs: "shots", "exposures", "frames", or a second folder with equal names.
        noise: noise that is added to clean images, e.g. "gaussian:0-50"; None where images are noisy as "
        "they are.
        fixed: so many noisy versions of each picture, drawn beforehand; 0 draws new ones at every step.
        clean: folder of clean images to mix in, with `noise` added to them.
        share: of the crops that come from there.
        preset: "fast" (the default) or "paper".
        set: fields of the Config to change.
        network: name of the network.
        steps: of the optimiser; those of the preset where nothing else says how long.
        epochs: how often every pixel is seen on average, in place of steps.
        seconds: so long, or at most so long where `steps`, `epochs` or `set` say how many steps; the learning
            rate falls in time for it.
        start: a model whose weights to start from.
        resume: go on from the checkpoint, with the same settings; without one, start.
        seed: of every random draw.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        precision: "float32", "bfloat16", or "auto": bfloat16 where that is faster.
        processes: on this machine, one per accelerator.
        nodes: machines.
        held_out: fraction of the data that is only tested on.
        flips: mirror and turn crops.
        scales: sizes at which clean pictures are shown.
        gray: train for one channel.
        data_range: what white is in the files.
        every: steps between checkpoints, held-out losses and sample pictures.
        threads: that make batches.
        half: keep 16 bits of the weights in the file.
        licence: of the data, for the card.
        notes: for the card.
        overwrite: replace a model file that exists.
        progress: called with a Report now and then.

    Returns:
        What came of it.

    Raises:
        ValueError: for an argument that is unknown, out of range or does not apply, or data that do not fit.
        ArithmeticError: when the training went wrong; the message says how and what to do.
        FileNotFoundError: when there is no such folder.
        FileExistsError: when the model exists.
    """
    request = settle(
        method, data, out, preset=preset, set=set, network=network, steps=steps, pairs=pairs, clean=clean,
        start=start, seed=seed, device=device, precision=precision, processes=processes, nodes=nodes,
        every=every, threads=threads, epochs=epochs, seconds=seconds, resume=resume, data_range=data_range,
        half=half, licence=licence, notes=notes, overwrite=overwrite,
        options={
            "noise": noise or "", "fixed": fixed, "share": share, "flips": flips, "scales": tuple(scales),
            "gray": gray, "held_out": held_out,
        },
    )  # fmt: skip
    return carry_out(request, progress)


def carry_out(request: Request, progress: Callable[[Report], None] | None = None) -> Trained:
    """Do what was asked for; arguments and errors as `train`."""
    images = open_data(
        request.place,
        request.options,
        request.learning.sees,
        pairs=request.pairs,
        clean=request.clean,
        data_range=request.data_range,
    )
    settings = request.settings(images.fingerprint())
    last: state.State | None = None
    if request.resume and request.checkpoint.is_file():
        last = state.load(request.checkpoint)
        defaults = dataclasses.asdict(type(request.config)())
        state.check_same(last, settings, request.checkpoint, defaults)
    network = starting.network_of(request, images, last)
    first = driving.first_process()
    if first:
        request.folder.mkdir(exist_ok=True)
    log = Log(request.folder, 0 if last is None else last.step) if first else None
    tests = [images.stacked(lot) for lot in samples_of(images.held_out(TESTED), request.options.batch)]
    mean, std = images.mean.flatten().tolist(), images.std.flatten().tolist()

    def watch(fit: Fit) -> None:
        if log is None:
            return
        fit.held_out = held_out.mean_loss(fit, tests) if images.parts.held_out else None
        held = {} if fit.held_out is None else {"held_out": fit.held_out}
        log.row(fit.done, {"seconds": fit.seconds, **fit.figures.now, **held})
        watching.show(fit, images, log)
        # Last, so that whatever a kill leaves, the log knows every step that the checkpoint does.
        state.save(request.checkpoint, fit.state(settings, mean, std))

    plan = starting.plan_of(request, images, last)
    fit = Fit(request, network, plan, last, watch, progress)
    try:
        if plan.goes_on(fit.done, fit.before):
            driving.run(request, fit, images)
            if fit.failed is None and first and fit.stopped_by != "finished":
                watch(fit)
    finally:
        if log is not None:
            log.close()
    if fit.failed is not None:
        raise ArithmeticError(f"training stopped at step {fit.done}: {fit.failed}")
    card = carding.card_of(request, images, fit)
    if first:
        models.write(request.out, card, fit.best.state_dict(), half=request.half)
    return Trained(
        model=request.out,
        card=card,
        folder=request.folder,
        steps=fit.done,
        seconds=fit.seconds,
        stopped_by=fit.stopped_by,
        loss=fit.figures.now.get("loss", math.nan),
        held_out=fit.held_out,
        notes=_notes(images),
    )


def _notes(images: Data) -> tuple[str, ...]:
    notes = [f"left out: {reason}" for reason in images.pool.facts.left_out]
    notes += images.pool.facts.notes
    if not images.parts.held_out:
        notes.append("nothing was held out: there is one picture, too small to be divided, or held_out is 0")
    return tuple(notes)
