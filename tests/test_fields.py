"""Changes to a Config from text and JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Literal

import pytest

from pellucid.fields import assignments, change, describe


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
