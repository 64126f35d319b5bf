"""The public surface is pinned: adding or losing a name is a decision, and shows up here."""

import inspect
import subprocess
import sys

import pytest

import pellucid

SURFACE = {
    "Image",
    "Method",
    "NoiseReport",
    "Progress",
    "Result",
    "__version__",
    "denoise",
    "inpaint",
    "inspect",
    "methods",
    "read",
    "train",
    "upscale",
    "write",
}
DENOISE = (
    "x method preset config set shots sigma data_range level model near_clean seed device stop iterations "
    "seconds adapt tile guide initial channel_axis return_result progress"
)


def test_public_names():
    assert set(pellucid.__all__) == SURFACE == set(dir(pellucid))
    for name in SURFACE:
        assert getattr(pellucid, name) is not None


INPAINT = (
    "x mask method keep_known preset config set data_range seed device stop iterations seconds guide "
    "initial channel_axis return_result progress"
)
UPSCALE = INPAINT.replace("mask method keep_known", "factor method")


def test_restoring_signatures():
    assert list(inspect.signature(pellucid.inpaint).parameters) == INPAINT.split()
    assert list(inspect.signature(pellucid.upscale).parameters) == UPSCALE.split()


def test_denoise_signature():
    assert list(inspect.signature(pellucid.denoise).parameters) == DENOISE.split()


def test_unknown_name_says_what_there_is():
    with pytest.raises(AttributeError, match="denoise"):
        pellucid.denoize  # noqa: B018


def test_version_is_the_distribution_s():
    from importlib.metadata import version

    assert pellucid.__version__ == version("pellucid")


def test_import_loads_no_torch():
    code = "import pellucid, sys; print(sorted({'torch', 'skimage', 'numpy', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
