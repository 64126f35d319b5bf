"""What `serve` is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.fields import check, option


@dataclass(frozen=True, kw_only=True)
class Serve:
    """What `serve` is asked."""

    verb: ClassVar[str] = "serve"

    host: str = option("127.0.0.1", metavar="ADDRESS")
    """Where to listen; 0.0.0.0 for every network, which anybody may then use."""
    port: int = option(8000, low=0, high=65535)
    """0 for any that is free."""
    method: str = option("auto", metavar="NAME")
    """What every request is denoised by."""
    model: str | None = option(None, metavar="FILE")
    """The one model, a name or a file, that is held in memory; else that of the method."""
    runtime: str = option("auto", choices=("auto", "torch", "onnx", "openvino"))
    """What runs that model."""
    most_mb: int = option(32, low=1, high=1024)
    """Largest upload, MB."""
    most_pixels: int = option(2**24, low=1024)
    """Most pixels of a picture, height by width by slices."""
    queue: int = option(8, low=1, high=1024)
    """Requests that may wait; others are told to come again."""
    workers: int = option(1, low=1, high=64)
    """Pictures at once; each keeps to one thread where there are several."""
    seconds: float = option(300.0, low=1)
    """Longest that a request may wait and be worked on."""

    def __post_init__(self) -> None:
        check(self)
