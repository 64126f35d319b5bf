"""The scripts beside the package keep up with it: each is imported and helps, and what it names exists."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.py"))
SCRIPTS = [*BENCHMARKS, *sorted((ROOT / "recipes").rglob("*.py")), *sorted((ROOT / "docs").glob("*.py"))]
HELPED = """
import importlib, io, sys, contextlib
sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    module = importlib.import_module(name)
    if not hasattr(module, "main"):
        continue
    sys.argv, said = [name + ".py", "--help"], io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            module.main()
    except SystemExit as end:
        if end.code == 0 and "usage" in said.getvalue():
            continue
    print("no help:", name)
"""


def named(text: str) -> list[tuple[str, str | None]]:
    """What a source imports from pellucid, wherever in it, programs within its strings included."""
    found: list[tuple[str, str | None]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(alias.name, None) for alias in node.names if alias.name.split(".")[0] == "pellucid"]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pellucid":
            found += [(str(node.module), alias.name) for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "pellucid" in node.value:
            try:
                found += named(node.value) if "import" in node.value else []
            except SyntaxError:  # prose, or a program that is filled in first
                continue
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_a_script_imports_is_there(script):
    for module, name in named(script.read_text(encoding="utf-8")):
        found = importlib.import_module(module)
        if name is not None and not hasattr(found, name):
            importlib.import_module(f"{module}.{name}")


@pytest.mark.slow
def test_every_benchmark_helps():
    names = [path.stem for path in BENCHMARKS if path.stem not in WITHOUT_OPTIONS]
    done = subprocess.run(
        [sys.executable, "-c", HELPED, str(ROOT / "benchmarks"), *names], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert not done.stdout


WITHOUT_OPTIONS = ("record",)
