"""Which input becomes which output: one INPUT to a file, several to a folder with their names kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

SUFFIXES = {"png": ".png", "jpeg": ".jpg", "bmp": ".bmp", "tiff": ".tif", "npy": ".npy"}
LOSSY = (".jpg", ".jpeg", ".jpe", ".jfif", ".webp")


def outputs(
    inputs: Sequence[Path], out: Path, *, format: str | None = None, one_scene: bool = False
) -> list[Path]:
    """One output path per input (one in all for the shots of one scene).

    Args:
        inputs: the files named on the command line.
        out: what followed -o.
        format: what followed --format; in a folder it decides the suffix.
        one_scene: whether all inputs make one output.

    Raises:
        ValueError: when a folder is needed and a file is named, or two inputs would get one name.

    >>> [p.as_posix() for p in outputs([Path("a/x.png"), Path("b/y.jpg")], Path("clean"))]
    ['clean/x.png', 'clean/y.png']
    """
    first = Path(inputs[0])
    if len(inputs) == 1 or one_scene:
        return [out / _name(first, format) if out.is_dir() else out]
    if out.is_file() or (out.suffix.lower() in (*SUFFIXES.values(), ".tiff", *LOSSY) and not out.is_dir()):
        raise ValueError(
            f"-o must be a folder for {len(inputs)} inputs, got {out}. Name a folder, or use --shots."
        )
    seen: dict[str, Path] = {}
    for path in inputs:
        name = _name(Path(path), format)
        if name.lower() in seen:
            raise ValueError(
                f"{seen[name.lower()]} and {path} would both be written to {out / name}. "
                "Do them in two commands, into two folders."
            )
        seen[name.lower()] = path
    return [out / _name(Path(path), format) for path in inputs]


def _name(path: Path, format: str | None) -> str:
    """The name in the output folder; a lossy input comes back as PNG unless a format is asked for."""
    if format is not None:
        return path.with_suffix(SUFFIXES[format]).name
    return path.with_suffix(".png").name if path.suffix.lower() in LOSSY else path.name
