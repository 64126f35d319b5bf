"""A small network learns from any teacher: a method, an effort, a model, the checkpoint of others."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, methods, models, tasks, training
from pellucid.image import Image
from pellucid.request import Denoise, Distil, Train
from pellucid.request.picture import EFFORTS
from pellucid.run import denoise, settle
from pellucid.training import Trained

MANIFEST = "pellucid.jsonl"
CLEAN = ("clean pairs", "pairs", "noisy")
"""what a teacher has seen, the most first"""


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """Who teaches.

    Attributes:
        name: as it was typed.
        options: of `denoise`.
        sees: what it was trained on, as a card says it.
        origin: where the noise came from in that, as a card says it.

    """

    name: str
    options: dict[str, Any]
    sees: str = "noisy"
    origin: str = "recorded"


@dataclass(frozen=True, kw_only=True)
class Distilled:
    """What came of it.

    Attributes:
        trained: the student.
        pictures: that were taught.
        before: those of them whose targets an earlier run had made.
        seconds: that the teachers took, now and then.
        folder: where the targets are kept.
        failed: what went wrong with which picture.
    """

    trained: Trained
    pictures: int
    before: int
    seconds: float
    folder: Path
    failed: tuple[str, ...] = ()


def distil(
    request: Distil,
    progress: Callable[[str], object] = lambda text: None,
    report: Callable[[training.Report], None] | None = None,
) -> Distilled:
    """Let teachers denoise the pictures of a folder, keep what they give, and train a network on it.

    The target is the mean of what they give, float32, in a folder beside the student, made once: a run that
    was broken off goes on, and another student of the same teachers begins at once.

    Args:
        request: teachers, folder, student.
        progress: told which picture is taught.
        report: told how the training goes.

    Raises:
        ValueError: for a teacher that is unknown, or no picture that could be taught.
        FileExistsError: when the student exists.
    """
    teachers = [teacher(name) for name in request.teachers]
    folder = request.out.with_suffix(".lessons") if request.lessons is None else request.lessons
    asked = _training(request, folder)
    training.settle(asked)  # what is wrong with it is said before the teachers work for hours
    sources = sorted(p for p in request.data.rglob("*") if p.suffix.lower() in files.SUFFIXES)
    if not sources:
        raise ValueError(f"data must be a folder of noisy pictures, {str(request.data)!r} holds none.")
    for part in ("noisy", "targets"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    spoken = [[one.name, _identity(one), request.seed] for one in teachers]
    items = [
        tasks.WorkItem(
            _name(path, request.data),
            tasks.fingerprint(tasks.identity(path), spoken, request.data_range),
            path,
        )
        for path in sources
    ]
    failed: list[str] = []
    done = before = 0
    seconds = 0.0

    def taught(path: Path) -> dict[str, Any]:
        return _teach(path, _name(path, request.data), folder, teachers, request)

    with tasks.Manifest(folder / MANIFEST) as manifest:
        for outcome in tasks.carry_out(
            items, taught, manifest=manifest, whole=lambda row: _whole(row, folder)
        ):
            seconds += outcome.seconds
            if outcome.error is not None:
                failed.append(f"{outcome.item.key}: {' '.join(str(outcome.error).split())}")
                continue
            done, before = done + 1, before + outcome.before
            if not outcome.before:
                progress(f"{outcome.item.key}: taught, {done} of {len(items)}, {outcome.seconds:.1f} s")
    if not done:
        raise ValueError(f"no picture of {str(request.data)!r} could be taught; the first: {failed[0]}")
    _forget(folder, {item.key for item in items})
    trained = training.carry_out(training.settle(asked), report)
    card = _card(trained.card, teachers, request, done)
    models.write(request.out, card, models.read(request.out)[1])
    return Distilled(
        trained=replace(trained, card=card),
        pictures=done,
        before=before,
        seconds=seconds,
        folder=folder,
        failed=tuple(failed),
    )


def teacher(name: str) -> Teacher:
    """Who is meant by a name: an effort, a method, a model, or a file of weights.

    Raises:
        ValueError: when nobody is.

    >>> teacher("best").options, teacher("nlm").options
    ({'method': 'auto', 'effort': 'best'}, {'method': 'nlm'})
    """
    if (
        name in EFFORTS or name == "auto"
    ):  # auto averages with networks whose noise was redrawn on clean files
        effort = "normal" if name == "auto" else name
        return Teacher(
            name=name, options={"method": "auto", "effort": effort}, sees="pairs", origin="redrawn"
        )
    if name in methods.names():
        settle(Denoise(method=name))
        own = name in ("photo", "rs-dip")
        origin = "redrawn" if own else "recorded"
        return Teacher(name=name, options={"method": name}, sees="pairs" if own else "noisy", origin=origin)
    try:
        path = models.locate(name)
    except ValueError as error:
        raise ValueError(
            f"teacher must be an effort ({', '.join(EFFORTS)}), a method, a model or a file of weights, got "
            f"{name!r}."
        ) from error
    settle(Denoise(model=str(path)))
    if models.of_others(path):
        return Teacher(name=path.name, options={"model": str(path)}, sees="clean pairs")
    card = models.read_card(path)
    return Teacher(name=path.stem, options={"model": str(path)}, sees=card.sees, origin=card.origin)


def _training(request: Distil, folder: Path) -> Train:
    """The training of the student, from pairs of a picture and what was taught of it."""
    return Train(
        method="n2n",
        data=folder / "noisy",
        out=request.out,
        pairs=folder / "targets",
        network=request.network,
        steps=request.steps,
        seconds=request.seconds,
        set=request.set,
        resume=request.resume,
        seed=request.seed,
        device=request.device,
        gray=request.gray,
        licence=request.licence,
        overwrite=request.overwrite,
    )


def _teach(
    path: Path, name: str, folder: Path, teachers: Sequence[Teacher], request: Distil
) -> dict[str, Any]:
    """Keep a picture in working units, and the mean of what teachers make of it."""
    image = files.read(path, data_range=request.data_range)
    target = np.zeros(image.pixels.shape, np.float64)
    for one in teachers:
        result = denoise(image, **one.options, seed=request.seed, device=request.device, return_result=True)
        target += result.estimate / len(teachers)
    for part, pixels in (("targets", target), ("noisy", image.pixels)):
        place = folder / part / f"{name}.tif"
        files.write(_floats(pixels), place, overwrite=True)
    return {"target": f"targets/{name}.tif", "noisy": f"noisy/{name}.tif"}


def _floats(pixels: NDArray[Any]) -> Image:
    """(N, C, H, W) in working units as a picture or a stack of float32."""
    values = np.asarray(pixels, np.float32)
    colour = values.shape[1] > 1
    laid = np.moveaxis(values, 1, -1) if colour else values[:, 0]
    alone = np.ascontiguousarray(laid[0] if len(laid) == 1 else laid)
    return files.from_array(alone, channel_axis=-1 if colour else None, data_range=1.0)


def _name(path: Path, folder: Path) -> str:
    """What the pictures of a lesson are called: the path below the folder, in one word."""
    return "-".join(path.relative_to(folder).with_suffix("").parts) + path.suffix.lower().replace(".", "-")


def _whole(row: dict[str, Any], folder: Path) -> bool:
    """Whether both pictures of a lesson are still there."""
    value = row.get("value") or {}
    return all((folder / str(value.get(part, "none"))).is_file() for part in ("target", "noisy"))


def _forget(folder: Path, names: set[str]) -> None:
    """Take away what earlier runs made of pictures that are no longer there; it is all made by `distil`."""
    for part in ("noisy", "targets"):
        for path in (folder / part).glob("*.tif"):
            if path.stem not in names:
                path.unlink()


def _identity(one: Teacher) -> Any:
    """What of a teacher decides its results: its options, and the file behind it."""
    model = one.options.get("model")
    return [json.loads(json.dumps(one.options)), None if model is None else tasks.identity(model)]


def _card(card: models.Card, teachers: Sequence[Teacher], request: Distil, count: int) -> models.Card:
    """The card of a student: it knows no more of clean pictures than its teachers do, and no less."""
    seen = min((one.sees for one in teachers), key=CLEAN.index)
    redrawn = any(one.origin == "redrawn" for one in teachers)
    names = tuple(one.name for one in teachers)
    return replace(
        card,
        sees=seen,
        origin="redrawn" if redrawn else "recorded",
        data=f"{count} noisy files of {request.data.name}, taught by {' and '.join(names)}",
        teachers=names,
    )
