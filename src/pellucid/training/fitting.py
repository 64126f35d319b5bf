"""`train`: from a folder to a model file."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Unpack

from pellucid import extras, models
from pellucid.data import Data, open_data
from pellucid.request import Train, TrainOptions, asks, checked
from pellucid.training import judged, loop, processes, state, watching
from pellucid.training.batches import samples_of
from pellucid.training.log import Log, Report
from pellucid.training.outcome import Trained, card_of
from pellucid.training.plan import network_of, plan_of
from pellucid.training.request import TrainSettings, settle

TESTED = 32
"""held-out crops whose loss is measured"""


@asks(Train)
def train(
    method: str,
    data: str | Path,
    out: str | Path,
    *,
    progress: Callable[[Report], None] | None = None,
    **options: Unpack[TrainOptions],
) -> Trained:
    """Train a method on a folder of images and write the model.

    Logs (`metrics.csv`, TensorBoard), sample pictures and the checkpoint go to a folder beside the model,
    of the same name with the ending `.run`.

    Args:
        method: name of a trained method.
        data: a folder of images, a folder of folders (pairs="shots"), or a stack.
        out: the model file, ending in .safetensors.
        progress: called with a Report now and then.
        **options: as follows.

    Returns:
        What came of it.

    Raises:
        ValueError: for an argument that is unknown, out of range or does not apply, or data that do not fit.
        ArithmeticError: when the training went wrong; the message says how and what to do.
        FileNotFoundError: when there is no such folder.
        FileExistsError: when the model exists.
    """
    asked = checked(Train, {"method": method, "data": Path(data), "out": Path(out), **options})
    return carry_out(settle(asked), progress)


def carry_out(request: TrainSettings, progress: Callable[[Report], None] | None = None) -> Trained:
    """Do what was asked for; arguments and errors as `train`."""
    several = request.asked.processes * request.asked.nodes > 1
    if several:
        extras.need("train", "Training in several processes", "lightning")
    images = open_data(
        request.place,
        request.options,
        request.learning.sees,
        pairs=None if request.asked.pairs is None else str(request.asked.pairs),
        clean=None if request.asked.clean is None else Path(request.asked.clean),
        data_range=request.asked.data_range,
        windows=request.windows,
    )
    settings = request.settings(images.fingerprint())
    last: state.Checkpoint | None = None
    if request.asked.resume and request.checkpoint.is_file():
        last = state.load(request.checkpoint)
        state.check_same(last, settings, request.checkpoint, type(request.config))
    network = network_of(request, images, last)
    first = processes.first_process()
    if first:
        request.folder.mkdir(exist_ok=True)
    log = Log(request.folder, 0 if last is None else last.step) if first else None
    tests = [images.stacked(lot) for lot in samples_of(images.held_out(TESTED), request.options.batch)]
    mean, std = images.mean.flatten().tolist(), images.std.flatten().tolist()

    def watch(fit: loop.Fit) -> None:
        if log is None:
            return
        fit.held_out = watching.mean_loss(fit, tests) if images.parts.held_out else None
        held = {} if fit.held_out is None else {"held_out": fit.held_out}
        log.row(fit.done, {"seconds": fit.seconds, **fit.figures.now, **held})
        watching.show(fit, images, log)
        # Last, so that whatever a kill leaves, the log knows every step that the checkpoint does.
        state.save(request.checkpoint, fit.state(settings, mean, std))

    plan = plan_of(request, images, last)
    fit = loop.Fit(request, network, plan, last, watch, progress)
    try:
        if plan.goes_on(fit.done, fit.before):
            (processes if several else loop).run(fit, images)
            if fit.failed is None and first and fit.stopped_by != "finished":
                watch(fit)
    finally:
        if log is not None:
            log.close()
    if fit.failed is not None:
        raise ArithmeticError(f"training stopped at step {fit.done}: {fit.failed}")
    compared = judged.compare(fit, images) if first else None
    card = card_of(request, images, fit, compared)
    if first:
        models.write(request.out, card, fit.best.state_dict(), half=request.asked.half)
    return Trained(
        model=request.out,
        card=card,
        folder=request.folder,
        steps=fit.done,
        seconds=fit.seconds,
        stopped_by=fit.stopped_by,
        loss=fit.figures.now.get("loss", math.nan),
        held_out=fit.held_out,
        notes=request.remarks + _notes(images) + (() if log is None else log.notes),
        planned=plan.most,
        gain=None if compared is None or compared.gain is None else round(compared.gain, 2),
        advice=judged.advice(fit, compared),
    )


def _notes(images: Data) -> tuple[str, ...]:
    notes = [f"left out: {reason}" for reason in images.pool.facts.left_out]
    notes += images.pool.facts.notes
    if not images.parts.held_out:
        notes.append("nothing was held out: there is one picture, too small to be divided, or held_out is 0")
    return tuple(notes)
