"""A folder with one HTML page: tables, quality against time, pictures. It needs no network and no server."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from pellucid.bench import front, page_head, page_pictures, page_tables, page_tiles
from pellucid.bench.page_pictures import slug
from pellucid.bench.rows import Results
from pellucid.bench.table import Table
from pellucid.files.replace import replaced

READING = (
    "PSNR and SSIM are read from the written files, after rounding. A row marked oracle used the truth, to "
    "be told the noise level or to choose its best step: it shows what a choice costs, and nobody can have "
    "it. A row marked published is a number of a paper. The front holds the methods that no other beats in "
    "both time and PSNR. In what was removed, noise looks even; edges of the picture are detail that is lost."
)


def write(
    results: Results, tables: Sequence[Table], out: str | Path, *, title: str = "Benchmark", pictures: int = 6
) -> Path:
    """Write index.html and the folder `pictures` below ``out``.

    Args:
        results: one run, or several merged.
        tables: of these results.
        out: folder; it is made where it does not exist. Files of an earlier page are replaced.
        title: heading of the page; escaped.
        pictures: how many images of each set are shown at most; 0 for none.

    Returns:
        The page.

    Raises:
        NotADirectoryError: when ``out`` is a file.
        OSError: when it cannot be written.
    """
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"the page is a folder, got the file {folder}. Choose another name.")
    folder.mkdir(parents=True, exist_ok=True)
    sections = [_set(results, table, folder, pictures) for table in tables]
    every = page_tables.overview(tables)
    # The sets are named in the table over all; without one, a short list leads to them.
    links = "".join(f'<li><a href="#{slug(t.title)}">{escape(t.title)}</a></li>' for t in tables)
    nav = f'<nav aria-label="Sets"><ul class="sets">{links}</ul></nav>' if len(tables) > 1 else ""
    body = "\n".join(
        [
            page_head.head(results, tables, title),
            nav,
            f"<section><h2>All sets</h2>{every}</section>" if every else "",
            *sections,
            f"<section><h2>How to read it</h2><p>{escape(READING)}</p></section>",
            f"<section><h2>How it was made</h2>{page_head.making(results)}</section>",
        ]
    )
    page = folder / "index.html"
    with replaced(page) as file:
        file.write(document(title, body).encode("utf-8"))
    return page


def _set(results: Results, table: Table, folder: Path, most: int) -> str:
    cells = [c for c in results.cells if (c.set, c.crop) == (table.set, table.crop)]
    points = front.points(table)
    plot = ""
    if len(points) > 1:
        drawing = front.draw(points, title=table.title)
        plot = f'<h3>Quality against time</h3><div class="scroll">{front.svg(drawing)}</div>'
    grid = ""
    if most > 0:
        grid = page_tiles.grid(*page_pictures.make(table, cells, folder, most=most))
        grid = f"<h3>Pictures</h3>{grid}" if grid else ""
    return (
        f'<section id="{slug(table.title)}"><h2>{escape(table.title)}</h2>'
        f"{page_tables.results(table)}{plot}{grid}</section>"
    )


def document(title: str, body: str) -> str:
    """A whole page around ``body``, with style and script."""
    ours = files("pellucid.bench")
    style = files("pellucid.report").joinpath("page.css").read_text(encoding="utf-8")
    style += front.STYLE + ours.joinpath("page.css").read_text(encoding="utf-8")
    script = ours.joinpath("page.js").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en" class="static">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} · pellucid</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f"{body}\n</main>\n<script>\n{script}</script>\n</body>\n</html>\n"
    )
