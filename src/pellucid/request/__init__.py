"""What a user asks for: one frozen record per verb, made once and read by everybody.

The command line, the Python signature, JSON and every form to come are made from the fields: their names,
types, defaults, limits and the text under each. What is wrong in itself is refused when the record is made;
what depends on a method or on pictures is looked at later. Nothing heavy is imported here.
"""

from pellucid.request.picture import (
    Denoise,
    DenoiseOptions,
    Inpaint,
    InpaintOptions,
    Inspect,
    Kind,
    Output,
    Request,
    RequestOptions,
    Restore,
    RestoreOptions,
    Upscale,
)
from pellucid.request.production import Distil, Export
from pellucid.request.records import checked, from_json, stated, to_json
from pellucid.request.serving import Serve
from pellucid.request.signature import asks
from pellucid.request.train import Train, TrainOptions
from pellucid.request.web import Web

__all__ = [
    "Denoise",
    "DenoiseOptions",
    "Distil",
    "Export",
    "Inpaint",
    "InpaintOptions",
    "Inspect",
    "Kind",
    "Output",
    "Request",
    "RequestOptions",
    "Restore",
    "RestoreOptions",
    "Serve",
    "Train",
    "TrainOptions",
    "Upscale",
    "Web",
    "asks",
    "checked",
    "from_json",
    "stated",
    "to_json",
]
