"""Run the program in this process, on small pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cli_pictures import clean_array, noisy_array
from PIL import Image as Pillow

from pellucid import cli


@dataclass
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(capsys, monkeypatch) -> Callable[..., Done]:
    """``run("denoise", path, "-o", path)``: exit code, stdout and stderr."""
    monkeypatch.setattr("sys.excepthook", __import__("sys").excepthook)

    def call(*arguments: object) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            cli.main([str(a) for a in arguments])
        captured = capsys.readouterr()
        code = stopped.value.code
        return Done(code if isinstance(code, int) else 0 if code is None else 1, captured.out, captured.err)

    return call


@pytest.fixture
def clean(tmp_path) -> Path:
    path = tmp_path / "truth.png"
    Pillow.fromarray(clean_array()).save(path)
    return path


@pytest.fixture
def photo(tmp_path) -> Path:
    path = tmp_path / "photo.png"
    Pillow.fromarray(noisy_array()).save(path, dpi=(300, 300))
    return path


@pytest.fixture
def photos(tmp_path) -> list[Path]:
    paths = [tmp_path / "in" / f"{name}.png" for name in "abc"]
    paths[0].parent.mkdir()
    for i, path in enumerate(paths):
        Pillow.fromarray(noisy_array(seed=i)).save(path)
    return paths
