"""The networks of others at the size of their public files: counted, weighed, and told on the page."""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from pellucid import extras

ROOT = Path(__file__).resolve().parents[2]
ROWS = json.loads((ROOT / "benchmarks/results/zoo_files.json").read_text())["rows"]
FILES = {name: file for row in ROWS.values() for name, file in row["files"].items()}
BUILT = {name: row for name, row in ROWS.items() if name not in ("DnCNN color", "FFDNet color")}
SPANDREL = ("SwinIR", "NAFNet", "SCUNet", "DRUNet")

pytestmark = pytest.mark.filterwarnings("ignore:torch.meshgrid")  # of spandrel's SwinIR


@pytest.fixture(scope="module")
def zoo():
    """The benchmark that builds them."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        yield importlib.import_module("zoo")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
        sys.modules.pop("zoo", None)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def decimals(millions: float) -> int:
    return len(str(millions).partition(".")[2])


def built(zoo, name: str) -> nn.Module:
    if name.startswith(SPANDREL) and not extras.here("spandrel"):
        pytest.skip("spandrel is not installed")
    if name.startswith(("SwinIR", "SCUNet")):  # their masks are computed from values
        return zoo.NETWORKS[name]()
    with torch.device("meta"):
        return zoo.NETWORKS[name]()


@pytest.mark.parametrize("name", BUILT)
def test_a_network_has_the_weights_and_bytes_that_are_published(zoo, name):
    """A file of torch holds the values as they are; the archive around them is small."""
    network, row = built(zoo, name), BUILT[name]
    assert count(network) == row["counted"]
    if row["published_millions"] is not None:
        published = row["published_millions"]
        assert round(count(network) / 1e6, decimals(published)) == published
    held = sum(v.numel() * v.element_size() for v in network.state_dict().values())
    for file in row["files"].values():
        if file["bytes"] is not None:
            assert 0.997 < held / file["bytes"] < 1


@pytest.mark.parametrize("name", ["DnCNN color", "FFDNet color"])
def test_the_small_ones_have_the_weights_that_are_published(name):
    from pellucid.networks.classics import DnCNN, FFDNet

    network = DnCNN(3, depth=20) if name == "DnCNN color" else FFDNet(3, depth=12, width=96)
    published = ROWS[name]["published_millions"]
    assert round(count(network) / 1e6, decimals(published)) == published


def test_what_swinir_says_of_the_network_with_enlargement(zoo):
    """11.9 M, in the table of the authors' README."""
    if not extras.here("spandrel"):
        pytest.skip("spandrel is not installed")
    form = zoo.SWINIR | {"upscale": 4, "img_size": 48, "upsampler": "pixelshuffle"}
    assert round(count(zoo.of_spandrel("SwinIR", **form)) / 1e6, 1) == 11.9


def test_hashes_stand_on_the_page_as_they_were_found():
    page = (ROOT / "docs/zoo.md").read_text()
    known = {name: file["sha256"] for name, file in FILES.items() if file["sha256"] is not None}
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in known.values())
    assert len(set(known.values())) == len(known)
    assert dict(re.findall(r"^\| `([^`]+)` \| [\d,–]+ \| `([0-9a-f]{64})` \|", page, re.M)) == known
    for name, file in FILES.items():
        assert (file["sha256"] is None) == (file["recorded"] == 0), name
