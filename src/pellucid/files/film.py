"""Films: pictures with frames, read through Pillow, and what an animation says beside its pixels.

Metadata: ``film.durations``, milliseconds of each frame; ``film.plays``, how often it is shown, 0 for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.files.decoding import check_size, decoding
from pellucid.files.stored import Stored

USUAL = 100
"""milliseconds of a frame where nothing is said"""
KEYS = {"icc_profile": "icc", "exif": "exif", "xmp": "xmp", "comment": "comment"}
EXIF_PREFIX = b"Exif\0\0"


def read(picture: Any, most: int, kind: str) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """The frames (T, H, W, S) of a Pillow picture, S = 3, or 4 where some are transparent; its metadata.

    Raises:
        ValueError: when it is too large or damaged.
    """
    with decoding(kind):
        count = int(getattr(picture, "n_frames", 1))
    check_size((count, picture.size[1], picture.size[0], 3), most)
    frames, durations, found = [], [], {}
    with decoding(kind):
        for index in range(count):
            picture.seek(index)
            picture.load()
            frames.append(np.asarray(picture.convert("RGBA")))
            durations.append(float(picture.info.get("duration", USUAL) or 0))
            if index == 0:
                found = common(picture.info)
                plays = picture.info.get("loop", 1 if kind == "GIF" else 0)
    array = np.stack(frames)
    if count > 1:
        found |= {"film.durations": tuple(durations), "film.plays": int(plays)}
    opaque = bool((array[..., 3] == 255).all())
    return (array[..., :3].copy() if opaque else array), found


def stored(
    array: NDArray[Any], metadata: Mapping[str, Any], notes: tuple[str, ...] = (), bits: int | None = None
) -> Stored:
    """What frames (T, H, W) or (T, H, W, 1 to 4) hold; one frame is a picture."""
    samples = array.shape[-1] if array.ndim == 4 else 0
    film = len(array) > 1
    if film:
        notes = (f"animated: its {len(array)} frames are read as a film.", *notes)
    return Stored(
        array=array if film else array[0],
        axes="T" * film + "YX" + "S" * (samples > 0),
        color=samples >= 3,
        alpha=samples - 1 if samples in (2, 4) else None,
        bits=bits,
        metadata=metadata,
        notes=notes,
    )


def common(info: Mapping[Any, Any]) -> dict[str, Any]:
    """The shared metadata among what Pillow tells of a picture."""
    found = {ours: info[theirs] for theirs, ours in KEYS.items() if info.get(theirs)}
    if "exif" in found:
        found["exif"] = found["exif"].removeprefix(EXIF_PREFIX)
    return {key: value for key, value in found.items() if isinstance(value, bytes)}


def for_pillow(metadata: Mapping[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    """The options that Pillow writes shared metadata with."""
    found = {theirs: metadata[ours] for theirs, ours in KEYS.items() if ours in keys and ours in metadata}
    if "exif" in found:
        found["exif"] = EXIF_PREFIX + found["exif"]
    return found


def timing(metadata: Mapping[str, Any], count: int) -> tuple[list[float], int]:
    """Milliseconds of each of so many frames, and how often the film is shown (0 for ever)."""
    durations = list(metadata.get("film.durations", ()))
    durations = durations if len(durations) == count else [float(USUAL)] * count
    return durations, int(metadata.get("film.plays", 0))
