"""A model as ONNX or OpenVINO, checked against itself in torch before a file appears."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pellucid import extras, methods, models
from pellucid.exporting import graph, parity, quantise
from pellucid.files.replace import free, replaced
from pellucid.models import exported
from pellucid.models.exported import Facts, openvino_file
from pellucid.request import Export


@dataclass(frozen=True, kw_only=True)
class Done:
    """What was written.

    Attributes:
        files: all of them; the first is the one to name.
        facts: what the file says about itself.
        parity: how far it is from the model, one row per size.
    """

    files: tuple[Path, ...]
    facts: Facts
    parity: tuple[parity.Row, ...]


def export(
    request: Export, progress: Callable[[str], object] = lambda text: None, *, base: Path | None = None
) -> Done:
    """Write the network of a model as ONNX or OpenVINO, of any height and width, the level as an input.

    The card is inside, and beside it as JSON. Both networks are run on pictures of three sizes; where they
    differ there is an error, and no file.

    Args:
        request: the model, the file and the precision.
        progress: told what is being done.
        base: the same model as ONNX in float32, where that is there already.

    Raises:
        ValueError: for a model whose estimate is not one pass of its network, or where both differ.
        FileExistsError: when a file is there and may not be replaced.
        MissingExtra: when the packages for it are not installed.
    """
    out, openvino = request.out, request.out.suffix.lower() == ".xml"
    extras.need("openvino" if openvino else "onnx", "Exporting a model")
    source = models.locate(request.model)
    _exportable(source)
    targets = [out, *([out.with_suffix(".bin")] if openvino else []), out.with_name(out.name + ".json")]
    for target in targets:
        free(target, overwrite=request.overwrite)
    with tempfile.TemporaryDirectory(prefix="pellucid-export-") as folder:
        first = Path(folder, "graph.onnx")
        if base is None:
            progress("writing the graph (half a minute)")
            graph.write(source, first)
        else:
            shutil.copyfile(base, first)
        made = _formed(first, request, progress)
        progress("comparing both on three sizes")
        rows = parity.rows(source, made)
        wrong = parity.faults(rows, request.precision)
        if wrong:
            raise ValueError(f"{source.name}: {wrong}.")
        facts = exported.facts(made)
        sheet = Path(folder, "sheet.json")
        sheet.write_text(json.dumps(_sheet(facts, rows), indent=2, allow_nan=False) + "\n", encoding="utf-8")
        pairs = [(sheet, targets[-1]), *([(made.with_suffix(".bin"), targets[1])] if openvino else [])]
        for written, target in [*pairs, (made, out)]:  # the file that is named comes last
            with replaced(target, overwrite=request.overwrite) as file, written.open("rb") as opened:
                shutil.copyfileobj(opened, file)
    return Done(files=tuple(targets), facts=facts, parity=tuple(rows))


def _formed(first: Path, request: Export, progress: Callable[[str], object]) -> Path:
    """The graph in the precision and the format that are asked for, not yet compared with anything."""
    facts = exported.facts(first)
    if request.precision == "int8":
        progress("calibrating 8 bits on noisy pictures")
        facts = quantise.quantise(first, facts, first.with_name("int8.onnx"), request.data)
        first = first.with_name("int8.onnx")
    if request.out.suffix.lower() == ".onnx":
        return first
    made = first.with_suffix(".xml")
    network = openvino_file.core().read_model(str(first))
    openvino_file.write(network, replace(facts, precision=request.precision), made)
    return made


def _exportable(source: Path) -> None:
    """Refuse what is no network that is applied once."""
    if exported.is_exported(source):
        raise ValueError(f"model {source.name!r} is exported already. Name the model that it was made of.")
    if models.of_others(source):
        raise ValueError(
            f"model {source.name!r} holds weights of another program, without a card. Let a network learn "
            f"from it and export that: pellucid distil {source} PICTURES -o student.safetensors."
        )
    card = models.read_card(source)
    learning = methods.load(methods.known(card.method)).learning
    if learning is None or not learning.direct:
        raise ValueError(
            f"model {source.name!r} is of {card.method}, whose estimate is not one pass of its network, and "
            "a graph is just that. Distil it into one that is."
        )


def _sheet(facts: Facts, rows: list[parity.Row]) -> dict[str, Any]:
    """What stands in the JSON file beside the graph."""
    shape = ["batch", facts.card.channels, "height", "width"]
    inputs: dict[str, Any] = {
        "noisy": {"type": "float32", "shape": shape, "range": "working units, white is 1"}
    }
    if facts.conditioned:
        inputs["sigma"] = {
            "type": "float32",
            "shape": "anything that broadcasts to noisy, e.g. [1, 1, 1, 1]",
            "range": "standard deviation of the noise, working units",
        }
    return {
        "pellucid": version("pellucid"),
        "inputs": inputs,
        "output": {"estimate": {"type": "float32", "shape": shape}},
        "least_side": facts.least,
        "precision": facts.precision,
        "source_sha256": facts.source,
        "parity": [asdict(row) for row in rows],
        "card": json.loads(facts.card.to_json()),
    }
