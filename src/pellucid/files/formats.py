"""The formats, one table: which files are read and written, by what, and what each of them can hold."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

from pellucid import checks, extras

PROFILE, EXIF, XMP, DPI, COMMENT = "icc", "exif", "xmp", "dpi", "comment"
BYTES = ("uint8",)
DEEP = ("uint8", "uint16")
ANY = ("any",)


@dataclass(frozen=True, kw_only=True)
class Format:
    """A kind of file.

    Attributes:
        name: what `--format` and messages call it.
        title: what people call it.
        suffixes: endings of its names; the first is what a batch gives.
        module: of pellucid.files, with ``read(path, most)`` and, where it is written, ``write(file, sheet)``.
        extra: what a plain install lacks for it, a key of `extras.PACKAGES`; "" where nothing.
        needs_all: whether it needs all packages of the extra; else its module asks for the one it needs.
        reader: what reads it, for the documentation.
        writer: what writes it, for the documentation; "" where it is only read.
        back: the name of the format that is written where nobody chose one; "" for its own.
        ending: of what is written then; "" for the first suffix of `back`.
        layout: what it holds: one "picture", a "film" of pictures, or an "array" with any axes.
        types: stored types that it can hold; ("any",) for all.
        alpha: whether it holds opacity.
        holds: shared metadata that it can hold.
        upright: whether it takes no notice of EXIF's orientation, so that pixels are turned before.
        loses: what is lost when it is written, or "".
        content: what is read of it, for the documentation.
        like: whether it is only written with the head of a file of its kind.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    module: str
    extra: str = ""
    needs_all: bool = True
    reader: str = "Pillow"
    writer: str = "Pillow"
    back: str = ""
    ending: str = ""
    layout: str = "picture"
    types: tuple[str, ...] = BYTES
    alpha: bool = False
    holds: frozenset[str] = frozenset()
    upright: bool = False
    loses: str = ""
    content: str = ""
    like: bool = False

    @property
    def writes(self) -> bool:
        """Whether it is written at all."""
        return bool(self.writer)

    def load(self) -> ModuleType:
        """The module that reads and writes it.

        Raises:
            MissingExtra: when what it needs is not installed.
        """
        if self.extra and self.needs_all:
            extras.need(self.extra, f"{self.title} files")
        return import_module(f"pellucid.files.{self.module}")


def _of_page(*more: str) -> frozenset[str]:
    return frozenset((PROFILE, EXIF, XMP, *more))


_ALL = (
    Format(
        name="png",
        title="PNG",
        suffixes=(".png", ".apng"),
        module="png",
        reader="imagecodecs",
        writer="imagecodecs",
        layout="film",
        types=DEEP,
        alpha=True,
        holds=_of_page(DPI, COMMENT),
        content="1 to 16 bits, gray, colour, palette, transparency; animated: its frames",
    ),
    Format(
        name="jpeg",
        title="JPEG",
        suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
        module="jpeg",
        back="png",
        holds=_of_page(DPI, COMMENT),
        loses="quality 95, no colour subsampling",
        content="gray, colour; CMYK becomes RGB",
    ),
    Format(
        name="bmp",
        title="BMP",
        suffixes=(".bmp", ".dib"),
        module="bmp",
        writer="pellucid",
        holds=frozenset((DPI,)),
        alpha=True,
        content="gray, colour, palette",
    ),
    Format(
        name="tiff",
        title="TIFF",
        suffixes=(".tif", ".tiff", ".btf", ".tf8"),
        module="tiff",
        reader="tifffile",
        writer="tifffile",
        layout="array",
        types=ANY,
        alpha=True,
        holds=_of_page(DPI),
        content="integers, floats, pages, ImageJ and OME axes",
    ),
    Format(
        name="slide",
        title="whole-slide TIFF",
        suffixes=(".svs", ".ndpi", ".scn", ".bif", ".qptiff"),
        module="tiff",
        reader="tifffile",
        writer="",
        back="tiff",
        content="the main picture; thumbnail, label and pyramid are named",
    ),
    Format(
        name="npy",
        title="NPY",
        suffixes=(".npy",),
        module="npy",
        reader="NumPy",
        writer="NumPy",
        layout="array",
        types=ANY,
        alpha=True,
        content="integers, floats, any axes",
    ),
    Format(
        name="webp",
        title="WebP",
        suffixes=(".webp",),
        module="webp",
        layout="film",
        alpha=True,
        holds=_of_page(),
        content="colour, transparency; animated: its frames",
    ),
    Format(
        name="avif",
        title="AVIF",
        suffixes=(".avif", ".avifs"),
        module="avif",
        reader="imagecodecs, Pillow",
        writer="imagecodecs, Pillow",
        back="png",
        types=DEEP,
        alpha=True,
        holds=_of_page(),
        loses="8 bits with metadata: quality 100, up to 3 steps of 255; else nothing",
        content="8, 10 and 12 bits, gray, colour, transparency",
    ),
    Format(
        name="jxl",
        title="JPEG XL",
        suffixes=(".jxl",),
        module="jxl",
        reader="imagecodecs",
        writer="imagecodecs",
        layout="film",
        types=(*DEEP, "float32"),
        alpha=True,
        holds=frozenset((EXIF, XMP)),
        upright=True,
        content="8 to 16 bits and floats, gray, colour, transparency; animated: its frames",
    ),
    Format(
        name="jp2",
        title="JPEG 2000",
        suffixes=(".jp2", ".j2k", ".jpx", ".j2c", ".jpf"),
        module="jp2",
        reader="imagecodecs",
        writer="imagecodecs",
        types=(*DEEP, "int8", "int16"),
        alpha=True,
        holds=_of_page(),
        content="1 to 16 bits, signed or not, gray, colour, transparency",
    ),
    Format(
        name="gif",
        title="GIF",
        suffixes=(".gif",),
        module="gif",
        back="png",
        layout="film",
        alpha=True,
        holds=frozenset((COMMENT,)),
        loses="256 colours per frame, transparent or not",
        content="palette, expanded to colours; animated: its frames",
    ),
    Format(
        name="pnm",
        title="PPM, PGM, PAM",
        suffixes=(".ppm", ".pgm", ".pnm", ".pbm", ".pam"),
        module="pnm",
        reader="pellucid",
        writer="pellucid",
        types=DEEP,
        alpha=True,
        content="1 to 16 bits up to any largest value, gray, colour, transparency (PAM)",
    ),
    Format(
        name="tga",
        title="TGA",
        suffixes=(".tga",),
        module="tga",
        alpha=True,
        content="gray, colour, palette, transparency",
    ),
    Format(
        name="heic",
        title="HEIC",
        suffixes=(".heic", ".heif", ".hif"),
        module="heic",
        extra="heic",
        reader="pillow-heif",
        writer="pillow-heif",
        back="png",
        types=DEEP,
        alpha=True,
        holds=_of_page(),
        upright=True,
        loses="quality 95, no colour subsampling; 8 or 10 bits",
        content="8, 10 and 12 bits; gain maps, depth maps and further pictures are named",
    ),
    Format(
        name="raw",
        title="camera RAW",
        suffixes=(
            ".dng",
            ".nef",
            ".cr2",
            ".cr3",
            ".arw",
            ".raf",
            ".orf",
            ".rw2",
            ".pef",
            ".srw",
        ),
        module="raw",
        extra="raw",
        reader="rawpy",
        writer="",
        back="tiff",
        content="the mosaic, denoised before it is developed (`--raw developed`, `linear`, `mosaic`)",
    ),
    Format(
        name="fits",
        title="FITS",
        suffixes=(".fits", ".fit", ".fts", ".fz"),
        module="fits",
        extra="fits",
        reader="astropy",
        writer="astropy",
        layout="array",
        types=(*DEEP, "int8", "int16", "int32", "int64", "uint32", "uint64", "float32", "float64"),
        content="the first picture, any axes; BSCALE, BLANK, WCS and the other parts stay",
    ),
    Format(
        name="mrc",
        title="MRC",
        suffixes=(".mrc", ".mrcs", ".map", ".ccp4", ".st", ".rec"),
        module="mrc",
        extra="mrc",
        reader="mrcfile",
        writer="mrcfile",
        layout="array",
        types=("int8", "int16", "uint16", "float16", "float32"),
        content="maps, stacks, volumes; the head stays, its statistics are made anew",
    ),
    Format(
        name="dicom",
        title="DICOM",
        suffixes=(".dcm", ".dicom", ".ima"),
        module="dicom",
        extra="dicom",
        reader="pydicom",
        writer="pydicom",
        layout="array",
        types=("uint8", "int8", "uint16", "int16", "uint32", "int32"),
        like=True,
        content="gray, RGB, frames, signed, 12 bits; rescale stays; new UIDs, DERIVED",
    ),
    Format(
        name="micrograph",
        title="CZI, LIF, ND2",
        suffixes=(".czi", ".lif", ".nd2"),
        module="micrograph",
        extra="microscopes",
        needs_all=False,
        reader="czifile, liffile, nd2",
        writer="",
        back="tiff",
        ending=".ome.tif",
        content="the first picture, its axes, the size of a pixel",
    ),
)

TABLE: dict[str, Format] = {format.name: format for format in _ALL}
"""every format by its name"""
FORMATS = tuple(name for name, format in TABLE.items() if format.writes)
"""the names of those that are written"""
SUFFIXES: dict[str, str] = {suffix: format.name for format in _ALL for suffix in format.suffixes}
"""the format that an ending tells"""


def of_name(path: str | os.PathLike[str]) -> str | None:
    """The format that the extension of a file name tells, or None.

    >>> of_name("scan.ome.tif"), of_name("scan")
    ('tiff', None)
    """
    return SUFFIXES.get(Path(path).suffix.lower())


def of_output(path: str | os.PathLike[str], source: str, format: str | None = None) -> str:
    """The format to write: ``format``, else by the extension, else that of the source, lossless.

    Args:
        path: where to.
        source: format of the picture read ("array" for an array).
        format: the user's wish.

    Raises:
        ValueError: for an unknown format or extension, or one that is only read.

    >>> of_output("clean.jpg", "png"), of_output("clean", "jpeg"), of_output("clean.jpg", "jpeg", "png")
    ('jpeg', 'png', 'png')
    """
    if format is not None:
        wish = format.lower().removeprefix(".")
        return checks.one_of("format", SUFFIXES.get(f".{wish}", wish), FORMATS)
    named = of_name(path)
    if named is not None:
        return _written(named, path)
    if Path(path).suffix:
        endings = [suffix for suffix, name in SUFFIXES.items() if TABLE[name].writes]
        raise ValueError(
            f"output must end in {', '.join(endings)}, or its format be given; got {os.fspath(path)}. "
            "Choose an extension that pellucid writes."
        )
    return lossless(source)


def _written(name: str, path: str | os.PathLike[str]) -> str:
    format = TABLE[name]
    if not format.writes:
        raise ValueError(
            f"output must be of a format that pellucid writes, got {os.fspath(path)}: {format.title} is only "
            f"read. Name {format.ending or '.tif'}, or another of {', '.join(FORMATS)}."
        )
    return name


def lossless(source: str) -> str:
    """The format for a picture read from ``source`` when nobody chose one: the same where nothing is lost.

    >>> lossless("jpeg"), lossless("tiff"), lossless("array")
    ('png', 'tiff', 'npy')
    """
    return "npy" if source == "array" else TABLE[source].back or source


def ending(path: Path, format: str | None = None) -> str:
    """The ending of the output of an input named ``path``, where its folder alone is named.

    >>> ending(Path("a.JPG")), ending(Path("a.TIF")), ending(Path("a.png"), "jpeg"), ending(Path("a"))
    ('.png', '.TIF', '.jpg', '')
    """
    if format is not None:
        return TABLE[format].suffixes[0]
    known = TABLE.get(of_name(path) or "")
    if known is None or not known.back:
        return path.suffix
    return known.ending or TABLE[known.back].suffixes[0]
