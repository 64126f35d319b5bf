"""What the page does to a picture: the line of `run` up to the last look is kept, sliders run the rest."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image as Pillow

from pellucid import files, request
from pellucid.image import Image
from pellucid.noise import analysis
from pellucid.pages import display
from pellucid.request import checked
from pellucid.run import Progress, State, pipeline, settle
from pellucid.run.hand import hand
from pellucid.run.verbs import inspected
from pellucid.web.sessions import Refused

SIDE = 512
"""longest side of a preview in pixels"""
MARGIN = 16
"""pixels around it that are filtered with it, so that its rim is as its middle"""
OVERVIEW = 1200
"""longest side of the overview"""
VERBS = {"denoise": request.Denoise, "restore": request.Restore, "inpaint": request.Inpaint}
AFTER = pipeline.DO.index(hand)
BEFORE_HAND = (*pipeline.DECIDE, *pipeline.DO[:AFTER])
FROM_HAND = pipeline.DO[AFTER:]


class Cancelled(Exception):  # noqa: N818 - a wish, no fault
    """The person does not want it any more."""


@dataclass(frozen=True)
class Made:
    """A picture up to the last look: strength and detail cost no second run.

    Attributes:
        state: after the stage before `hand`.
    """

    state: State

    @cached_property
    def both(self) -> tuple[State, State]:
        """All of it taken off, without and with all the detail given back."""
        return self.picture(), self.picture(detail=1.0)

    def picture(self, strength: float = 1.0, detail: float = 0.0) -> State:
        """The rest of the line at these wishes."""
        settings = self.state.settings
        asked = settings.request
        if isinstance(asked, request.Denoise):
            asked = replace(asked, strength=strength, detail=detail)
        own = replace(self.state, settings=replace(settings, request=asked))
        return pipeline.run(own, FROM_HAND)


def warm() -> None:
    """Load what the first preview needs, so that nobody waits for it."""
    ramp = np.tile(np.linspace(0.2, 0.8, 96, dtype=np.float32), (3, 96, 1))
    noise = np.random.default_rng(0).normal(0, 0.06, ramp.shape).astype(np.float32)
    picture = files.from_array(ramp + noise, channel_axis=0)
    preview(picture, (0, 0, 96, 96), {}, 0)


def made(image: Image, verb: str, given: Mapping[str, Any], progress: Callable[[Progress], None]) -> Made:
    """Run the line on an Image up to the last look.

    Args:
        image: the picture.
        verb: denoise, restore or inpaint.
        given: what is asked, by the names of the request.
        progress: called at every step.

    Raises:
        Refused: for a verb that the page does not have; ValueError for what the request refuses.
    """
    if verb not in VERBS:
        raise Refused(400, f"verb must be one of {', '.join(VERBS)}, got {verb!r}.")
    asked: Any = checked(VERBS[verb], dict(given))
    return Made(pipeline.run(State(settings=settle(asked), given=(image,), progress=progress), BEFORE_HAND))


def part(
    image: Image, top: int, left: int, height: int, width: int, slice_: int = 0
) -> tuple[Image, int, int]:
    """A part of a slice with the margin around it, and where in it the part begins."""
    full = image.pixels.shape[-2:]
    rows = slice(max(0, top - MARGIN), min(full[0], top + height + MARGIN))
    columns = slice(max(0, left - MARGIN), min(full[1], left + width + MARGIN))
    pixels = np.ascontiguousarray(image.pixels[slice_ : slice_ + 1, :, rows, columns])
    holes = None if image.holes is None else image.holes[slice_ : slice_ + 1, rows, columns].copy()
    cut = Image(
        pixels=pixels, axes="NCYX", shape=pixels.shape, color=image.color, dtype=image.dtype,
        scale=image.scale, offset=image.offset, bits=image.bits, holes=holes, name=image.name,
    )  # fmt: skip
    return cut, top - rows.start, left - columns.start


def preview(
    image: Image, box: tuple[int, int, int, int], given: Mapping[str, Any], slice_: int
) -> dict[str, Any]:
    """A part before and after, as PNG in text: what the sliders need is linear in three pictures.

    x' = y - S (r - D w r): `before` is y, `after` is x' at S = 1 and D = 0, `detailed` at S = 1 and D = 1.

    Args:
        image: the whole picture.
        box: top, left, height, width.
        given: what is asked of `denoise`; the effort is quick where nothing is said.
        slice_: of a stack.
    """
    started = time.perf_counter()
    top, left, height, width = box
    piece, down, across = part(image, top, left, height, width, slice_)
    done = made(piece, "denoise", {"effort": "quick", **given}, lambda _: None)
    plain, detailed = done.picture(), done.picture(detail=1.0)
    low, high = display.limits(image.pixels[slice_], color=image.color)

    def shown(picture: Image) -> str:
        found = picture.pixels[0][:, down : down + height, across : across + width]
        return display.data_uri(as_bytes(found, low, high))

    result = plain.result
    return {
        "before": shown(piece),
        "after": shown(plain.picture),
        "detailed": shown(detailed.picture),
        "box": list(box),
        "method": result.method,
        "reason": result.reason,
        "trust": None if result.trust is None else result.trust.to_json(),
        "seconds": round(time.perf_counter() - started, 2),
    }


def made_part(image: Image, made_: Made, box: tuple[int, int, int, int], slice_: int) -> dict[str, Any]:
    """The same of a part of what was made of the whole picture."""
    top, left, height, width = box
    low, high = display.limits(image.pixels[slice_], color=image.color)
    plain, detailed = made_.both

    def shown(picture: Image) -> str:
        found = picture.pixels[slice_][:, top : top + height, left : left + width]
        return display.data_uri(as_bytes(found, low, high))

    return {
        "before": shown(image),
        "after": shown(plain.picture),
        "detailed": shown(detailed.picture),
        "box": list(box),
    }


def told(made_: Made) -> dict[str, Any]:
    """What the person should know of what was made."""
    result = made_.both[0].result
    found: dict[str, Any] = {
        "method": result.method,
        "reason": result.reason,
        "trust": None if result.trust is None else result.trust.to_json(),
        "warnings": list(result.warnings),
    }
    mask = result.extras.get("mask")
    if mask is not None:
        found["filled"] = float(mask.mean())
        found["mask"] = display.data_uri(mask[0].astype(np.uint8) * np.uint8(255))
    return found


def as_bytes(pixels: Any, low: float, high: float) -> Any:
    """(C, H, W) as 8 bits, whatever the number of channels."""
    if len(pixels) in (1, 3):
        return display.to_bytes(pixels, low, high)
    each = np.stack([display.to_bytes(channel[None], low, high) for channel in pixels])
    return display.composite(each)


def overview(image: Image, slice_: int = 0) -> tuple[bytes, int]:
    """A slice as a PNG of at most `OVERVIEW` pixels a side, and by how much it was reduced."""
    low, high = display.limits(image.pixels[slice_], color=image.color)
    factor = -(-max(image.pixels.shape[-2:]) // OVERVIEW)
    return png(display.shrink(as_bytes(image.pixels[slice_], low, high), factor)), factor


def png(picture: Any) -> bytes:
    """The bytes of a PNG."""
    buffer = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(picture)).save(buffer, format="png", compress_level=1)
    return buffer.getvalue()


def diagnosis(image: Image) -> dict[str, Any]:
    """What the noise is and what would be done about it, in words."""
    state = inspected(image, request.Inspect())
    words = (*image.notes, *state.choice.notes, *state.prepared.sentences)
    return {
        "noise": analysis.words(state.noise),
        "notes": list(dict.fromkeys(words)),
        "method": state.choice.method,
        "reason": state.choice.reason,
        "level": state.noise.level * state.noise.scale,
        "correlated": bool(state.noise.correlated),
    }


@dataclass
class Job:
    """Something that takes its time, in a thread.

    Attributes:
        work: what is done; it is given a function to call at every step.
        state: "waiting", "working", "done", "failed" or "cancelled".
        told: the last progress in words, the error, or what came of it.
    """

    work: Callable[[Callable[[Progress], None]], dict[str, Any]]
    state: str = "waiting"
    told: dict[str, Any] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """End it at its next step."""
        self._stop.set()
        if self.state == "waiting":
            self.state = "cancelled"

    def run(self) -> None:
        """Do it; whatever happens is told, not raised."""
        if self._stop.is_set():
            self.state = "cancelled"
            return
        self.state = "working"
        started = time.perf_counter()

        def tell(progress: Progress) -> None:
            if self._stop.is_set():
                raise Cancelled
            self.told = {
                "phase": progress.phase,
                "iteration": progress.iteration,
                "total": progress.total,
                "slice": progress.slice,
                "slices": progress.slices,
            }

        try:
            outcome = self.work(tell)
        except Cancelled:
            self.state = "cancelled"
        except Exception as error:  # noqa: BLE001 - told to the person at the page
            self.told, self.state = {"error": " ".join(str(error).split()) or type(error).__name__}, "failed"
        else:
            self.told = outcome | {"seconds": round(time.perf_counter() - started, 2)}
            self.state = "cancelled" if self._stop.is_set() else "done"


def written(upload: Any, made_: Made, strength: float, detail: float) -> tuple[Any, str]:
    """The result as a file with all that the input carried: where it lies, and what to call it."""
    state = made_.picture(strength, detail)
    ending = files.ending(upload.path) or ".tif"
    target = upload.path.with_name(f"{upload.path.stem}-result{ending}")
    files.write(state.picture, target, overwrite=True)
    return target, f"{upload.name.rsplit('.', 1)[0]}-clean{ending}"
