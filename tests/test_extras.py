"""A plain install does without the laboratory, and says in one line how to get what is missing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib.metadata import Distribution, distributions, packages_distributions
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from PIL import Image

from pellucid import extras

LABORATORY = ("lightning", "pytorch_lightning", "tensorboard", "matplotlib")
LABORATORY += tuple(
    p for e, packages in extras.PACKAGES.items() if e not in ("train", "bench") for p in packages
)
ROOT = Path(__file__).resolve().parents[1]


def plain(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The program where the packages of all extras are not installed."""
    code = (
        f"import sys\nfor name in {LABORATORY}: sys.modules[name] = None\n"
        "import pellucid.cli\npellucid.cli.main(sys.argv[1:])"
    )
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=cwd)


@pytest.fixture
def noisy(tmp_path):
    path = tmp_path / "noisy.png"
    pixels = np.random.default_rng(0).normal(128, 20, (48, 56)).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_pyproject_states_the_same_extras():
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    name = re.compile(r"[\w-]+")
    for extra, packages in extras.PACKAGES.items():
        lines = project["optional-dependencies"][extra]
        assert {name.match(line)[0].replace("-", "_") for line in lines} == set(packages)
    plain_packages = {name.match(line)[0] for line in project["dependencies"]}
    assert not plain_packages & {p for packages in extras.PACKAGES.values() for p in packages}
    assert "pellucid[train,bench" in project["optional-dependencies"]["dev"][0]


@pytest.mark.parametrize("extra", extras.PACKAGES)
def test_a_missing_extra_is_one_line(extra, monkeypatch):
    for package in extras.PACKAGES[extra]:
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(extras.MissingExtra, match=r"needs .*pip install 'pellucid\[\w+\]'") as caught:
        extras.need(extra, "This")
    assert "\n" not in str(caught.value)
    assert all(package in str(caught.value) for package in extras.PACKAGES[extra])


def test_a_report_works_in_a_plain_install(noisy, tmp_path):
    words = ("denoise", str(noisy), "-o", "o.png", "--method", "nlm", "--report", "r.html")
    done = plain(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "<svg" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_front_as_png_names_its_extra(tmp_path):
    from pellucid.bench import log, manifest

    results = tmp_path / "results"
    results.mkdir()
    (results / manifest.NAME).write_text("{}")
    cell = '{"set": "S", "image": "a", "method": "nlm", "psnr": 30.0, "ssim": 0.9, "seconds": 1.0}\n'
    (results / log.NAME).write_text(cell + cell.replace("nlm", "tv"))
    page = ("bench", "page", str(results), "-o", str(tmp_path / "page"))
    assert plain(*page).returncode == 0
    done = plain(*page, "--front", str(tmp_path / "front.png"))
    assert done.returncode != 0
    assert done.stderr.strip().endswith("pip install 'pellucid[bench]'")
    assert len(done.stderr.strip().splitlines()) == 1


def test_every_file_of_the_package_is_installed():
    """Templates, styles, suites and models lie in the wheel, wherever they are."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        patterns = tomllib.load(file)["tool"]["setuptools"]["package-data"]["pellucid"]
    source = ROOT / "src" / "pellucid"
    files = [p for p in source.rglob("*.*") if p.suffix != ".py" and p.stem[0] != "."]
    files = [p for p in files if p.parent.name != "__pycache__"]  # what was compiled lies there
    assert files
    for path in files:
        # as setuptools matches them: a star does not cross a folder
        assert any(path in source.glob(pattern) for pattern in patterns), path


def test_what_is_imported_is_declared():
    """Not only brought by another package, which may do without it tomorrow."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    lines = [
        *project["dependencies"],
        *(p for e in extras.PACKAGES for p in project["optional-dependencies"][e]),
    ]
    declared = {re.match(r"[\w-]+", line)[0].lower() for line in lines}
    packages = packages_distributions()
    for path in (ROOT / "src" / "pellucid").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            for name in {n.partition(".")[0] for n in names} - sys.stdlib_module_names - {"pellucid"}:
                found = {d.lower().replace("_", "-") for d in packages.get(name, [name])}
                assert found & declared, f"{path} imports {name}, of {found}"


def test_without_the_extras_all_but_several_processes_works(noisy, tmp_path):
    for words in (
        ("denoise", str(noisy), "-o", "a.png"),
        ("denoise", str(noisy), "-o", "b.png", "--method", "dip", "--iterations", "2"),
        ("denoise", str(noisy), "-o", "c.png", "--model", "swift-gray"),
        ("methods",),
        ("models", "list"),
        ("train", "--help"),
    ):
        done = plain(*words, cwd=tmp_path)
        assert done.returncode == 0, (words, done.stderr)
    training = ("train", "n2n", str(noisy), "-o", "m.safetensors", "--noise", "gaussian:25")
    training += ("--steps", "2", "--set", "batch=2", "--set", "patch=32", "--device", "cpu")
    done = plain(*training, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "TensorBoard is not installed" in done.stdout + done.stderr
    assert (tmp_path / "m.safetensors").is_file()
    assert "loss" in (tmp_path / "m.run" / "metrics.csv").read_text()
    done = plain(*training, "--overwrite", "--processes", "2", cwd=tmp_path)
    assert done.returncode != 0
    assert done.stderr.strip().endswith("pip install 'pellucid[train]'")
    assert len(done.stderr.strip().splitlines()) == 1


def test_every_pinned_version_can_be_had_on_the_oldest_python() -> None:
    """One that cannot keeps pip looking for ever: soupsieve 4.1.3 wants 3.11.5, Debian 12 has 3.11.2."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    oldest = wanted.removeprefix(">=") + ".0"
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    there = [pin for pin in pins if not pin.marker or pin.marker.evaluate({"python_full_version": oldest})]
    assert {pin.name for pin in there} == {pin.name for pin in pins}
    installed = {part.name.lower(): part for part in distributions()}
    held = [installed[pin.name.lower()] for pin in there if pin.name.lower() in installed]
    asked = {part.name: part.metadata.get("Requires-Python") for part in held if _pinned(part, there)}
    assert len(asked) > 20
    assert not {
        name: python for name, python in asked.items() if python and oldest not in SpecifierSet(python)
    }


def _pinned(part: Distribution, pins: Sequence[Requirement]) -> bool:
    """Whether the version that is installed is the one that is pinned."""
    return any(pin.name.lower() == part.name.lower() and part.version in pin.specifier for pin in pins)
