"""Arrays of a Zarr store that has no values yet, of another type: what Zarr 2 and 3 say of them, changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

KEPT = frozenset(
    ("transpose", "sharding_indexed", "crc32c", "gzip", "zstd", "blosc", "zlib", "lz4", "lzma", "bz2")
)
"""codecs that work on any type; others, such as differences of integers, are left out"""


def retype(path: Path, names: Sequence[str], dtype: np.dtype[Any]) -> None:
    """Give the arrays of some names another type, also where the store says it a second time (consolidated).

    Args:
        path: of the store.
        names: of its arrays, "" for the store itself.
        dtype: floats of 32 bits.
    """
    for name in names:
        for head in (".zarray", "zarr.json"):
            _change(path / name / head, lambda told: _array(told, dtype))
    _change(
        path / ".zmetadata", lambda told: _consolidated(told.get("metadata", {}), names, "/.zarray", dtype)
    )
    _change(
        path / "zarr.json",
        lambda told: _consolidated(
            (told.get("consolidated_metadata") or {}).get("metadata", {}), names, "", dtype
        ),
    )


def _change(path: Path, change: Any) -> None:
    """A JSON file, changed in place."""
    if not path.is_file():
        return
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told, indent=2))


def _consolidated(told: Any, names: Sequence[str], ending: str, dtype: np.dtype[Any]) -> None:
    for name in names:
        if f"{name}{ending}".lstrip("/") in told:
            _array(told[f"{name}{ending}".lstrip("/")], dtype)


def _array(told: Any, dtype: np.dtype[Any]) -> None:
    """What is said of one array."""
    fill = told.get("fill_value")
    if told.get("zarr_format") == 2 and "dtype" in told:
        told["dtype"] = dtype.newbyteorder("<").str
        told["filters"] = [one for one in told.get("filters") or () if one.get("id") in KEPT] or None
    elif "data_type" in told:
        told["data_type"] = dtype.name
        told["codecs"] = _codecs(told["codecs"], dtype)
    else:
        return
    told["fill_value"] = None if fill is None else float(fill)


def _codecs(codecs: Sequence[Any], dtype: np.dtype[Any]) -> list[Any]:
    """The codecs of Zarr 3, of the chunks of a shard as well."""
    found = []
    for one in codecs:
        if one["name"] == "bytes":
            one = {"name": "bytes", "configuration": {"endian": "little"}}
        elif one["name"] not in KEPT:
            continue
        own = dict(one.get("configuration") or {})
        if one["name"] == "blosc":
            own["typesize"] = dtype.itemsize
        if one["name"] == "sharding_indexed":
            own["codecs"] = _codecs(own["codecs"], dtype)
        found.append({**one, "configuration": own} if own else one)
    return found
