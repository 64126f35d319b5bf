"""`bench table`, `bench page` and `bench curves` as typed; no logic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pellucid.cli import flags

Folders = Annotated[
    list[Path],
    typer.Argument(metavar="RESULTS...", help="Folders that `bench run` wrote; several are merged."),
]
Over = Annotated[
    str,
    typer.Option(
        metavar="common|own",
        help="Means over the images that all methods finished, or each over its own (n says how many).",
    ),
]
Order = Annotated[str, typer.Option(metavar="best|given", help="Best first, or in the order of the run.")]
Published = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="TOML with numbers of papers, instead of those that come with pellucid."
    ),
]


def table(
    results: Folders,
    format: Annotated[str, typer.Option(metavar="markdown|csv|latex")] = "markdown",
    metric: Annotated[str, typer.Option(metavar="psnr|ssim|both")] = "both",
    over: Over = "common",
    order: Order = "best",
    published: Published = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write it here instead of printing it.")
    ] = None,
    debug: flags.Debug = False,
) -> None:
    """Print one table per set: PSNR, SSIM, seconds, memory, and what is missing."""
    from pellucid.cli import bench_show_verbs

    wishes = {"format": format, "metric": metric, "over": over, "order": order}
    raise typer.Exit(bench_show_verbs.table(results, wishes, published=published, out=out, debug=debug))


def page(
    results: Folders,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the page goes.")],
    title: Annotated[str, typer.Option(help="Heading of the page.")] = "Benchmark",
    pictures: Annotated[int, typer.Option(min=0, metavar="N", help="Images shown per set at most.")] = 6,
    over: Over = "common",
    order: Order = "best",
    published: Published = None,
    front: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write quality against time alone, as .svg or .png, too."),
    ] = None,
    front_set: Annotated[
        str | None, typer.Option(metavar="SET", help="Which set --front shows; else the first.")
    ] = None,
    debug: flags.Debug = False,
) -> None:
    """Write a folder with one HTML page: tables, quality against time, pictures side by side."""
    from pellucid.cli import bench_show_verbs

    wishes = {"title": title, "pictures": pictures, "over": over, "order": order}
    raise typer.Exit(
        bench_show_verbs.page(
            results, out, wishes, published=published, front=front, front_set=front_set, debug=debug
        )
    )


def curves(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A noisy picture.")],
    clean: Annotated[
        Path, typer.Option(metavar="CLEAN", help="The same scene without noise: for the plot only.")
    ],
    method: Annotated[
        list[str], typer.Option(metavar="NAME[+FIELD=VALUE]", help="An iterative method; may be repeated.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where CSV and page go.")],
    preset: flags.Preset = None,
    sigma: flags.Sigma = None,
    data_range: flags.DataRange = None,
    iterations: flags.Iterations = None,
    seconds: flags.Seconds = None,
    every: Annotated[int, typer.Option(min=1, metavar="N", help="Iterations between two looks.")] = 5,
    crop: Annotated[
        int | None, typer.Option(min=16, metavar="SIDE", help="Only the middle, so many pixels a side.")
    ] = None,
    seed: flags.Seed = 0,
    device: flags.Device = "auto",
    debug: flags.Debug = False,
) -> None:
    """Plot PSNR, loss, stop statistic and frequency bands of iterative methods; what a stop rule costs."""
    from pellucid.cli import bench_show_verbs

    wishes = {
        "preset": preset,
        "sigma": sigma,
        "data_range": data_range,
        "iterations": iterations,
        "seconds": seconds,
        "every": every,
        "seed": seed,
        "device": device,
    }
    raise typer.Exit(bench_show_verbs.curves(image, clean, method, out, wishes, crop=crop, debug=debug))
