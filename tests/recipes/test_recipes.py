"""The recipes of the shipped models: what starts a training, and where its pictures come from."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import pytest
import torch
from PIL import Image as Pillow

from pellucid import seeds
from pellucid.networks.swift import Swift

RECIPES = Path(__file__).parents[2] / "recipes"


def recipe(name):
    spec = importlib.util.spec_from_file_location(name, RECIPES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def built(widths, blocks, seed):
    with seeds.fixed(seed):
        network = Swift(3, 3, widths=widths, blocks=blocks)
        torch.nn.init.normal_(network.tail.weight, std=0.05)
    return network


@pytest.mark.parametrize("blocks", [(1, 1), (2, 2)])
def test_a_widened_network_begins_as_the_narrow_one_and_every_weight_can_learn(blocks):
    old, new = built((4, 6), (1, 1), 0), built((6, 9), blocks, 1)
    new.load_state_dict(recipe("widen").widened(old.state_dict(), new.state_dict()))
    noisy = torch.rand(1, 3, 20, 24, generator=seeds.generator(2))
    sigma = torch.full((1, 1, 1, 1), 0.1)
    output = new(noisy, sigma)
    torch.testing.assert_close(output, old(noisy, sigma))
    output.square().mean().backward()
    seen = {name: float(weight.grad.abs().sum()) for name, weight in new.named_parameters()}
    # The first convolution of a block that begins as nothing learns from the second step on.
    assert {name for name, size in seen.items() if size == 0} == {
        f"{part}.1.first.weight" for part in ("down.0", "middle", "up.0") if blocks == (2, 2)
    }


def test_a_gray_start_does_with_a_gray_picture_what_the_colour_model_does():
    color, gray = built((4, 6), (1, 1), 0), Swift(1, 1, widths=(4, 6), blocks=(1, 1))
    gray.load_state_dict(recipe("gray").gray(color.state_dict()))
    noisy = torch.rand(1, 1, 12, 16, generator=seeds.generator(2))
    of_color = color(noisy.expand(1, 3, 12, 16), torch.full((1, 1, 1, 1), 0.1))
    found = gray(noisy, torch.full((1, 1, 1, 1), 0.1 / 3**0.5))
    torch.testing.assert_close(found, of_color.mean(1, keepdim=True))


def test_pictures_are_found_in_resources_and_reduced_to_half():
    pictures = recipe("pictures")
    buffers = []
    for size in ((900, 40), (30, 20), (60, 800)):
        buffers.append(io.BytesIO())
        Pillow.new("RGB", size, (200, 10, 30)).save(buffers[-1], "WEBP")
    content = b"head RIFF tail".join(buffer.getvalue() for buffer in buffers)
    found = list(pictures.webp(content))
    assert [picture.size for picture in found] == [(900, 40), (60, 800)]
    assert pictures.reduced(found[0]).size == (450, 20)
    assert pictures.reduced(Pillow.new("RGB", (4800, 2400))).size == (1200, 600)


def test_every_picture_has_a_name_of_its_own():
    pictures = recipe("pictures")
    names = [pictures.kept_name(name) for files in pictures.FILES.values() for name in files]
    names += pictures.SKIMAGE
    assert len(names) == len(set(names))
    assert "cat" not in pictures.SKIMAGE  # the demo
    numbered = {name for name in pictures.HELD_OUT if name.startswith(("erase-", "explore_"))}
    assert set(pictures.HELD_OUT) - numbered < set(names)
