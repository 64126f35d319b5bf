"""Flags made from records: names, types, several values, refusals."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from pellucid import fields
from pellucid.cli import options
from pellucid.cli.options import Console


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Fields of every type."""

    wide: int | None = fields.option(None, low=1)
    """How wide."""
    start: str | None = fields.option(None, flag="--from", metavar="MODEL")
    """Where from; see `wide`."""
    turns: bool = fields.option(True)
    """Turn it."""
    gray: bool = fields.option(False)
    """Without colours."""
    sizes: tuple[float, ...] = fields.option((1.0, 2.0), metavar="A,B")
    """How large."""
    set: dict[str, Any] | None = fields.option(None, cli=False)
    """Not on the command line."""
    clean: tuple[Path, ...] = fields.option((), metavar="CLEAN...")
    """Clean ones."""
    guide: Any = fields.option(None, metavar="FILE")
    """A picture."""

    def __post_init__(self) -> None:
        fields.check(self)


@pytest.fixture
def run():
    """``run(*arguments)``: what the verb was given, exit code and output."""
    seen = {}

    def verb(inputs: list[Path], asked: Asked, console: Console) -> int:
        """Do it."""
        seen.update(inputs=inputs, asked=asked, console=console)
        return 3

    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command()(options.spread(verb))

    def call(*arguments):
        seen.clear()
        done = CliRunner().invoke(app, [str(a) for a in arguments])
        return dict(seen), done.exit_code, done.output

    return call


def test_nothing_typed_is_the_record_as_it_is(run):
    seen, code, _ = run("a.png")
    assert code == 3
    assert seen["inputs"] == [Path("a.png")]
    assert seen["asked"] == Asked()
    assert seen["console"] == Console()


def test_every_type(run):
    seen, _, _ = run(
        "a", "--wide", 3, "--from", "none", "--no-turns", "--gray", "--sizes", "0.5,1", "--clean", "x",
        "--clean", "y", "--guide", "g.png", "--json",
    )  # fmt: skip
    assert seen["asked"] == Asked(
        wide=3,
        start="none",
        turns=False,
        gray=True,
        sizes=(0.5, 1.0),
        clean=(Path("x"), Path("y")),
        guide=Path("g.png"),
    )
    assert seen["console"].json


def test_help_is_the_text_under_the_field_with_flags_for_names(run):
    _, code, text = run("--help")
    assert code == 0
    assert "Do it." in text
    assert "Where from; see --wide." in text
    assert "[default: 1,2]" in text
    assert "--set" not in text


@pytest.mark.parametrize(
    ("typed", "words"),
    [(["--wide", 0], "wide must be at least 1, got 0"), (["--sizes", "a,b"], "sizes must be numbers")],
)
def test_what_a_record_refuses_is_wrong_usage(run, typed, words):
    seen, code, text = run("a", *typed)
    assert code == 2
    assert words in text
    assert len(text.strip().splitlines()) == 1
    assert not seen


def test_debug_is_what_was_typed_and_not_what_the_host_was_started_with(run, monkeypatch):
    monkeypatch.setattr("sys.argv", ["host", "--debug"])
    assert "Traceback" not in run("a", "--wide", 0)[2]
    assert "Traceback" in run("a", "--wide", 0, "--debug")[2]
