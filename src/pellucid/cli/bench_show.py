"""`bench table`, `bench page` and `bench curves`: what came out, as text, as a page, as plots."""

from __future__ import annotations

import functools
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pellucid.bench.request import BenchCurves, BenchPage, BenchTable
from pellucid.cli import show
from pellucid.cli.options import EXPECTED, USAGE, Console, spread

if TYPE_CHECKING:
    from pellucid.bench.results import Results
    from pellucid.bench.table import Table

Folders = Annotated[
    list[Path],
    typer.Argument(metavar="RESULTS...", help="Folders that `bench run` wrote; several are merged."),
]


@functools.partial(spread, without=["json"])
def table(results: Folders, asked: BenchTable, console: Console) -> int:
    """Print one table per set: PSNR, SSIM, seconds, memory, and what is missing."""
    from pellucid.bench import render

    try:
        merged, found = _tables(results, asked, by="ssim" if asked.metric == "ssim" else "psnr")
        text = render.text(found, format=asked.format, metric=asked.metric, label=merged.label)
        for note in merged.notes:
            show.note(note)
        if asked.out is None:
            print(text, end="")
        else:
            _write(asked.out, text)
    except EXPECTED as error:
        return refused(error, debug=console.debug)
    return 0


@functools.partial(spread, without=["json"])
def page(results: Folders, asked: BenchPage, console: Console) -> int:
    """Write a folder with one HTML page: tables, quality against time, pictures side by side."""
    from pellucid.bench import front
    from pellucid.bench import page as pages

    try:
        merged, found = _tables(results, asked)
        if asked.front is not None:
            front.write(found, asked.front, of=asked.front_set, manifests=merged.manifests)
        print(pages.write(merged, found, asked.out, title=asked.title, pictures=asked.pictures))
    except EXPECTED as error:
        return refused(error, debug=console.debug)
    return 0


@functools.partial(spread, without=["json"])
def curves(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A noisy picture.")],
    asked: BenchCurves,
    console: Console,
) -> int:
    """Plot PSNR, loss, stop statistic and frequency bands of iterative methods; what a stop rule costs."""
    from pellucid import files
    from pellucid.bench import curves as fits
    from pellucid.bench import curves_page
    from pellucid.cli import progress

    names = ("preset", "sigma", "data_range", "iterations", "seconds", "every", "seed", "device")
    wishes: dict[str, Any] = {name: getattr(asked, name) for name in names}
    try:
        noisy, truth = (
            fits.centre(files.read(path, data_range=asked.data_range), asked.crop)
            for path in (image, asked.clean)
        )
        found = []
        for method in dict.fromkeys(asked.method):
            with progress.watching(f"{image.name}, {method}", progress.line) as tell:
                found.append(fits.follow(noisy, truth, method, progress=tell, **wishes))
        about = [
            ("Picture", image.name),
            ("Truth", asked.clean.name),
            ("Crop", "whole" if asked.crop is None else f"{asked.crop} pixels"),
        ]
        about += [
            (name.replace("_", " ").capitalize(), str(value))
            for name, value in wishes.items()
            if value is not None
        ]
        print(curves_page.write(found, asked.out, title=f"Curves: {image.name}", about=about))
    except EXPECTED as error:
        return refused(error, debug=console.debug)
    return 0


def _tables(
    folders: list[Path], asked: BenchTable | BenchPage, *, by: str = "psnr"
) -> tuple[Results, list[Table]]:
    """The results of the folders as one, and their tables."""
    from pellucid.bench import results
    from pellucid.bench import table as tables

    merged = results.shown(results.merged(folders))
    published = results.read_published(asked.published)
    return merged, tables.tables(merged, published=published, order=asked.order, over=asked.over, by=by)


def _write(path: Path, text: str) -> None:
    from pellucid.files.replace import replaced

    with replaced(path) as file:
        file.write(text.encode("utf-8"))


def refused(error: Exception, *, debug: bool) -> int:
    """Wrong usage: one line, and where it came from for those who asked."""
    if debug:
        traceback.print_exc(file=sys.stderr)
    show.error(str(error))
    return USAGE
