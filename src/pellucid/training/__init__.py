"""Trains a method on many images, on Lightning: logs, checkpoints, exact resume, several processes."""

from pellucid.training.driving import first_process, quiet
from pellucid.training.fitting import carry_out, train
from pellucid.training.reporting import Report
from pellucid.training.request import TrainSettings, settle, trainable
from pellucid.training.trained import Trained

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
