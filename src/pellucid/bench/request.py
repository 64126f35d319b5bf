"""What the verbs of the benchmark are asked: one frozen record each, of which the command line is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypedDict

from pellucid.fields import Option, check, option

OVER = ("common", "own")
ORDERS = ("best", "given")


@dataclass(frozen=True, kw_only=True)
class DataRoot:
    """Where the data sets are."""

    data_root: Path | None = option(None, metavar="FOLDER")
    """Data sets; else PELLUCID_DATA, else data."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class Workers(DataRoot):
    """How cells are run: where, with how many threads, for how long, with which programs of others."""

    device: str = option("auto", metavar="DEVICE")
    """auto, cpu, cuda, cuda:N or mps."""
    threads: int | None = option(None, low=1, metavar="N")
    """Of a worker; else OMP_NUM_THREADS, else all cores."""
    timeout: float | None = option(None, low=0, low_open=True, metavar="S")
    """Seconds that one cell may take."""
    retry: bool = option(False)
    """Run cells again that ended in an error."""
    peers: Sequence[str] = option((), flag="--peer", metavar='"NAME=CMD {in} {out}"...')
    """A program of others, for peer:NAME."""
    peer_folder: Path | None = option(None, flag="--peers", metavar="FOLDER")
    """Where peers are installed; else PELLUCID_PEERS."""


@dataclass(frozen=True, kw_only=True)
class BenchRun(Workers):
    """What `bench run` is asked."""

    verb: ClassVar[str] = "bench run"

    data: Sequence[str] | str = field(metadata={"option": Option(metavar="A,B")})
    """Sets, e.g. CC15,Set9:gaussian:25,BSD68:poisson:30:clip; or folders."""
    methods: Sequence[str] | str = field(metadata={"option": Option(metavar="A,B")})
    """E.g. noisy,auto,bm3d@sigma,dip+iterations=300,model:FILE."""
    out: Path = field(metadata={"option": Option(flag="--out,-o", metavar="FOLDER")})
    """Where results go; go on there."""
    preset: str = option("fast", metavar="NAME")
    """Of all methods that have it; NAME+preset=paper for one."""
    seeds: tuple[int, ...] = option((0,), metavar="A,B")
    """Seeds of the noise and of the methods."""
    limit: int | None = option(None, low=1, metavar="N")
    """Only the first N pictures of each set."""
    images: tuple[str, ...] | None = option(None, metavar="A,B")
    """Only the pictures of these names."""
    crop: int | None = option(None, low=1, metavar="SIDE")
    """Centre crops of so many pixels a side."""
    renew: bool = option(False)
    """Run cells again that other code has made."""
    absent: str = option("error", choices=("error", "skip"), cli=False)
    """What to do where a set is not on this machine: an error, or a row that says so."""
    label: str = option("", metavar="TEXT")
    """What tables are to call this run."""

    def __post_init__(self) -> None:
        super().__post_init__()
        # A list will do in Python; equal requests are equal records.
        for name in ("seeds", "images", "peers"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else tuple(value))
        if not self.data or not self.methods or not self.seeds:
            raise ValueError("a run needs at least one set, one method and one seed.")


@dataclass(frozen=True, kw_only=True)
class BenchTable:
    """What `bench table` is asked."""

    format: str = option("markdown", choices=("markdown", "csv", "latex"))
    """How it is written."""
    metric: str = option("both", choices=("psnr", "ssim", "both"))
    """Which scores."""
    over: str = option("common", choices=OVER)
    """Means over the images that all methods finished, or each over its own (n says how many)."""
    order: str = option("best", choices=ORDERS)
    """Best first, or in the order of the run."""
    published: Path | None = option(None, metavar="FILE")
    """TOML with numbers of papers, instead of those that come with pellucid."""
    out: Path | None = option(None, flag="--out,-o", metavar="FILE")
    """Write it here instead of printing it."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class BenchPage:
    """What `bench page` is asked."""

    out: Path = field(metadata={"option": Option(flag="--out,-o", metavar="FOLDER")})
    """Where the page goes."""
    title: str = option("Benchmark", metavar="TEXT")
    """Heading of the page."""
    pictures: int = option(6, low=0, metavar="N")
    """Images shown per set at most."""
    over: str = option("common", choices=OVER)
    """Means over the images that all methods finished, or each over its own (n says how many)."""
    order: str = option("best", choices=ORDERS)
    """Best first, or in the order of the run."""
    published: Path | None = option(None, metavar="FILE")
    """TOML with numbers of papers, instead of those that come with pellucid."""
    front: Path | None = option(None, metavar="FILE")
    """Write quality against time alone, as .svg or .png, too."""
    front_set: str | None = option(None, metavar="SET")
    """Which set `front` shows; else the first."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class BenchCurves:
    """What `bench curves` is asked."""

    clean: Path = field(metadata={"option": Option(metavar="CLEAN")})
    """The same scene without noise: for the plot only."""
    method: tuple[str, ...] = field(metadata={"option": Option(metavar="NAME[+FIELD=VALUE]...")})
    """An iterative method; may be repeated."""
    out: Path = field(metadata={"option": Option(flag="--out,-o", metavar="FOLDER")})
    """Where CSV and page go."""
    crop: int | None = option(None, low=16, metavar="SIDE")
    """Only the middle, so many pixels a side."""
    preset: str | None = option(None, metavar="NAME")
    """fast (the default), paper, or another; see `pellucid methods NAME`."""
    sigma: float | None = option(None)
    """Noise level in [0, 1], or in units of `data_range`; measured otherwise."""
    data_range: float | None = option(None, low=0, low_open=True)
    """What white is in the file, e.g. 255; needed for unusual floats."""
    iterations: int | None = option(None, low=1)
    """At most so many iterations."""
    seconds: float | None = option(None, low=0, low_open=True)
    """At most so long, analysis not counted."""
    every: int = option(5, low=1, metavar="N")
    """Iterations between two looks."""
    seed: int = option(0)
    """Seed of every random draw."""
    device: str = option("auto", metavar="DEVICE")
    """auto, cpu, cuda, cuda:N or mps."""

    def __post_init__(self) -> None:
        check(self)


class WorkerOptions(TypedDict, total=False):
    """The fields of `Workers` as keyword arguments; a test holds these records and those equal."""

    data_root: str | Path | None
    device: str
    threads: int | None
    timeout: float | None
    retry: bool
    peers: Sequence[str]
    peer_folder: str | Path | None


class RunOptions(WorkerOptions, total=False):
    """The fields of `BenchRun` as keyword arguments, but for data, methods and out."""

    preset: str
    seeds: Sequence[int]
    limit: int | None
    images: Sequence[str] | None
    crop: int | None
    renew: bool
    absent: str
    label: str
