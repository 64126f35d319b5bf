"""Requests are checked before anything is read; a flag that would do nothing is refused."""

import pytest

from pellucid import methods
from pellucid.request import Denoise
from pellucid.run import settle


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"method": "bm3dd"}, "Did you mean 'bm3d'"),
        ({"level": "max"}, "level must be one of auto, mad, chen"),
        ({"sigma": -0.1}, "sigma must be 0 or more"),
        ({"sigma": float("nan")}, "sigma must be 0 or more"),
        ({"data_range": 0.0}, "data_range must be greater than 0"),
        ({"sigma": 0.1, "level": "mad"}, "Keep one of them"),
        ({"method": "nlm", "preset": "slow"}, "preset must be one of"),
        ({"method": "nlm", "set": {"patch_sise": 3}}, "Did you mean 'patch_size'"),
        ({"method": "nlm", "set": {"cut_off": 0}}, "cut_off must be greater than 0"),
        ({"method": "nlm", "model": "x.pth"}, "model does not apply to method nlm"),
        ({"method": "nlm", "stop": "plateau"}, "stop does not apply to method nlm"),
        ({"method": "nlm", "iterations": 5}, "iterations does not apply"),
        ({"method": "nlm", "seconds": 5.0}, "seconds does not apply"),
        ({"method": "median", "sigma": 0.1}, "sigma does not apply to method median"),
        ({"method": "median", "level": "mad"}, "level does not apply to method median"),
        ({"method": "dncnn"}, "needs a file with weights"),
        ({"method": "dip", "iterations": 0}, "iterations must be at least 1"),
        ({"method": "dip", "seconds": 0.0}, "seconds must be greater than 0"),
        ({"method": "dip", "stop": "es-env"}, "Did you mean 'es-emv'"),
        ({"method": "auto", "stop": "plateau"}, "stop does not apply to method auto"),
        ({"method": "auto", "preset": "fast"}, "preset does not apply to method auto"),
        ({"method": "auto", "set": {"x": 1}}, "set does not apply to method auto"),
        ({"device": "abacus"}, "device must be"),
        ({"tile": 4}, "tile must be at least 32"),
    ],
)
def test_wrong_requests(request_, expected):
    with pytest.raises(ValueError, match=r".") as caught:
        settle(Denoise(**request_))
    assert expected in str(caught.value)


def test_config_of_another_method_is_refused():
    with pytest.raises(TypeError, match="config must be the Config of nlm"):
        settle(Denoise(method="nlm", config=methods.load("tv").config()))


def test_set_applies_on_top_of_the_preset():
    fast = methods.load("nlm").presets["fast"]
    assert settle(Denoise(method="nlm")).config == fast
    changed = settle(Denoise(method="nlm", set={"cut_off": "0.8"})).config
    assert (changed.cut_off, changed.patch_size) == (0.8, fast.patch_size)
    paper = settle(Denoise(method="nlm", preset="paper")).config
    assert paper == methods.load("nlm").presets["paper"]


def test_settings_by_old_names_are_understood_and_said():
    """In the Result too: a program does not show Python's warnings to who uses it."""
    settings = settle(Denoise(method="photo", set={"looks": 1}))
    assert settings.config.tta_views == 1
    assert settings.notes == ("looks is now called tta_views.",)
