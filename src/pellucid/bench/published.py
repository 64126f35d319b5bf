"""Numbers that papers print, with their source; they stand beside ours and are marked as published."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Published:
    """One number of a paper.

    Attributes:
        set: set spec as the benchmark writes it, e.g. "Set9:gaussian:25".
        method: as the paper calls it.
        psnr, ssim: in dB and 1; None where the paper gives none.
        source: paper and table, and what differs in its protocol.
    """

    set: str
    method: str
    psnr: float | None = None
    ssim: float | None = None
    source: str


def load(path: str | Path | None = None) -> list[Published]:
    """The rows of a TOML file of `[[row]]` tables.

    Args:
        path: the file; None is the one that comes with pellucid, which may have no rows.

    Raises:
        ValueError: when it is no TOML, or a row has no set, method or source, or fields that are unknown.
        FileNotFoundError: when it is missing.
    """
    if path is None:
        shipped = files("pellucid.bench").joinpath("published.toml")
        text, name = (shipped.read_text(encoding="utf-8") if shipped.is_file() else ""), "published.toml"
    else:
        text, name = Path(path).read_text(encoding="utf-8"), str(path)
    try:
        rows = tomllib.loads(text).get("row", [])
        return [Published(**row) for row in rows]
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise ValueError(
            f"{name} must hold [[row]] tables with set, method, source and psnr or ssim, got: {error}."
        ) from error
