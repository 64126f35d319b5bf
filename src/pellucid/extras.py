"""Parts of pellucid that a plain install leaves out: which packages they need, and how to get them."""

from __future__ import annotations

from importlib.util import find_spec

PACKAGES = {
    "train": ("lightning", "tensorboard"),
    "bench": ("matplotlib",),
    "heic": ("pillow_heif",),
    "raw": ("rawpy",),
    "fits": ("astropy",),
    "mrc": ("mrcfile",),
    "dicom": ("pydicom",),
    "microscopes": ("czifile", "liffile", "nd2"),
    "zoo": ("spandrel",),
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
    "openvino": ("openvino", "onnx", "onnxscript"),
    "serve": ("starlette", "uvicorn"),
    "zarr": ("zarr",),
    "scale": ("distributed",),
    "web": ("starlette", "uvicorn"),
}
"""the packages of an extra, as they are imported; pyproject.toml holds their versions"""


class MissingExtra(ImportError):  # noqa: N818 - what is missing is no fault of the program
    """An extra is not installed; the message is one line that says how to install it."""


def need(extra: str, what: str, *packages: str) -> None:
    """Refuse at once what cannot be done without an extra; nothing is imported by asking.

    Args:
        extra: a key of `PACKAGES`.
        what: what was asked for, as the start of a sentence.
        *packages: those of the extra that it needs; all where none is named.

    Raises:
        MissingExtra: naming the packages that are not installed and the install command.

    >>> need("train", "Training")
    """
    missing = [name for name in packages or PACKAGES[extra] if not here(name)]
    if missing:
        raise MissingExtra(
            f"{what} needs {' and '.join(missing)}, which a plain install leaves out. "
            f"Install with: pip install 'pellucid[{extra}]'"
        )


def here(name: str) -> bool:
    """Whether a package can be imported.

    >>> here("json"), here("no_such_package")
    (True, False)
    """
    try:
        return find_spec(name) is not None
    except ValueError:  # a module without a spec, or None in its place, is in sys.modules
        return False
