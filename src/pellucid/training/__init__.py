"""Trains a method on many images, on Lightning: logs, checkpoints, exact resume, several processes."""

from pellucid.training.fitting import Trained, carry_out, first_process, train
from pellucid.training.module import Report
from pellucid.training.request import Request, settle, trainable

__all__ = ["Report", "Request", "Trained", "carry_out", "first_process", "settle", "train", "trainable"]
