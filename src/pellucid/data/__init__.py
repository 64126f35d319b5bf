"""Folders and stacks of images as crops to train on; never everything in memory."""

from pellucid.data.depth import Windows
from pellucid.data.drawing import Data, Sample
from pellucid.data.opening import KINDS, open_data
from pellucid.data.options import Options

__all__ = ["KINDS", "Data", "Options", "Sample", "Windows", "open_data"]
