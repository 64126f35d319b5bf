"""What `train` is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypedDict

from pellucid.fields import Option, check, option


@dataclass(frozen=True, kw_only=True)
class Train:
    """What `train` is asked."""

    verb: ClassVar[str] = "train"

    method: str = field(metadata={"option": Option(flag="", metavar="METHOD")})
    """A trained method from `pellucid methods`."""
    data: Path = field(metadata={"option": Option(flag="", metavar="DATA")})
    """A folder of images, of scenes, or a stack."""
    out: Path = field(metadata={"option": Option(flag="--out,-o", metavar="MODEL")})
    """The model, a file ending in .safetensors."""
    pairs: str | Path | None = option(None, metavar="KIND")
    """shots, exposures, frames, or a folder with equal names."""
    noise: str | None = option(None, metavar="MODEL:LOW-HIGH")
    """Add noise to clean images, e.g. gaussian:0-50, or a camera's (.npz); else they are noisy already."""
    fixed: int = option(0, metavar="N")
    """N noisy versions of each picture, drawn beforehand; 0 draws new ones at every step."""
    clean: str | Path | None = option(None, metavar="FOLDER")
    """Clean images to mix in, with `noise` added."""
    share: float = option(0.5)
    """Share of the crops from the clean images."""
    network: str | None = option(None, metavar="NAME")
    """Network, by its name."""
    steps: int | None = option(None)
    """Steps of the optimiser; else the preset's."""
    epochs: float | None = option(None, low=0, low_open=True)
    """In place of `steps`: how often every pixel is seen on average."""
    seconds: float | None = option(None, low=0, low_open=True)
    """So long, in place of `steps`; with `steps` or `epochs`, at most so long."""
    start: str | Path | None = option(None, flag="--from", metavar="MODEL")
    """A model whose weights to start from."""
    resume: bool = option(False)
    """Go on from the last checkpoint, if any, with the same settings."""
    preset: str | None = option(None, metavar="NAME")
    """fast (the default), paper, or another; see `pellucid methods NAME`."""
    set: Mapping[str, Any] | None = option(None, metavar="FIELD=VALUE")
    """Change fields of the Config; see `pellucid methods NAME`."""
    held_out: float = option(0.1)
    """Fraction of the data that is only tested on."""
    scales: tuple[float, ...] = option((1.0,), metavar="A,B")
    """Sizes at which clean pictures are shown, e.g. 0.5,1,2."""
    gray: bool = option(False)
    """Train for one channel."""
    flips: bool = option(True)
    """Mirror and turn crops."""
    axes: str | None = option(None, metavar="LETTERS")
    """What the axes of stacks are, e.g. ZYX, where their files do not say; for a network with depth."""
    axis: str = option("auto", choices=("auto", "t", "z"))
    """Along which a network with depth sees several slices at once: of films (t) or volumes (z)."""
    data_range: float | None = option(None, low=0, low_open=True)
    """What white is in the files, e.g. 255; needed for unusual floats."""
    seed: int = option(0)
    """Seed of every random draw."""
    device: str = option("auto", metavar="DEVICE")
    """auto, cpu, cuda, cuda:N or mps."""
    precision: str = option("float32", choices=("float32", "auto", "bfloat16"))
    """Of the convolutions; auto is what is faster."""
    processes: int = option(1, low=1)
    """On this machine, one per accelerator."""
    nodes: int = option(1, low=1)
    """Machines."""
    every: int = option(500, low=1)
    """Steps between checkpoints, tests and sample pictures."""
    threads: int | None = option(None, low=1, cli=False)
    """That make batches; else the idle cores."""
    half: bool = option(False)
    """Keep 16 bits of the weights: half the file."""
    licence: str = option("not stated", metavar="TEXT")
    """Of the images, for the card."""
    notes: str = option("", cli=False)
    """For the card."""
    overwrite: bool = option(False)
    """Replace a model file that exists."""

    def __post_init__(self) -> None:
        check(self)
        if self.steps is not None and self.epochs is not None:
            raise ValueError(
                f"steps={self.steps} and epochs={self.epochs} both say how long. Keep one of them."
            )


class TrainOptions(TypedDict, total=False):
    """The fields of `Train` as keyword arguments; a test holds both equal."""

    pairs: str | Path | None
    noise: str | None
    fixed: int
    clean: str | Path | None
    share: float
    network: str | None
    steps: int | None
    epochs: float | None
    seconds: float | None
    start: str | Path | None
    resume: bool
    preset: str | None
    set: Mapping[str, Any] | None
    held_out: float
    scales: tuple[float, ...]
    gray: bool
    flips: bool
    axes: str | None
    axis: str
    data_range: float | None
    seed: int
    device: str
    precision: str
    processes: int
    nodes: int
    every: int
    threads: int | None
    half: bool
    licence: str
    notes: str
    overwrite: bool
