"""Carries a suite out: trains its models, runs its parts into one results folder, sets its numbers beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.bench import datasets, rows, running
from pellucid.bench.suites import comparing, training
from pellucid.bench.suites.reading import Suite
from pellucid.files.replace import replaced

PAGE = "suite.md"
NUMBERS = "published.toml"


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a suite gave.

    Attributes:
        suite: which, in which form.
        folder: of the results; `bench table` and `bench page` read it.
        summaries: one for each part.
        text: the comparison as Markdown; also in `suite.md` of the folder.
    """

    suite: Suite
    folder: Path
    summaries: tuple[running.Summary, ...]
    text: str


def run(
    suite: Suite,
    out: str | Path,
    *,
    data_root: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    timeout: float | None = None,
    retry: bool = False,
    peers: Sequence[str] = (),
    peer_folder: str | Path | None = None,
    command: Sequence[str] = (),
    report: Callable[[running.Report], None] | None = None,
    said: Callable[[str], None] = lambda _: None,
) -> Done:
    """Run a suite; what is finished in its folder is not run again.

    Args:
        suite: from `load`.
        out: results go to a folder in it, NAME or NAME.small.
        data_root: else PELLUCID_DATA, else `data`.
        device: where to train and run.
        threads: of a worker.
        timeout: seconds for one cell.
        retry: whether cells that ended in an error are run again.
        peers: "name=command {in} {out}".
        peer_folder: where peers are installed.
        command: for the manifest.
        report: called after every cell.
        said: gets a line about every model.

    Raises:
        ValueError: as `bench.run`.
    """
    folder = Path(out) / (suite.name if suite.form == "full" else f"{suite.name}.small")
    root = datasets.root(data_root)
    trained = training.prepare(suite.trainings, root, folder, device=device, said=said)
    summaries: list[running.Summary] = []
    given: dict[str, str] = {}
    for part in suite.parts:
        entries = {text: _entry(text, root, trained) for text in part.methods}
        given |= entries
        summaries.append(
            running.run(
                list(part.data),
                list(dict.fromkeys(entries.values())),
                folder,
                absent="skip",
                label=suite.label,
                data_root=root,
                device=device,
                threads=threads,
                timeout=timeout,
                retry=retry,
                peers=peers,
                peer_folder=peer_folder,
                command=command or ["pellucid", "bench", "suite", suite.name],
                report=report,
                **_arguments(part.more),
            )
        )
        if summaries[-1].left:
            break  # interrupted
    text = comparing.markdown(suite, rows.read(folder), given)
    for name, content in ((PAGE, text), (NUMBERS, comparing.numbers(suite))):
        with replaced(folder / name) as file:
            file.write(content.encode("utf-8"))
    return Done(suite=suite, folder=folder, summaries=tuple(summaries), text=text)


def _entry(text: str, root: Path, trained: dict[str, str]) -> str:
    """An entry of a suite as an entry of a run: {data} is the data root, model:@NAME a model of the suite."""
    text = text.replace("{data}", str(root))
    if not text.startswith("model:@"):
        return text
    name, plus, rest = text.removeprefix("model:@").partition("+")
    return f"{trained[name]}{plus}{rest}"


def _arguments(more: Any) -> dict[str, Any]:
    return {key: value for key, value in more.items() if value not in (None, 0)} | (
        {"seeds": more["seeds"]} if "seeds" in more else {}
    )
