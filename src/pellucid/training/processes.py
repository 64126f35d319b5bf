"""Several processes that train one network, on Lightning; it is loaded for nothing else."""

from __future__ import annotations

import logging
import os
import warnings
from typing import Any

import torch
from torch import Tensor

from pellucid import devices
from pellucid.data import Data
from pellucid.learning import Batch
from pellucid.training.batches import Stream, on
from pellucid.training.loop import Fit, interruptible


def run(fit: Fit, images: Data) -> None:
    """Let Lightning start the processes and average their gradients; else as `loop.run`.

    Lightning puts back the random state of the whole process while it starts, and other threads may draw
    meanwhile: a training in one process does without it.
    """
    import lightning.pytorch as pl

    class Module(pl.LightningModule):  # type: ignore[misc]
        """The fit, as Lightning calls it."""

        def __init__(self) -> None:
            super().__init__()
            self.network = fit.network

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return fit.new_optimizer()

        def on_train_start(self) -> None:
            fit.begin(self.trainer.optimizers[0], self.device, Together(self.trainer))

        def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
            return on(batch, device)

        def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
            return fit.training_step(batch)

        def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
            fit.after_step()
            self.trainer.should_stop = fit.over

    request = fit.request
    accelerator, places = devices.for_lightning(request.device, request.asked.processes)
    with interruptible(fit):
        trainer = pl.Trainer(
            accelerator=accelerator,
            devices=places,
            num_nodes=request.asked.nodes,
            strategy="ddp",
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
        trainer.fit(Module(), train_dataloaders=stream)


class Together:
    """The processes of a Lightning trainer."""

    def __init__(self, trainer: Any) -> None:
        self._strategy, self.rank, self.size = trainer.strategy, trainer.global_rank, trainer.world_size

    def agreed(self, value: int) -> int:
        """What the first of them says."""
        return int(self._strategy.broadcast(value))

    def any(self, value: bool) -> bool:
        """Whether one of them says so."""
        return bool(self._strategy.reduce_boolean_decision(value, all=False))


def quiet() -> None:
    """Silence Lightning's advice on loaders and logging, for good: for a program that owns its process.

    A library may not: loggers and warning filters belong to all threads.
    """
    for name in ("lightning", "torch.distributed", "torch.nn.parallel", "torch.utils._pytree"):
        warnings.filterwarnings("ignore", module=name.replace(".", r"\."))
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)


def first_process() -> bool:
    """Whether this process writes files; the others are started by Lightning or a scheduler."""
    ranks = ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK")
    return all(int(os.environ.get(name) or 0) == 0 for name in ranks)
