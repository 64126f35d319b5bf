"""`train`: from a folder to a model file."""

from __future__ import annotations

import dataclasses
import logging
import math
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from pellucid import devices, models, seeds
from pellucid.data import Data, adding, open_data
from pellucid.engine import placed
from pellucid.learning import Batch
from pellucid.training import pictures, state
from pellucid.training.log import Log
from pellucid.training.module import Fit, Report, samples_of
from pellucid.training.request import Request, settle
from pellucid.training.stream import Stream

TESTED = 32
"""held-out crops whose loss is measured"""
SHOWN = 4
"""held-out crops on the sample pictures"""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came of a training.

    Attributes:
        model: the file.
        card: what it says about itself.
        folder: logs, sample pictures, checkpoint.
        steps: done.
        seconds: spent, those before a resume included.
        stopped_by: "finished", "seconds" or "interrupted".
        loss: of the last step that was looked at.
        held_out: loss on held-out data, or None where there is none.
        notes: what the user should know.
    """

    model: Path
    card: models.Card
    folder: Path
    steps: int
    seconds: float
    stopped_by: str
    loss: float
    held_out: float | None
    notes: tuple[str, ...] = ()


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
        steps: of the optimiser.
        epochs: how often every pixel is seen on average, in place of steps.
        seconds: at most so long; the learning rate then falls in time for it.
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
        state.check_same(last, settings, request.checkpoint)
    network = _network(request, images, last)
    planned = last.steps if last is not None else _steps(request, images)
    first = first_process()
    if first:
        request.folder.mkdir(exist_ok=True)
    log = Log(request.folder, 0 if last is None else last.step) if first else None
    tests = [images.stacked(lot) for lot in samples_of(images.held_out(TESTED), request.options.batch)]
    mean, std = images.mean.flatten().tolist(), images.std.flatten().tolist()

    def watch(fit: Fit) -> None:
        if log is None:
            return
        fit.held_out = fit.test(tests) if images.parts.held_out else None
        held = {} if fit.held_out is None else {"held_out": fit.held_out}
        log.row(fit.done, {"seconds": fit.seconds, **fit.figures, **held})
        _show(fit, images, log)
        # Last, so that whatever a kill leaves, the log knows every step that the checkpoint does.
        state.save(request.checkpoint, fit.state(settings, mean, std))

    fit = Fit(request, network, planned, last, watch, progress)
    if fit.done < planned:
        _run(request, fit, images)
        if fit.failed is None and first and fit.stopped_by != "finished":
            watch(fit)
    if log is not None:
        log.close()
    if fit.failed is not None:
        raise ArithmeticError(f"training stopped at step {fit.done}: {fit.failed}")
    card = card_of(request, images, fit)
    if first:
        models.write(request.out, card, fit.best.state_dict(), half=request.half)
    return Trained(
        model=request.out,
        card=card,
        folder=request.folder,
        steps=fit.done,
        seconds=fit.seconds,
        stopped_by=fit.stopped_by,
        loss=fit.figures.get("loss", math.nan),
        held_out=fit.held_out,
        notes=_notes(images),
    )


def _network(request: Request, images: Data, last: state.State | None) -> torch.nn.Module:
    """The network with the weights to start from; sets the standardisation of the data."""
    with seeds.fixed(request.seed, "weights"):
        network = request.learning.build(request.config, images.channels)
    if last is not None:
        network.load_state_dict(dict(last.network))
        images.mean = torch.tensor(last.mean).view(-1, 1, 1)
        images.std = torch.tensor(last.std).view(-1, 1, 1)
    elif request.start is not None:
        card, weights = models.read(request.start)
        if card.channels != images.channels:
            raise ValueError(
                f"model {request.start.name!r} is for {card.channels} channels, the images have "
                f"{images.channels}."
            )
        models.fill(network, weights, request.start.name)
        images.mean, images.std = models.factors(card)
    elif request.config.standardise:
        images.standardise()
    return placed(network, torch.device("cpu"))


def _steps(request: Request, images: Data) -> int:
    """How many steps are planned."""
    if request.epochs is None:
        return int(request.config.steps)
    seen = request.options.batch * request.options.patch**2 * request.processes * request.nodes
    return max(1, math.ceil(request.epochs * images.pixels() / seen))


def _run(request: Request, fit: Fit, images: Data) -> None:
    """Let Lightning drive the loop; Ctrl-C ends it after the step at hand."""
    several = request.processes * request.nodes > 1
    accelerator, places = devices.for_lightning(request.device, request.processes)
    with _quiet(), _interruptible(fit):
        trainer = pl.Trainer(
            accelerator=accelerator,
            devices=places,
            num_nodes=request.nodes,
            strategy="ddp" if several else "auto",
            max_epochs=-1,
            max_steps=-1,
            gradient_clip_val=request.config.clip or None,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            default_root_dir=request.folder,
        )
        stream = Stream(images, start=fit.done, rank=trainer.global_rank, threads=request.threads)
        trainer.fit(fit, train_dataloaders=stream)


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's advice on loaders and logging is for other programs."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for module in ("lightning", "torch.distributed", "torch.nn.parallel"):
            warnings.filterwarnings("ignore", module=module.replace(".", r"\."))
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def _interruptible(fit: Fit) -> Iterator[None]:
    """The first Ctrl-C lets the step end and saves; the second one is as ever."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        fit.interrupted = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def first_process() -> bool:
    """Whether this process writes files; the others are started by Lightning or a scheduler."""
    ranks = ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK")
    return all(int(os.environ.get(name) or 0) == 0 for name in ranks)


def _show(fit: Fit, images: Data, log: Log) -> None:
    """Sample pictures and histograms of this moment."""
    batch = images.stacked(images.held_out(SHOWN))
    columns = [batch.noisy, fit.predicted(batch).cpu()]
    columns += [c for c in (batch.clean, batch.other) if c is not None][:1]
    shown = pictures.strip([c * images.std + images.mean for c in columns])
    folder = fit.request.folder / "samples"
    folder.mkdir(exist_ok=True)
    pictures.write(folder / f"{fit.done:07d}.png", shown)
    log.picture(fit.done, "noisy, estimate, other", shown)
    for name, picture in _maps(fit, batch).items():
        log.picture(fit.done, name, pictures.strip([picture[:SHOWN]]))
        log.values(fit.done, name, picture.float().cpu().numpy())


def _maps(fit: Fit, batch: Batch) -> Mapping[str, torch.Tensor]:
    """What the objective wants shown of these crops."""
    return fit.tested(batch, ("pictures", 0)).pictures


def card_of(request: Request, images: Data, fit: Fit) -> models.Card:
    """What the model file says about itself."""
    facts, options = images.pool.facts, request.options
    plain = not request.config.standardise and request.start is None
    quality = {} if fit.held_out is None else {"held-out loss": fit.held_out}
    return models.Card(
        method=request.method.name,
        config=dataclasses.asdict(request.config),
        channels=images.channels,
        color=facts.color and not options.gray,
        mean=() if plain else tuple(images.mean.flatten().tolist()),
        std=() if plain else tuple(images.std.flatten().tolist()),
        white=facts.white,
        noise=options.noise,
        sigma=adding.levels(images.kinds) if images.kinds else None,
        halo=int(getattr(fit.network, "halo", request.learning.halo)),
        stride=int(getattr(fit.network, "stride", request.learning.stride)),
        sees=request.learning.sees,
        origin="recorded" if not options.noise else "fixed" if options.fixed else "redrawn",
        data=_words(request, images),
        licence=request.licence,
        pictures=facts.pictures,
        quality=quality,
        steps=fit.done,
        seconds=round(fit.seconds, 1),
        seed=request.seed,
        version=version("pellucid"),
        notes=request.notes,
    )


def _words(request: Request, images: Data) -> str:
    """The data in words, without the path, which is the user's own."""
    words = f"{images.pool.facts.pictures} files of {request.place.name}"
    if request.pairs is not None:
        kind = (
            request.pairs if not Path(request.pairs).exists() else f"partners in {Path(request.pairs).name}"
        )
        words += f", pairs: {kind}"
    if images.clean is not None:
        words += f", and {images.clean.facts.pictures} clean files"
    return words


def _notes(images: Data) -> tuple[str, ...]:
    notes = [f"left out: {reason}" for reason in images.pool.facts.left_out]
    notes += images.pool.facts.notes
    if not images.parts.held_out:
        notes.append("nothing was held out: there is one picture, too small to be divided, or held_out is 0")
    return tuple(notes)
