"""What a method is given: the pictures of a cell as files, made once and the same for every method."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from pellucid.bench import protocol
from pellucid.bench.layouts import SetPicture
from pellucid.bench.spec import SetSpec, slug
from pellucid.files.replace import replaced

NAME = "inputs.json"


class Skipped(Exception):  # noqa: N818 - no error: the cell does not apply here
    """A cell that cannot be run here, with the reason."""


@dataclass(frozen=True, kw_only=True)
class CellInputs:
    """The files of one picture at one noise seed.

    Attributes:
        folder: where they are, and where results go.
        given: names of the shots as methods get them; floats (white = 1) where noise was added and not
            clipped, else integers.
        noisy: name of the first shot as one looks at it.
        clean: name of the truth, or None.
        dtype: in which results are stored.
        scale: what white is in them.
        sigma: standard deviation of the noise of a shot (working range), known from the truth; or None.
        noisy_psnr, noisy_ssim: of the first shot as given.
        origin: digest of the files of the set that they were made of.
    """

    folder: Path
    given: tuple[str, ...]
    noisy: str
    clean: str | None
    dtype: str
    scale: float
    sigma: float | None
    noisy_psnr: float | None
    noisy_ssim: float | None
    origin: str = ""

    @property
    def white(self) -> float:
        """What white is in the files that methods get."""
        return 1.0 if self.given[0].endswith(".tif") and self.given[0] != self.noisy else self.scale


def folder(out: Path, spec: SetSpec, sample: SetPicture, crop: int | None, seed: int) -> Path:
    """Where the files of a picture are."""
    side = "full" if crop is None else str(crop)
    return out / "images" / spec.slug / slug(sample.name) / f"crop-{side}" / f"seed-{seed}"


def prepare(
    out: Path, spec: SetSpec, found: str, sample: SetPicture, *, crop: int | None, seed: int, shots: int = 1
) -> CellInputs:
    """Make the input files of a picture, or take those that are there; making them again gives the same bits.

    Args:
        out: results folder.
        spec: of the set.
        found: name of the set, which names the noise.
        sample: the picture.
        crop: side of the centre crop, or None.
        seed: noise seed.
        shots: how many; 0 for as many as there are.

    Raises:
        Skipped: when the set has not so many shots, or all are asked for where noise is added.
        ValueError: when the pictures of a pair do not fit each other, or are others than those that earlier
            cells were run on.
    """
    place = folder(out, spec, sample, crop, seed)
    if shots == 0 and spec.model:
        raise Skipped(f"{spec.text} adds noise, as often as is asked for: say how many, e.g. +shots=2")
    wanted = shots or max(1, len(sample.noisy))
    kept, origin = _kept(place), _origin(sample)
    if kept is not None and kept.origin not in ("", origin):
        raise ValueError(
            f"{sample.name} of {spec.text} is another picture than the one that {out} was begun with. Put it "
            "back, or choose another -o."
        )
    if kept is not None and len(kept.given) >= wanted:
        return kept
    place.mkdir(parents=True, exist_ok=True)
    make = _synthetic if spec.model else _real
    made = replace(make(place, spec, found, sample, crop, seed, wanted), origin=origin)
    with replaced(place / NAME) as file:
        file.write(json.dumps(asdict(made) | {"folder": ""}, indent=1).encode())
    return made


def _origin(sample: SetPicture) -> str:
    """A digest of the files of a picture; of a MATLAB file, which holds a whole set, its size alone."""
    digest = hashlib.blake2b(digest_size=8)
    for source in (*sample.noisy, *([sample.clean] if sample.clean else [])):
        whole = str(source.path.stat().st_size).encode() if source.variable else source.path.read_bytes()
        digest.update(len(whole).to_bytes(8, "little") + whole)
    return digest.hexdigest()


def _kept(place: Path) -> CellInputs | None:
    try:
        told = json.loads((place / NAME).read_text())
    except (FileNotFoundError, ValueError):
        return None
    kept = CellInputs(**(told | {"folder": place, "given": tuple(told["given"])}))
    names = [*kept.given, kept.noisy, *([kept.clean] if kept.clean else [])]
    return kept if all((place / name).is_file() for name in names) else None


def _synthetic(
    place: Path, spec: SetSpec, found: str, sample: SetPicture, crop: int | None, seed: int, shots: int
) -> CellInputs:
    """Noise over the whole picture, then the crop."""
    if sample.clean is None:
        raise ValueError(f"{sample.name} has no truth to add noise to.")
    values, scale = sample.clean.read()
    if values.dtype.kind == "f":
        scale = 1.0
    whole = (values.astype(np.float64) / scale).astype(np.float32)
    clean = protocol.write(protocol.crop(values, crop), place / "clean", scale)
    given, sigma, noisy = [], None, clean
    for shot in range(1, shots + 1):
        pixels, sigma = protocol.add_noise(whole, spec, found, sample.name, seed, shot=shot)
        pixels = protocol.crop(pixels, crop)
        stem = place / ("noisy" if shot == 1 else f"noisy-{shot}")
        shown = protocol.write(
            _eight(pixels, values.dtype, scale, spec.clip), stem, 255.0 if spec.clip else scale
        )
        noisy = shown if shot == 1 else noisy
        given.append(
            shown if spec.clip else protocol.write(pixels, stem.with_name(f"{stem.name}-float"), 1.0)
        )
    if spec.clip:
        if values.dtype != np.uint8:
            raise ValueError(f"{spec.text}: clip is for 8-bit pictures, {sample.name} is {values.dtype}.")
        scale = 255.0
    return _inputs(place, given, noisy, clean, str(values.dtype), scale, sigma)


def _eight(pixels: protocol.Array, dtype: np.dtype, scale: float, clip: bool) -> protocol.Array:
    """A noisy picture to look at: as a file of the set would hold it."""
    return protocol.stored(pixels, "uint8" if clip else str(dtype), 255.0 if clip else scale)


def _real(
    place: Path, spec: SetSpec, found: str, sample: SetPicture, crop: int | None, seed: int, shots: int
) -> CellInputs:
    """The pictures of the set, cropped; the integers of a pair share one white."""
    if len(sample.noisy) < shots:
        count = len(sample.noisy)
        raise Skipped(f"{shots} shots are needed, {spec.text} has {count} of {sample.name}")
    read = [source.read() for source in sample.noisy[:shots]]
    truth = None if sample.clean is None else sample.clean.read()
    together = [*read, *([truth] if truth is not None else [])]
    if len({values.shape for values, _ in together}) > 1:
        sizes = ", ".join(str(values.shape) for values, _ in together)
        raise ValueError(f"{sample.name}: noisy and clean must have one shape (C, H, W), got {sizes}.")
    if len({values.dtype for values, _ in together}) > 1:
        kinds = ", ".join(str(values.dtype) for values, _ in together)
        raise ValueError(f"{sample.name}: noisy and clean must have one type, got {kinds}. Convert one.")
    scale = max(s for _, s in together)
    given = [
        protocol.write(protocol.crop(values, crop), place / ("noisy" if i == 1 else f"noisy-{i}"), scale)
        for i, (values, _) in enumerate(read, 1)
    ]
    clean = None if truth is None else protocol.write(protocol.crop(truth[0], crop), place / "clean", scale)
    return _inputs(place, given, given[0], clean, str(read[0][0].dtype), scale, None)


def _inputs(
    place: Path,
    given: list[Path],
    noisy: Path,
    clean: Path | None,
    dtype: str,
    scale: float,
    sigma: float | None,
) -> CellInputs:
    scores: tuple[float | None, float | None] = (None, None)
    if clean is not None:
        scores = protocol.score(clean, given[0], scale)
        if sigma is None:
            truth, seen = (protocol.in_units(path, scale) for path in (clean, given[0]))
            sigma = float((truth - seen).square().mean().sqrt())
    return CellInputs(
        folder=place,
        given=tuple(p.name for p in given),
        noisy=noisy.name,
        clean=None if clean is None else clean.name,
        dtype=dtype,
        scale=scale,
        sigma=sigma,
        noisy_psnr=scores[0],
        noisy_ssim=scores[1],
    )
