"""From what was typed to a pool: a folder alone, or with the kind of pairs."""

from __future__ import annotations

from pathlib import Path

from pellucid.data.cache import Cache
from pellucid.data.depth import Deep, Windows
from pellucid.data.drawing import Data
from pellucid.data.options import Options
from pellucid.data.pool import Matched, Pool, Unpaired
from pellucid.data.scenes import Scenes
from pellucid.data.sequence import Frames
from pellucid.learning import Sees

KINDS = ("shots", "exposures", "frames")


def open_data(
    place: Path,
    options: Options,
    sees: Sees,
    *,
    pairs: str | None = None,
    clean: Path | None = None,
    data_range: float | None = None,
    windows: Windows | None = None,
) -> Data:
    """The data of a training.

    Args:
        place: a folder of images, a folder of folders, or a stack.
        options: how crops are drawn.
        sees: what the method is trained on.
        pairs: "shots" or "exposures" (a folder per scene), "frames" (neighbours in a sequence), or a second
            folder with equal names.
        clean: a folder of clean images that are mixed in, with the noise of the options.
        data_range: what white is in the files.
        windows: for a method that sees several slices of a stack at once; None for all others.

    Raises:
        FileNotFoundError: when there is no such folder.
        ValueError: when the choices do not go together, or the data do not give what the method needs.
    """
    _check(options, sees, pairs, clean)
    cache = Cache()
    pool: Pool
    if windows is not None:
        if options.noise:
            raise ValueError(
                f"depth={windows.depth} is for stacks that are noisy already, noise={options.noise!r} is for "
                "clean pictures. Leave one of the two out."
            )
        pool = Deep(place, cache, windows, data_range=data_range)
    elif pairs is None:
        pool = Unpaired(place, cache, data_range=data_range, mixed=options.gray)
    elif pairs in ("shots", "exposures"):
        pool = Scenes(place, cache, exposures=pairs == "exposures", data_range=data_range)
    elif pairs == "frames":
        pool = Frames(place, cache, side=options.patch, seed=options.seed, data_range=data_range)
    elif Path(pairs).exists():
        pool = Matched(place, Path(pairs), cache, data_range=data_range)
    else:
        raise ValueError(
            f"pairs must be one of {', '.join(KINDS)}, or a folder or stack; got {pairs!r}, which does not "
            f"exist."
        )
    extra = None if clean is None else Unpaired(clean, cache, data_range=data_range, mixed=options.gray)
    return Data(pool, options, sees, extra)


def _check(options: Options, sees: Sees, pairs: str | None, clean: Path | None) -> None:
    if clean is not None and not options.noise:
        raise ValueError(
            "clean images are made noisy before they are mixed in. Say how, with --noise MODEL:LOW-HIGH."
        )
    if options.noise and pairs is not None and clean is None:
        raise ValueError(
            f"noise={options.noise!r} is added to clean images, pairs={pairs!r} are noisy already. Keep "
            f"one of them."
        )
    if sees == "noisy" and pairs is not None:
        raise ValueError(
            f"pairs={pairs!r} does not apply: this method learns from single images. Leave it out."
        )
    if sees != "noisy" and pairs is None and (not options.noise or clean is not None):
        kind = "a folder of clean images" if sees == "clean pairs" else "shots, exposures, frames or a folder"
        raise ValueError(
            f"this method needs {sees}: name them with --pairs ({kind}), or give clean images and --noise."
        )
    if sees == "clean pairs" and pairs in KINDS:
        raise ValueError(
            f"this method needs clean targets, pairs={pairs!r} are noisy. Name a folder of clean images."
        )
    if sees == "pairs" and options.fixed == 1:
        raise ValueError("fixed must be at least 2 for pairs, got 1: both views would be the same.")
