"""Trains a method on many images: logs, checkpoints, exact resume; several processes on Lightning."""

from pellucid.training.fitting import carry_out, train
from pellucid.training.log import Report
from pellucid.training.outcome import Trained
from pellucid.training.processes import first_process, quiet
from pellucid.training.request import TrainSettings, settle, trainable

__all__ = [
    "Report",
    "TrainSettings",
    "Trained",
    "carry_out",
    "first_process",
    "quiet",
    "settle",
    "train",
    "trainable",
]
