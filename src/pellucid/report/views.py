"""Which pictures a page shows: a few slices, the channels, the whole picture and a crop at full size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from pellucid.files import sheet
from pellucid.image import Image, Pixels
from pellucid.pages import display

PREVIEW_PIXELS = 2_000_000
CROP_SIDE = 512
CLOSE = 224
"""side of the crops at 100 % in which most was removed: three beside each other on a page"""
MOST_SLICES = 5
MOST_CHANNELS = 8
# Raw bytes of all previews and all crops; a page beyond some 30 MB is slow to open and cannot be mailed.
PREVIEW_BYTES = 18_000_000
CROP_BYTES = 6_000_000


@dataclass(frozen=True, kw_only=True)
class PictureView:
    """Three aligned pictures of one slice, channel and region, as data: addresses.

    Attributes:
        slice, channel, region: labels; "" where there is nothing to choose.
        before, after, removed: the pictures, all of ``width`` x ``height`` pixels.
        note: how they were made, in words.
    """

    slice: str
    channel: str
    region: str
    before: str
    after: str
    removed: str
    width: int
    height: int
    note: str


@dataclass(frozen=True, kw_only=True)
class Closer:
    """A place at 100 %, as three pictures of ``side`` x ``side`` pixels or less, as data: addresses.

    Attributes:
        where: which pixels, in words.
        pictures: label and address of before, after, removed.
        width, height: of each, in pixels.
    """

    where: str
    pictures: tuple[tuple[str, str], ...]
    width: int
    height: int


def where_most(noisy: Image, estimate: Image, *, side: int = CLOSE, most: int = 2) -> list[Closer]:
    """The places in which most was removed, by the mean square over a window; none of a picture as small.

    Args:
        noisy, estimate: of one shape.
        side: of the window, pixels.
        most: how many places, which do not overlap.
    """
    count, _, height, width = noisy.pixels.shape
    if max(height, width) < 2 * side:
        return []
    n, tab = count // 2, _tabs(noisy)[0][1][:3]
    tab = tab if len(tab) == 3 else tab[:1]
    gone = noisy.pixels[n][tab] - estimate.pixels[n][tab]
    tall, wide = min(side, height), min(side, width)
    energy = ndimage.uniform_filter(np.square(gone).mean(0, dtype=np.float64), (tall, wide))
    energy = energy[tall // 2 : height - (tall - 1) // 2, wide // 2 : width - (wide - 1) // 2]
    ranges, turn = _ranges(noisy), orientation(noisy)
    found: list[Closer] = []
    while len(found) < most and energy.max() > 0:
        top, left = (int(i) for i in np.unravel_index(int(energy.argmax()), energy.shape))
        rows, columns = slice(top, top + tall), slice(left, left + wide)
        energy[max(top - tall + 1, 0) : top + tall, max(left - wide + 1, 0) : left + wide] = 0
        view = _view(noisy, estimate, n, "", tab, ("", rows, columns, 1), ranges, turn)
        shown = (("Before", view.before), ("After", view.after), ("Removed", view.removed))
        where = f"Columns {left} to {left + wide - 1}, rows {top} to {top + tall - 1}"
        found.append(Closer(where=where, pictures=shown, width=view.width, height=view.height))
    return found


def orientation(image: Image) -> int:
    """How its pixels are turned for a person, 1 to 8, as its EXIF block says."""
    return sheet.orientation_of(image.metadata.get("exif"))


def make(noisy: Image, estimate: Image) -> list[PictureView]:
    """All views of a page, turned as the file says; the first is shown when it opens."""
    count, _, height, width = noisy.pixels.shape
    tabs = _tabs(noisy)
    slices = _spread(count, MOST_SLICES if len(tabs) == 1 else 3)
    per_pixel = 3 * len(slices) * sum(3 if len(tab) != 1 else 1 for _, tab in tabs)
    factor = math.ceil(math.sqrt(height * width / min(PREVIEW_PIXELS, PREVIEW_BYTES / per_pixel)))
    side = min(CROP_SIDE, int(math.sqrt(CROP_BYTES / per_pixel)))
    regions: list[tuple[str, slice, slice, int]] = [("", slice(None), slice(None), 1)]
    if factor > 1:
        rows, columns = most_detailed(estimate.pixels[slices[len(slices) // 2]], side)
        regions = [("whole", slice(None), slice(None), factor), ("crop at full size", rows, columns, 1)]
    ranges, turn = _ranges(noisy), orientation(noisy)
    return [
        _view(noisy, estimate, n, label, tab, region, ranges, turn)
        for n in slices
        for label, tab in tabs
        for region in regions
    ]


def channel_names(image: Image) -> list[str]:
    """What to call the channels.

    >>> pixels = np.zeros((1, 3, 2, 2), np.float32)
    >>> channel_names(Image(pixels=pixels, axes="YXS", shape=(2, 2, 3), color=True, dtype="uint8", scale=255))
    ['red', 'green', 'blue']
    """
    channels = image.pixels.shape[1]
    if image.color and channels == 3:
        return ["red", "green", "blue"]
    return ["gray"] if channels == 1 else [f"channel {c + 1}" for c in range(channels)]


def most_detailed(pixels: Pixels, side: int) -> tuple[slice, slice]:
    """Rows and columns of the ``side`` x ``side`` block of (C, H, W) with the most detail.

    Detail is the summed absolute difference of neighbours, taken on the estimate, where noise does not count.
    """
    gray = pixels.mean(axis=0)
    detail = np.zeros_like(gray)
    detail[:, 1:] += np.abs(np.diff(gray, axis=1))
    detail[1:, :] += np.abs(np.diff(gray, axis=0))
    height, width = gray.shape
    tops, lefts = (list(range(0, max(1, size - side + 1), max(1, side // 2))) for size in (height, width))
    top, left = max(
        ((t, l_) for t in tops for l_ in lefts),
        key=lambda at: float(detail[at[0] : at[0] + side, at[1] : at[1] + side].sum()),
    )
    return slice(top, min(top + side, height)), slice(left, min(left + side, width))


def _tabs(image: Image) -> list[tuple[str, list[int]]]:
    """Label and channel numbers of each tab."""
    channels = image.pixels.shape[1]
    if channels == 1 or (image.color and channels == 3):
        return [("", list(range(channels)))]
    shown = list(range(min(channels, MOST_CHANNELS)))
    names = channel_names(image)
    return [("composite", shown), *((names[c], [c]) for c in shown)]


def _ranges(image: Image) -> list[tuple[float, float]]:
    """Display limits per channel; the channels of a colour picture share theirs, or colours would shift."""
    channels = image.pixels.shape[1]
    if image.color:
        return [display.limits(image.pixels, color=True)] * channels
    return [display.limits(image.pixels[:, c], color=False) for c in range(channels)]


def _view(
    noisy: Image,
    estimate: Image,
    n: int,
    label: str,
    tab: list[int],
    region: tuple[str, slice, slice, int],
    ranges: list[tuple[float, float]],
    turn: int,
) -> PictureView:
    where, rows, columns, factor = region
    span = np.array([high - low for low, high in ranges], np.float32)[:, None, None]
    removed = (noisy.pixels[n] - estimate.pixels[n])[tab] / span[tab]
    spread = float(np.sqrt(np.mean(removed**2)))
    gain = display.nice_factor(0.25 / spread) if spread > 1e-7 else 1.0
    removed = removed[:, rows, columns]
    if label == "composite":
        mix = [
            display.composite(
                np.stack([display.to_bytes(i.pixels[n, [c], rows, columns], *ranges[c]) for c in tab])
            )
            for i in (noisy, estimate)
        ]
        removed = removed.mean(axis=0, keepdims=True)
    else:
        mix = [
            display.to_bytes(i.pixels[n][tab][:, rows, columns], *ranges[tab[0]]) for i in (noisy, estimate)
        ]
    third = display.to_bytes(removed * np.float32(gain), -0.5, 0.5)
    before, after, third = (sheet.turned(display.shrink(p, factor), turn) for p in (*mix, third))
    size = noisy.pixels.shape[2:]
    return PictureView(
        slice="" if len(noisy.pixels) == 1 else f"{n + 1} of {len(noisy.pixels)}",
        channel=label,
        region=where,
        before=display.data_uri(before),
        after=display.data_uri(after),
        removed=display.data_uri(third),
        width=before.shape[1],
        height=before.shape[0],
        note=_note(noisy, label, [ranges[c] for c in tab], gain, spread, factor, where, rows, columns, size),
    )


def _note(
    image: Image,
    label: str,
    ranges: list[tuple[float, float]],
    gain: float,
    spread: float,
    factor: int,
    where: str,
    rows: slice,
    columns: slice,
    size: tuple[int, ...],
) -> str:
    """What was done to the data to show them."""
    parts = []
    if factor > 1:
        parts.append(
            f"Preview {factor} times smaller than the picture ({size[1]} x {size[0]} pixels): averaging "
            "hides noise. Judge the noise in the crop at full size."
        )
    elif where:
        parts.append(
            f"Pixels {columns.start} to {columns.stop - 1} across and {rows.start} to {rows.stop - 1} down, "
            "the part with the most detail, at full size."
        )
    if label == "composite":
        parts.append("Each channel in its own colour, each stretched to its own range.")
    elif ranges[0] != (0.0, 1.0):
        digits = 10 if image.offset else 5
        low, high = (f"{v * image.scale + image.offset:.{digits}g}" for v in ranges[0])
        parts.append(f"Contrast stretched: black is {low}, white is {high} in the units of the file.")
    if spread > 1e-7:
        times = f"amplified {gain:g} times" if gain > 1 else f"shown at {gain:g} of its strength"
        times = "not amplified" if gain == 1 else times
        parts.append(f"Removed part {times}; mid-gray means nothing was removed.")
    else:
        parts.append("Nothing was removed here.")
    return " ".join(parts)


def _spread(count: int, most: int) -> list[int]:
    """Up to ``most`` numbers below ``count``, evenly spread, ends included."""
    return sorted({round(v) for v in np.linspace(0, count - 1, min(count, most))})
