"""What `bench table`, `bench page` and `bench curves` do; each returns the exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid.bench import render
from pellucid.bench import results as read
from pellucid.bench import table as tables
from pellucid.cli import show

FAILED, USAGE = 1, 2


def table(
    folders: Sequence[Path],
    wishes: Mapping[str, str],
    *,
    published: Path | None,
    out: Path | None,
    debug: bool,
) -> int:
    """`pellucid bench table`: 0 when it was printed or written, 2 for wrong usage."""
    try:
        results = read.shown(read.merged(folders))
        found = tables.tables(
            results,
            published=read.read_published(published),
            order=wishes["order"],
            over=wishes["over"],
            by="ssim" if wishes["metric"] == "ssim" else "psnr",
        )
        text = render.text(found, format=wishes["format"], metric=wishes["metric"], label=results.label)
        for note in results.notes:
            print(f"pellucid: note: {note}", file=sys.stderr)
        if out is None:
            print(text, end="")
        else:
            _write(out, text)
    except (ValueError, OSError) as error:
        return _refused(error, debug=debug)
    return 0


def page(
    folders: Sequence[Path],
    out: Path,
    wishes: Mapping[str, Any],
    *,
    published: Path | None,
    front: Path | None,
    front_set: str | None,
    debug: bool,
) -> int:
    """`pellucid bench page`: 0 when it was written, 2 for wrong usage."""
    from pellucid.bench import front as fronts
    from pellucid.bench import page as pages

    try:
        results = read.shown(read.merged(folders))
        found = tables.tables(
            results, published=read.read_published(published), order=wishes["order"], over=wishes["over"]
        )
        if front is not None:
            fronts.write(found, front, of=front_set, manifests=results.manifests)
        print(pages.write(results, found, out, title=wishes["title"], pictures=wishes["pictures"]))
    except (ValueError, OSError) as error:
        return _refused(error, debug=debug)
    return 0


def curves(
    image: Path,
    clean: Path,
    methods: Sequence[str],
    out: Path,
    wishes: Mapping[str, Any],
    *,
    crop: int | None,
    debug: bool,
) -> int:
    """`pellucid bench curves`: 0 when CSV and page were written, 2 for wrong usage."""
    from pellucid import files
    from pellucid.bench import curves as fits
    from pellucid.bench import curves_page
    from pellucid.cli import progress

    try:
        noisy, truth = (
            fits.centre(files.read(path, data_range=wishes["data_range"]), crop) for path in (image, clean)
        )
        found = []
        for method in dict.fromkeys(methods):
            with progress.watching(f"{image.name}, {method}") as tell:
                found.append(fits.follow(noisy, truth, method, progress=tell, **wishes))
        about = [
            ("Picture", image.name),
            ("Truth", clean.name),
            ("Crop", "whole" if crop is None else f"{crop} pixels"),
        ]
        about += [
            (name.replace("_", " ").capitalize(), str(value))
            for name, value in wishes.items()
            if value is not None
        ]
        print(curves_page.write(found, out, title=f"Curves: {image.name}", about=about))
    except (ValueError, TypeError, OSError) as error:
        return _refused(error, debug=debug)
    return 0


def _write(path: Path, text: str) -> None:
    from pellucid.files.replace import replaced

    with replaced(path) as file:
        file.write(text.encode("utf-8"))


def _refused(error: Exception, *, debug: bool) -> int:
    if debug:
        traceback.print_exc(file=sys.stderr)
    show.error(str(error))
    return USAGE
