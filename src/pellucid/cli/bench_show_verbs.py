"""What `bench table`, `bench page` and `bench curves` do; each returns the exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid.bench import published as papers
from pellucid.bench import rows, texts
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
        results = rows.merged(folders)
        found = tables.tables(
            results,
            published=papers.load(published),
            order=wishes["order"],
            over=wishes["over"],
            by="ssim" if wishes["metric"] == "ssim" else "psnr",
        )
        text = texts.render(found, format=wishes["format"], metric=wishes["metric"], label=results.label)
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
    from pellucid.bench import front_file
    from pellucid.bench import page as pages

    try:
        results = rows.merged(folders)
        found = tables.tables(
            results, published=papers.load(published), order=wishes["order"], over=wishes["over"]
        )
        if front is not None:
            front_file.write(found, front, of=front_set, manifests=results.manifests)
        print(pages.write(results, found, out, title=wishes["title"], pictures=wishes["pictures"]))
    except (ValueError, OSError) as error:
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
