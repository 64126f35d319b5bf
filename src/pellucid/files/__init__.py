"""Images in and out: the only place where pixels are rounded and clipped.

`read` and `write` for files of the formats in `formats.TABLE`, `from_array` and `to_array` for arrays.
"""

from pellucid.files.arrays import from_array, to_array
from pellucid.files.enlarging import enlarged
from pellucid.files.floats import as_floats
from pellucid.files.formats import FORMATS, SUFFIXES, TABLE, ending, lossless, of_name, of_output
from pellucid.files.reading import read
from pellucid.files.stored import ranged_by
from pellucid.files.writing import check, write

__all__ = [
    "FORMATS",
    "SUFFIXES",
    "TABLE",
    "as_floats",
    "check",
    "ending",
    "enlarged",
    "from_array",
    "lossless",
    "of_name",
    "of_output",
    "ranged_by",
    "read",
    "to_array",
    "write",
]
