"""Lightning drives the loop; Ctrl-C ends it after the step at hand."""

from __future__ import annotations

import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightning.pytorch as pl

from pellucid import devices
from pellucid.data import Data
from pellucid.training.module import Fit
from pellucid.training.request import TrainSettings
from pellucid.training.stream import Stream


def run(request: TrainSettings, fit: Fit, images: Data) -> None:
    """Let Lightning drive the loop; Ctrl-C ends it after the step at hand."""
    several = request.asked.processes * request.asked.nodes > 1
    accelerator, places = devices.for_lightning(request.device, request.asked.processes)
    with _interruptible(fit):
        trainer = pl.Trainer(
            accelerator=accelerator,
            devices=places,
            num_nodes=request.asked.nodes,
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


def quiet() -> None:
    """Silence Lightning's advice on loaders and logging, for good: for a program that owns its process.

    A library may not: loggers and warning filters belong to all threads.
    """
    for name in ("lightning", "torch.distributed", "torch.nn.parallel", "torch.utils._pytree"):
        warnings.filterwarnings("ignore", module=name.replace(".", r"\."))
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)


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
