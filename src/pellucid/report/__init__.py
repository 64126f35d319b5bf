"""Result -> one self-contained HTML page that helps to judge how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pellucid.image import Image
    from pellucid.steps import Result


def html(
    path: str | Path,
    *,
    noisy: Image,
    estimate: Image,
    result: Result,
    title: str,
    notes: Sequence[str] = (),
) -> None:
    """Write one HTML page: before / after, what was removed, noise, curves, warnings, settings.

    The page needs no network and no other file. It is written to a temporary name in the same folder and then
    renamed, so that a page that exists is whole.

    Args:
        path: where to write; its folder must exist.
        noisy: the input, (N, C, H, W) in the working range.
        estimate: the result as an Image, of the same shape.
        result: method, reason, curves, NoiseReport, warnings.
        title: heading of the page, usually the file name; escaped.
        notes: what else was said of the files.

    Raises:
        ValueError: when the two pictures differ in shape or hold non-finite pixels.
        FileNotFoundError: when the folder is missing; other OSError when it cannot be written.
    """
    from pellucid.files.replace import replaced
    from pellucid.report import page

    text = page.render(noisy=noisy, estimate=estimate, result=result, title=title, notes=notes)
    with replaced(path) as file:
        file.write(text.encode("utf-8"))
