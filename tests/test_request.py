"""Requests: the command line, Python and JSON say the same, and what is wrong is refused at once."""

import dataclasses
import json
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest

from pellucid import fields, request
from pellucid.request import Denoise, Inpaint, Inspect, Output, Request, Train, Upscale

POSITIONAL = {"method", "mask", "factor", "data", "out"}
"""arguments of the Python verbs that stand in their signatures"""


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Denoise, request.DenoiseOptions),
        (Inpaint, request.InpaintOptions),
        (Upscale, request.RequestOptions),
        (Request, request.RequestOptions),
        (Train, request.TrainOptions),
    ],
)
def test_keyword_arguments_are_the_fields(kind, options):
    """An option is written twice, and both say the same name and type."""
    positional = POSITIONAL - {"mask"} if kind is Denoise else POSITIONAL
    names = {f.name for f in fields.options(kind) if f.option.python} - positional
    hints = get_type_hints(kind)
    assert get_type_hints(options) == {name: hints[name] for name in names}


@pytest.mark.parametrize("kind", [Denoise, Inpaint, Upscale, Inspect, Output, Train])
def test_every_field_has_a_help_of_one_sentence_or_two(kind):
    for field in fields.options(kind):
        assert field.help.endswith("."), field.name
        assert len(field.help) < 115, field.name


@pytest.mark.parametrize(
    "asked",
    [
        Denoise(),
        Denoise(method="dip", set={"iterations": 3}, stop="none", seed=5, shots=True, near_clean=("a", "b")),
        Inpaint(mask="hole.png", guide="flash.png", keep_known=False, seconds=2.5),
        Upscale(factor=4, data_range=255.0),
        Output(out=Path("a.png"), reference=(Path("b.png"), Path("c.png"))),
        Inspect(data_range=2000),
        Train(method="n2n", data=Path("in"), out=Path("m.safetensors"), scales=(0.5, 1.0), start="x"),
    ],
)
def test_json_and_back(asked):
    text = request.to_json(asked)
    assert set(json.loads(text)) == set(request.stated(asked))
    assert request.from_json(type(asked), text) == asked


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "must be a JSON object, got list"),
        ("{", "must be JSON"),
        ('{"sigam": 1}', "Did you mean 'sigma'"),
        ('{"seed": "many"}', "seed must be a whole number, got 'many'"),
        ('{"tile": 4}', "tile must be at least 32"),
    ],
)
def test_json_that_is_wrong(text, words):
    with pytest.raises(ValueError, match=r".") as caught:
        request.from_json(Denoise, text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "given", [{"guide": np.zeros(2)}, {"config": object()}, {"initial": {"w": np.ones(1)}}]
)
def test_what_json_cannot_hold(given):
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        request.to_json(Denoise(**given))


def test_a_picture_is_stated_and_not_compared():
    assert request.stated(Denoise(guide=np.zeros((2, 2)), seed=0)) == ["guide"]


def test_a_request_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Denoise().seed = 1


@pytest.mark.parametrize(
    "asked",
    [
        Denoise(near_clean=["bm3d", "nlm"], set={"channels": (1, 2)}, guide=Path("flash.png")),
        Denoise(set={}, seed=np.int64(3), seconds=np.float32(0.5)),
        Inpaint(mask=Path("hole.png")),
        Train(method="n2n", data="in", out="m.safetensors", pairs=Path("truth"), scales=[1.0, 0.5]),
        Output(out="a.png"),
    ],
)
def test_what_means_the_same_is_equal_after_json(asked):
    assert request.from_json(type(asked), request.to_json(asked)) == asked


def test_a_request_keeps_its_own_copy_of_the_changes():
    given = {"iterations": 3}
    asked = Denoise(method="dip", set=given)
    given["iterations"] = 4
    assert asked.set == {"iterations": 3}


def test_json_that_lacks_what_must_be_given():
    with pytest.raises(ValueError, match="a request of inpaint must name mask"):
        request.from_json(Inpaint, '{"method": "dip"}')
