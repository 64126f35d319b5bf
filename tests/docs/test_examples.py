"""Every console and Python block of the documentation runs, and its tables name what exists."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image as Pillow

import pellucid
from pellucid import cli, files, methods

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(language, pages=PAGES):
    for page in pages:
        found = re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
        for number, text in enumerate(found, 1):
            yield pytest.param(text, id=f"{page.stem}-{number}")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the files that the examples speak of."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    ramp = np.linspace(40, 200, 48)[:, None, None] * np.ones((1, 40, 3))
    (tmp_path / "frames").mkdir()
    for name in ("photo.png", "frames/one.png", "frames/two.png"):
        noisy = np.clip(ramp + rng.normal(0, 20, ramp.shape), 0, 255).astype(np.uint8)
        Pillow.fromarray(noisy).save(tmp_path / name)
    mask = np.zeros((48, 40), np.uint8)
    mask[20:23, 5:35] = 255
    Pillow.fromarray(mask).save(tmp_path / "mask.png")
    for name in ("noisy/a.png", "noisy/b.png", "clean/a.png", "clean/b.png"):
        wide = np.linspace(40, 200, 96)[:, None, None] * np.ones((1, 96, 3))
        wide = wide + rng.normal(0, 20, wide.shape) * name.startswith("noisy")
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Pillow.fromarray(np.clip(wide, 0, 255).astype(np.uint8)).save(tmp_path / name)
    for scene in ("one", "two"):
        (tmp_path / "scenes" / scene).mkdir(parents=True)
        coarse = Pillow.fromarray(rng.integers(50, 200, (12, 12, 3)).astype(np.uint8))
        still = np.asarray(coarse.resize((128, 128), Pillow.Resampling.BICUBIC), float)
        for shot in ("1.png", "2.png"):
            noisy = np.clip(still + rng.normal(0, 10, still.shape), 0, 255).astype(np.uint8)
            Pillow.fromarray(noisy).save(tmp_path / "scenes" / scene / shot)
    stack = 1000 + rng.normal(0, 50, (12, 96, 96))
    files.write(files.from_array(stack.astype(np.uint16)), tmp_path / "stack.tif")
    scan = np.clip(256 * (ramp[..., 0] + rng.normal(0, 20, ramp.shape[:2])), 0, 65535).astype(np.uint16)
    files.write(files.from_array(scan), tmp_path / "scan.tif")
    cells(tmp_path, rng)
    return tmp_path


def cells(folder, rng):
    """Spots that go on from slice to slice, as a stack, a film and a store."""
    y, x = np.mgrid[:64, :64]
    spots = [(14, 14), (40, 26), (26, 50), (52, 54)]
    clean = sum(np.exp(-((y - a) ** 2 + (x - b) ** 2) / 60) for a, b in spots)
    stack = np.stack([(1 + 0.05 * i) * 800 * clean + 100 for i in range(4)])
    stack = (stack + rng.normal(0, 40, stack.shape)).clip(0).astype(np.uint16)
    told = {"PhysicalSizeX": 0.2, "PhysicalSizeXUnit": "µm", "PhysicalSizeZ": 1.0}
    two = np.stack([stack, stack[::-1]], 1)
    tifffile.imwrite(folder / "confocal.ome.tif", two, metadata={"axes": "ZCYX", **told})
    tifffile.imwrite(folder / "film.ome.tif", stack, metadata={"axes": "TYX", **told})
    np.save(folder / "pages.npy", stack)
    np.save(folder / "frames.npy", stack)
    group = zarr.create_group(str(folder / "lightsheet.zarr"), zarr_format=3)
    sets = []
    for level in range(2):
        values = stack[:, :: 2**level, :: 2**level]
        group.create_array(str(level), data=values, chunks=(1, 32, 32))
        sets.append({"path": str(level)})
        sets[-1]["coordinateTransformations"] = [{"type": "scale", "scale": [1, 2.0**level, 2.0**level]}]
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": sets}]}


@pytest.mark.parametrize("text", list(blocks("console")))
def test_console_blocks(text, folder, capsys):
    for line in text.splitlines():
        assert line.startswith("$ pellucid "), f"not a command: {line}"
        words = shlex.split(line)[2:]
        with pytest.raises(SystemExit) as end:
            cli.main(words)
        assert end.value.code in (0, None), (line, capsys.readouterr().err)
        for flag in ("-o", "--report"):
            if flag in words:
                assert Path(words[words.index(flag) + 1]).exists(), line


@pytest.mark.slow
@pytest.mark.parametrize("text", list(blocks("sh", [ROOT / "docs" / "training.md"])))
def test_training_commands(text, folder, capsys):
    """Commands that take an hour run for two steps."""
    for line in text.splitlines():
        words = shlex.split(line)[2:]
        words = words[: words.index("--seconds")] if "--seconds" in words else words
        words += ["--steps", "2"]
        with pytest.raises(SystemExit) as end:
            cli.main(words)
        assert end.value.code in (0, None), (line, capsys.readouterr().err)
        assert Path(words[words.index("-o") + 1]).exists(), line


@pytest.mark.parametrize("text", list(blocks("python")))
def test_python_blocks(text, folder, capsys):
    exec(compile(text, "example", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out


def test_readme_lists_the_methods_there_are():
    table = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \|.*\| (.*) \|$", table, re.M))
    assert set(rows) == set(methods.METHODS)
    for name, needs in rows.items():
        method = methods.load(name)
        assert needs.startswith(method.needs)
        assert ("--model" in needs) == method.needs_model


def test_architecture_names_every_module():
    table = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+)` \|", table, re.M))
    source = Path(pellucid.__file__).parent
    there = {p.stem for p in source.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert there - {"__init__", "__main__"} <= named
    assert named - there <= {"losses"}


def test_method_of_contributing_works_in_one_file(tmp_path, monkeypatch):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    code = re.search(r"^```python\n(.*?)^```", text, re.M | re.S)
    assert code
    (tmp_path / "gauss_example.py").write_text(code[1], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    entry = re.search(r"^    MethodInfo\(\n.*?^    \)", text, re.M | re.S)
    assert entry
    info = eval(entry[0].strip(), {"MethodInfo": methods.MethodInfo})
    info = dataclasses.replace(info, target="gauss_example:GAUSS")
    monkeypatch.setitem(methods.METHODS, info.name, info)
    noisy = np.full((40, 40), 0.5, np.float32)
    noisy += 0.1 * np.random.default_rng(0).standard_normal(noisy.shape).astype(np.float32)
    clean = pellucid.denoise(noisy, "gauss", set={"width": 2.0})
    # White noise keeps 1 / (4 pi w^2) of its variance under Gaussian weights of width w.
    inner = clean[8:-8, 8:-8]
    assert np.std(inner) == pytest.approx(0.1 / np.sqrt(4 * np.pi * 4), rel=0.35)
    with pytest.raises(ValueError, match=r"width must be greater than 0, got -1"):
        pellucid.denoise(noisy, "gauss", set={"width": -1.0})
