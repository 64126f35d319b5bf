"""What the verbs are asked that bring models into use: export."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

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
