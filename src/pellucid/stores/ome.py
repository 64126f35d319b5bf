"""What OME metadata tell of the axes: distances, units and the names of channels, in TIFF and in Zarr."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pellucid.stores.store import Form

UNITS = {
    "m": "meter",
    "cm": "centimeter",
    "mm": "millimeter",
    "µm": "micrometer",
    "nm": "nanometer",
    "pm": "picometer",
    "Å": "angstrom",
    "in.": "inch",
    "s": "second",
    "ms": "millisecond",
    "µs": "microsecond",
    "ns": "nanosecond",
    "min": "minute",
    "h": "hour",
    "d": "day",
}
"""units as OME-XML writes them, and as OME-Zarr does"""
SHORT = {long: short for short, long in UNITS.items()}
IMAGEJ = {"micron": "micrometer", "um": "micrometer", "\\u00B5m": "micrometer", "sec": "second"}
TYPES = {"T": "time", "C": "channel", "S": "channel"}
"""the types of axes in OME-Zarr; all others are of space, or have none"""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What metadata tell of the axes; see `Form`."""

    spacing: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[str, ...] = ()


def told(xml: str, file: Any) -> Told:
    """What the OME-XML of a TIFF file tells, or its ImageJ metadata.

    Args:
        xml: "" where there is none.
        file: the tifffile.TiffFile.
    """
    if xml:
        return of_xml(xml)
    found: Mapping[str, Any] = file.imagej_metadata or {} if file.is_imagej else {}
    unit = str(found.get("unit", ""))
    unit = IMAGEJ.get(unit, UNITS.get(unit, unit))
    spacing: dict[str, float] = {}
    units: dict[str, str] = {}
    page = file.pages.first
    if unit and unit != "pixel":
        for letter, code in (("X", 282), ("Y", 283)):
            value = page.tags[code].value if code in page.tags else (0, 1)
            if value[0]:
                spacing[letter], units[letter] = value[1] / value[0], unit
        if "spacing" in found:
            spacing["Z"], units["Z"] = abs(float(found["spacing"])), unit
    if found.get("finterval"):
        own = str(found.get("tunit", "s"))
        spacing["T"], units["T"] = float(found["finterval"]), IMAGEJ.get(own, UNITS.get(own, own))
    return Told(spacing=spacing, units=units)


def of_xml(xml: str) -> Told:
    """What OME-XML tells of its first picture.

    >>> of_xml('<OME xmlns="x"><Image><Pixels PhysicalSizeZ="2" PhysicalSizeZUnit="nm"><Channel Name="a"/>'
    ...        '</Pixels></Image></OME>')
    Told(spacing={'Z': 2.0}, units={'Z': 'nanometer'}, channels=('a',))
    """
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return Told()
    pixels = root.find(".//{*}Pixels")
    if pixels is None:
        return Told()
    spacing: dict[str, float] = {}
    units: dict[str, str] = {}
    for letter, key, unit in (
        ("X", "PhysicalSizeX", "µm"),
        ("Y", "PhysicalSizeY", "µm"),
        ("Z", "PhysicalSizeZ", "µm"),
        ("T", "TimeIncrement", "s"),
    ):
        value = _positive(pixels.get(key))
        if value is not None:
            spacing[letter] = value
            units[letter] = UNITS.get(pixels.get(f"{key}Unit", unit), pixels.get(f"{key}Unit", unit))
    names = tuple(channel.get("Name", "") for channel in pixels.findall("{*}Channel"))
    return Told(spacing=spacing, units=units, channels=names if any(names) else ())


def description(form: Form) -> dict[str, Any]:
    """The same for tifffile, which writes OME-XML of it."""
    found: dict[str, Any] = {"axes": form.axes}
    for letter, key in (("X", "PhysicalSizeX"), ("Y", "PhysicalSizeY"), ("Z", "PhysicalSizeZ")):
        if letter in form.spacing:
            found[key] = form.spacing[letter]
            found[f"{key}Unit"] = SHORT.get(form.units.get(letter, ""), form.units.get(letter) or "µm")
    if "T" in form.spacing:
        found["TimeIncrement"] = form.spacing["T"]
        found["TimeIncrementUnit"] = SHORT.get(form.units.get("T", ""), form.units.get("T") or "s")
    if form.channels:
        found["Channel"] = {"Name": list(form.channels)}
    return found


def axes(form: Form) -> list[dict[str, str]]:
    """The axes as OME-Zarr describes them."""
    described = []
    for letter in form.axes:
        kind = TYPES.get(letter, "space" if letter in "XYZ" else "")
        one = {"name": letter.lower()} | ({"type": kind} if kind else {})
        described.append(one | ({"unit": form.units[letter]} if letter in form.units else {}))
    return described


def _positive(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None
