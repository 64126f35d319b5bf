"""A model as ONNX, made in a process of its own: `python -m pellucid.exporting.graph MODEL OUT`.

The exporter of torch sets warning filters, logs, and loads a compiler. A process that ends with it is the one
place where that is nobody's business.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pellucid import learning, methods, models
from pellucid.models.exported import Facts
from pellucid.models.exported.onnx_file import MOST
from pellucid.models.keeping import hash_of

SIDES = (72, 88)
"""of the picture that is traced, multiples of 8 for networks that ask for it, but not equal"""
OPSET = 20
LONGEST = 1800.0
"""seconds that the exporter may take"""


class Graph(nn.Module):
    """A network with what is done before and after it: standardising, also of the level."""

    def __init__(self, model: models.Model) -> None:
        super().__init__()
        self.network = model.network
        mean, std = models.factors(model.card)
        self.plain = not (mean.any() or (std != 1).any())
        self.mean, self.std = nn.Buffer(mean), nn.Buffer(std)
        self.unit = float(std.square().mean().sqrt())

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        """(N, C, H, W) to the same, working units."""
        if self.plain:
            return learning.apply(self.network, noisy, sigma)
        made = learning.apply(self.network, (noisy - self.mean) / self.std, sigma / self.unit)
        return made * self.std + self.mean


class Untold(Graph):
    """The same for a network that is not told the level."""

    def forward(self, noisy: Tensor) -> Tensor:  # type: ignore[override]
        """(N, C, H, W) to the same, working units."""
        return super().forward(noisy, noisy)


def write(model: Path, out: Path) -> Facts:
    """Write a model as ONNX, in a process of its own.

    Args:
        model: a model file.
        out: what to write.

    Raises:
        ValueError: when the exporter fails, with its last words.
    """
    command = [sys.executable, "-P", "-W", "ignore", "-m", __spec__.name, str(model), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    if done.returncode or not out.is_file():
        words = " ".join(done.stderr.strip().splitlines()[-1:])[:300]
        raise ValueError(f"{model.name} cannot be exported: {words or 'the exporter gave no reason'}")
    from pellucid.models import exported

    return exported.facts(out)


def _make(path: Path, out: Path) -> None:
    """The work of that process."""
    card = models.read_card(path)
    method = methods.load(card.method)
    if method.learning is None:
        raise ValueError(f"{card.method} is not trained")
    model = models.load(path, method.name, method.learning, method.config)
    told = bool(getattr(model.network, "conditioned", False))
    picture = torch.rand(2, card.channels, *SIDES)
    sides = {0: "batch", 2: "height", 3: "width"}
    program: Any = torch.onnx.export(
        (Graph(model) if told else Untold(model)).eval(),
        (picture, torch.full_like(picture, 0.1)) if told else (picture,),
        input_names=["noisy", "sigma"] if told else ["noisy"],
        output_names=["estimate"],
        dynamic_shapes={"noisy": sides} | ({"sigma": sides} if told else {}),
        dynamo=True,
        opset_version=OPSET,
        optimize=True,
        verbose=False,
    )
    facts = Facts(
        card=_standardised(card),
        conditioned=told,
        least=max(1, 2 * int(getattr(model.network, "multiple", 1))),
        source=hash_of(path),
    )
    save(program.model_proto, facts, out)


def save(graph: Any, facts: Facts, out: Path) -> None:
    """Write a graph with its card, weights and all in one file.

    The level is what broadcasts to the picture, down to a single number, (1, 1, 1, 1).
    """
    import onnx

    if facts.conditioned and not any(n.output[:1] == ["whole_sigma"] for n in graph.graph.node):
        for node in graph.graph.node:
            for place, name in enumerate(node.input):
                if name == "sigma":
                    node.input[place] = "whole_sigma"
        sigma = next(one for one in graph.graph.input if one.name == "sigma")
        for axis, dim in zip(
            ("batch", "channels", "height", "width"), sigma.type.tensor_type.shape.dim, strict=True
        ):
            dim.Clear()
            dim.dim_param = f"sigma_{axis}"
        first = [
            onnx.helper.make_node("Shape", ["noisy"], ["whole_shape"], name="whole_shape"),
            onnx.helper.make_node("Expand", ["sigma", "whole_shape"], ["whole_sigma"], name="whole_sigma"),
        ]
        nodes = [*first, *graph.graph.node]
        del graph.graph.node[:]
        graph.graph.node.extend(nodes)
    for node in graph.graph.node:  # names of the exporter's own source files
        del node.metadata_props[:]
        node.ClearField("doc_string")
    del graph.graph.value_info[:]
    del graph.metadata_props[:]
    for key, text in facts.texts().items():
        graph.metadata_props.add(key=key, value=text)
    graph.producer_name = "pellucid"
    data = graph.SerializeToString()
    if len(data) > MOST:
        raise ValueError(f"the graph has {len(data) >> 20} MB, more than {MOST >> 20}")
    onnx.checker.check_model(graph)
    out.write_bytes(data)


def _standardised(card: models.Card) -> models.Card:
    """The card of a graph that standardises itself."""
    from dataclasses import replace

    return replace(card, mean=(), std=())


def main() -> None:
    """Export what the command line names."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    model, out = map(Path, sys.argv[1:])
    _make(model, out)


if __name__ == "__main__":
    main()
