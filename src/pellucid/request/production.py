"""What the verbs are asked that bring models into use: export, distil."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pellucid.fields import Option, check, option


@dataclass(frozen=True, kw_only=True)
class Export:
    """What `export` is asked."""

    verb: ClassVar[str] = "export"

    model: str = field(metadata={"option": Option(flag="", metavar="MODEL")})
    """A model by name, or its file."""
    out: Path = field(metadata={"option": Option(flag="--out,-o", metavar="FILE")})
    """What to write: .onnx, or .xml for OpenVINO, with a .bin beside it."""
    precision: str = option("float32", choices=("float32", "bfloat16", "int8"))
    """Of the convolutions; bfloat16 for OpenVINO only, int8 is calibrated on noisy pictures."""
    data: Path | None = option(None, metavar="FOLDER")
    """Noisy pictures to calibrate int8 on; else pictures of scikit-image with the noise of the card."""
    overwrite: bool = option(False)
    """Replace files that exist."""

    def __post_init__(self) -> None:
        check(self)
        if self.out.suffix.lower() not in (".onnx", ".xml"):
            raise ValueError(f"out must end in .onnx or .xml, got {self.out.name!r}. Rename it.")
        if self.precision == "bfloat16" and self.out.suffix.lower() == ".onnx":
            raise ValueError(
                "precision='bfloat16' is for OpenVINO: the runtime of ONNX has no such convolutions on a "
                "processor. Write an .xml."
            )
        if self.data is not None and self.precision != "int8":
            raise ValueError("data is what int8 is calibrated on. Leave it out, or add precision='int8'.")


@dataclass(frozen=True, kw_only=True)
class Distil:
    """What `distil` is asked."""

    verb: ClassVar[str] = "distil"

    data: Path = field(metadata={"option": Option(flag="", metavar="DATA")})
    """A folder of noisy pictures."""
    out: Path = field(metadata={"option": Option(flag="--out,-o", metavar="STUDENT")})
    """The model to write, a file ending in .safetensors."""
    teachers: tuple[str, ...] = option((), cli=False)
    """Efforts, methods, models or files of weights; the target is the mean of what they give."""
    network: str | None = option("swift-tiny", metavar="NAME")
    """Network of the student, one that is not told the level."""
    lessons: Path | None = option(None, metavar="FOLDER")
    """Where the targets are kept; else STUDENT.lessons. Students of the same teachers may share it."""
    steps: int | None = option(None, low=1)
    """Steps of the optimiser; else the preset's."""
    seconds: float | None = option(None, low=0, low_open=True)
    """So long, in place of `steps`."""
    set: Mapping[str, Any] | None = option(None, metavar="FIELD=VALUE")
    """Change fields of the Config of n2n, by which the student learns."""
    gray: bool = option(False)
    """A student of one channel."""
    data_range: float | None = option(None, low=0, low_open=True)
    """What white is in the pictures, e.g. 4095."""
    seed: int = option(0)
    """Seed of every random draw."""
    device: str = option("auto", metavar="DEVICE")
    """auto, cpu, cuda, cuda:N or mps."""
    licence: str = option("not stated", metavar="TEXT")
    """Of the pictures, for the card."""
    resume: bool = option(False)
    """Go on from the last checkpoint of the student, if any."""
    overwrite: bool = option(False)
    """Replace a model file that exists."""

    def __post_init__(self) -> None:
        check(self)
        if not self.data.is_dir():
            raise ValueError(f"data must be a folder of noisy pictures, there is none at {str(self.data)!r}.")
