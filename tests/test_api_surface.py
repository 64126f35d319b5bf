"""The public surface is pinned: adding or losing a name is a decision, and shows up here."""

import inspect
import subprocess
import sys
from typing import get_overloads

import pytest

import pellucid
from pellucid.run import verbs

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
    "restore",
    "train",
    "upscale",
    "write",
}
DENOISE = (
    "x method preset config set shots sigma data_range nodata dtype mask noise_region hot_pixels lines level "
    "model runtime calibration near_clean effort strength detail keep_brightness force seed device stop "
    "iterations seconds adapt tile axes axis warm_start guide initial channel_axis return_result progress"
)


def test_public_names():
    assert set(pellucid.__all__) == SURFACE == set(dir(pellucid))
    for name in SURFACE:
        assert getattr(pellucid, name) is not None


INPAINT = (
    "x mask method white keep_known preset config set data_range nodata dtype seed device stop iterations "
    "seconds guide initial channel_axis return_result progress"
)
RESTORE = f"{DENOISE} damage sensitivity white document"
UPSCALE = INPAINT.replace("mask method white keep_known", "factor method")


def assert_signature(verb, names, *, positional):
    """All names, and the order of those that may be given by position."""
    found = inspect.signature(verb).parameters.values()
    assert {p.name for p in found} == set(names.split())
    assert [p.name for p in found if p.kind is p.POSITIONAL_OR_KEYWORD] == positional.split()


def test_restoring_signatures():
    assert_signature(pellucid.inpaint, INPAINT, positional="x mask method")
    assert_signature(pellucid.restore, RESTORE, positional="x mask method")
    assert_signature(pellucid.upscale, UPSCALE, positional="x factor method")


def test_denoise_signature():
    assert_signature(pellucid.denoise, DENOISE, positional="x method")


@pytest.mark.parametrize("name", ["denoise", "inpaint", "restore", "upscale"])
def test_types_say_what_comes_back(name):
    """You get back what you gave: an Image, an array or a tensor; or the Result where that is asked for."""
    picture, result = get_overloads(inspect.unwrap(getattr(pellucid, name)))
    assert picture.__annotations__["return"] == "Picture"
    assert "Picture" in picture.__annotations__["x"]
    assert picture.__annotations__["return_result"] == "Literal[False]"
    assert result.__annotations__["return"] == "Result"
    assert result.__annotations__["return_result"] == "Literal[True]"
    assert {kind.__name__ for kind in verbs.Picture.__constraints__} == {"Image", "ndarray", "Tensor"}


def test_the_docstring_explains_every_argument():
    for verb in (pellucid.denoise, pellucid.inpaint, pellucid.restore, pellucid.upscale, pellucid.inspect):
        for name in inspect.signature(verb).parameters:
            assert f"        {name}: " in verb.__doc__, (verb.__name__, name)


def test_an_argument_that_does_not_exist_is_named_with_the_nearest():
    with pytest.raises(TypeError, match=r"denoise has no argument .sigam.*sigma"):
        pellucid.denoise(None, sigam=1)


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
