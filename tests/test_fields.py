"""Changes to a Config from text and JSON."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest

from pellucid.fields import Option, change, check, current, describe, option, options
from pellucid.values import assignments


@dataclass(frozen=True, kw_only=True)
class Config:
    """A configuration with every kind of field."""

    depth: int = 5
    """levels
    of the network"""
    rate: float = 0.01
    """learning rate"""
    average: bool = True
    """whether to average"""
    code: Literal["noise", "image"] = "noise"
    """what goes in"""
    channels: tuple[int, ...] = (8, 16)
    """channels per level"""
    size: tuple[int, int] = (4, 4)
    """height, width"""
    limit: float | None = None
    """or no limit"""
    label: str = "x"
    """text"""

    def __post_init__(self):
        if self.depth < 1:
            raise ValueError(f"depth must be at least 1, got {self.depth}.")


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("depth", "3", 3),
        ("rate", "1e-3", 1e-3),
        ("rate", "1", 1.0),
        ("average", "false", False),
        ("average", "True", True),
        ("code", "image", "image"),
        ("channels", "1,2,3", (1, 2, 3)),
        ("channels", "(1, 2)", (1, 2)),
        ("channels", "7", (7,)),
        ("channels", [1, 2], (1, 2)),
        ("size", "2,3", (2, 3)),
        ("limit", "none", None),
        ("limit", "2.5", 2.5),
        ("limit", 3, 3.0),
        ("label", "12", "12"),
    ],
)
def test_text_becomes_the_type_of_the_field(field, text, value):
    found = getattr(change(Config(), {field: text}), field)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("depth", "3.5", "depth must be a whole number, got '3.5'"),
        ("depth", "many", "depth must be a whole number"),
        ("depth", "true", "depth must be a whole number"),
        ("depth", "0", "depth must be at least 1, got 0"),
        ("rate", "fast", "rate must be a number"),
        ("rate", "__import__('os')", "rate must be a number"),
        ("average", "1", "average must be true or false"),
        ("code", "noize", "code must be one of noise, image, got 'noize'"),
        ("size", "1,2,3", "size must be values separated by commas"),
        ("limit", "soon", "limit must be a number or none"),
        ("label", 3, "label must be text"),
        ("dept", "3", "Did you mean 'depth'?"),
    ],
)
def test_wrong_values_name_the_field(field, text, expected):
    with pytest.raises(ValueError, match="must be") as caught:
        change(Config(), {field: text})
    assert expected in str(caught.value)


def test_json_round_trip():
    config = Config(channels=(3,), limit=0.5, average=False)
    assert change(Config(), json.loads(json.dumps(dataclasses.asdict(config)))) == config


def test_help_is_the_docstring_under_the_field():
    found = {field.name: field for field in describe(Config)}
    assert found["depth"].help == "levels of the network"
    assert found["channels"].default == (8, 16)
    assert list(found) == [field.name for field in dataclasses.fields(Config)]


def test_assignments():
    assert assignments(["a=1", "b=x=y"]) == {"a": "1", "b": "x=y"}
    for wrong in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(ValueError, match="--set"):
            assignments(wrong)


def test_inherited_fields_keep_their_help_and_may_change_it():
    @dataclass(frozen=True, kw_only=True)
    class Child(Config):
        """A configuration that inherits."""

        rate: float = 0.5
        """its own words"""
        depth: int = 7

    helps = {field.name: field.help for field in describe(Child)}
    assert helps["rate"] == "its own words"
    assert helps["depth"] == "levels of the network"
    assert helps["average"] == "whether to average"


@dataclass(frozen=True, kw_only=True)
class Limited:
    """A configuration whose limits stand at its fields."""

    width: float = option(1.0, low=0, low_open=True)
    """how wide"""
    share: float | None = option(None, low=0, high=1, high_open=True, hint="Leave it out.")
    level: str = option("auto", choices=("auto", "mad"))
    """which level"""
    sizes: tuple[int, ...] = option((3, 5), low=1)
    ema: float = option(0.9, low=0, high=1, aliases=("average",))
    kind: str = option("a", choices=lambda: ["a", "b"])
    free: int = 3

    def __post_init__(self):
        check(self)


@dataclass(frozen=True, kw_only=True)
class Inheriting(Limited):
    """Other defaults, the same limits; and one of its own."""

    width: float = 2.0
    level: str = option("chen", choices=("chen",))
    free: int = option(1, low=1)
    """more"""


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (Limited, {"width": 0}, "width must be greater than 0, got 0."),
        (Limited, {"width": float("nan")}, "width must be greater than 0, got nan."),
        (Limited, {"share": 1.0}, "share must be in [0, 1), got 1.0. Leave it out."),
        (Limited, {"level": "mat"}, "level must be one of auto, mad; got 'mat'. Did you mean 'mad'?"),
        (Limited, {"sizes": (3, 0)}, "sizes must be at least 1, got 0."),
        (Limited, {"kind": "c"}, "kind must be one of a, b; got 'c'."),
        (Limited, {"width": None}, "width must be a number, got None."),
        (Limited, {"level": None}, "level must be one of auto, mad; got 'None'."),
        (Inheriting, {"width": -1.0}, "width must be greater than 0, got -1.0."),
        (Inheriting, {"level": "auto"}, "level must be one of chen; got 'auto'."),
        (Inheriting, {"free": 0}, "free must be at least 1, got 0."),
    ],
)
def test_a_field_is_held_to_what_it_says(kind, values, message):
    with pytest.raises(ValueError, match="^" + re.escape(message) + "$"):
        kind(**values)


def test_what_the_fields_admit_passes():
    made = Inheriting(width=0.5, share=None, sizes=(), ema=0)
    assert made == Inheriting(width=0.5, sizes=(), ema=0)


def test_options_know_type_default_help_and_limits():
    found = {f.name: f for f in options(Inheriting)}
    assert list(found) == ["width", "share", "level", "sizes", "ema", "kind", "free"]
    assert found["width"].type is float
    assert found["width"].default == 2.0
    assert found["width"].option == Option(low=0, low_open=True)
    assert found["level"].help == "which level"
    assert found["free"].help == "more"
    assert found["kind"].option.allowed() == ("a", "b")
    assert found["share"].type == float | None


@dataclass(frozen=True, kw_only=True)
class Loose:
    """A field that must be given, one that is made, and one whose type is not at hand."""

    picture: Unknown  # noqa: F821 - the case under test
    names: list[str] = dataclasses.field(default_factory=list)


def test_options_of_a_field_without_default_or_type():
    picture, names = options(Loose)
    assert picture.default is dataclasses.MISSING
    assert picture.type == "Unknown"
    assert names.default == []


def test_an_old_name_is_understood_and_said():
    assert current(Limited, {"average": "0.5", "width": 2}) == (
        {"ema": "0.5", "width": 2},
        ("average is now called ema.",),
    )
    assert change(Limited(), {"average": "0.5"}).ema == 0.5
    with pytest.raises(ValueError, match="ema is given twice"):
        current(Limited, {"average": 1, "ema": 2})


def test_fields_load_no_torch():
    code = "import sys, pellucid.fields; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_types_that_are_no_text_are_named_as_well(tmp_path, monkeypatch):
    """A file of another package need not put off its annotations."""
    lines = ["from dataclasses import dataclass", "@dataclass", "class Bare:", "    window: int = 5", ""]
    (tmp_path / "bare_config.py").write_text(
        "\n".join(lines) + "    share: float | None = None\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from bare_config import Bare

    assert [field.kind for field in describe(Bare)] == ["int", "float | None"]


def test_numbers_of_numpy_are_numbers_and_truths_are_not():
    made = Inheriting(width=np.float32(0.5), sizes=(np.int64(3),))
    assert made == Inheriting(width=0.5, sizes=(3,))
    assert (type(made.width), type(made.sizes[0])) == (float, int)
    assert change(Config(), {"depth": np.int64(3), "rate": np.float32(0.5)}) == Config(depth=3, rate=0.5)
    with pytest.raises(ValueError, match="depth must be a whole number"):
        change(Config(), {"depth": np.float32(3)})
    for wrong in (True, "1"):
        with pytest.raises(ValueError, match="width must be a number"):
            Inheriting(width=wrong)
