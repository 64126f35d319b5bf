"""Methods of other packages: installed ones, as pip leaves them, found by their entry points."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

import pellucid
from pellucid import bench, cli, methods
from pellucid.bench import log

PAGE = Path(__file__).resolve().parents[2] / "docs" / "plugin.md"


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert found
    return found[1]


def install(folder: Path, package: str, points: dict[str, str], module: str = "", code: str = "") -> None:
    """What pip would leave: a module, and a dist-info with its metadata and entry points."""
    info = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {target}" for name, target in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[pellucid.methods]", *lines, ""]))
    if module:
        (folder / f"{module}.py").write_text(code, encoding="utf-8")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in [path.stem for path in folder.glob("*.py")]:
        sys.modules.pop(name, None)


@pytest.fixture
def wiener(site):
    """The package of docs/plugin.md, installed."""
    project = tomllib.loads(block("toml"))["project"]
    points = project["entry-points"]["pellucid.methods"]
    install(site, project["name"], points, points["wiener"].split(":")[0], block("py"))
    return site


def noisy(side: int = 48) -> np.ndarray:
    ramp = np.linspace(60, 180, side)[:, None] * np.ones((1, side))
    return (ramp + np.random.default_rng(0).normal(0, 20, ramp.shape)).clip(0, 255).astype(np.uint8)


def run(capsys, *words: object) -> tuple[int, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        cli.main([str(w) for w in words])
    said = capsys.readouterr()
    return end.value.code or 0, said.out, said.err


def test_the_documented_plugin_denoises(wiener, tmp_path, capsys):
    Pillow.fromarray(noisy()).save(tmp_path / "in.png")
    out = tmp_path / "out.png"
    code, _, err = run(
        capsys, "denoise", tmp_path / "in.png", "-o", out, "--method", "wiener", "--set", "window=9"
    )
    assert code == 0, err
    smooth = np.asarray(Pillow.open(out), float)
    truth = np.linspace(60, 180, 48)[:, None]
    assert np.std(smooth - truth) < 0.4 * np.std(noisy() - truth)


def test_the_documented_plugin_in_python(wiener):
    assert methods.names() == [*methods.METHODS, "wiener"]
    result = pellucid.denoise(noisy(), "wiener", sigma=20, data_range=255, return_result=True)
    assert result.method == "wiener"
    with pytest.raises(ValueError, match="Did you mean 'wiener'"):
        pellucid.denoise(noisy(), "wienr")


def test_it_is_listed_and_described(wiener, capsys):
    code, out, err = run(capsys, "methods")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].split()[:4] == ["wiener", "from", "pellucid-wiener", "1.0"]
    assert json.loads(run(capsys, "methods", "--json")[1])[-1]["package"] == "pellucid-wiener 1.0"
    code, out, _ = run(capsys, "methods", "wiener")
    assert code == 0
    assert "  window = 5 " in out
    assert "side of the window, in pixels" in out


def test_listing_runs_no_code_of_it_and_loads_no_torch(site):
    install(site, "loud", {"loud": "loud:LOUD"}, "loud", "raise SystemError('I was loaded')")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pellucid import methods; "
        "print(methods.names()[-1], methods.known('loud'), {'torch', 'loud'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(site)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["loud", "loud", "set()"]


@pytest.mark.parametrize(
    ("target", "code", "said"),
    [
        ("bad:BAD", "raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("bad:BAD", "import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing'"),
        ("bad:BAD", "", "AttributeError"),
        ("nowhere:BAD", "", "ModuleNotFoundError"),
        ("bad", "", "ValueError"),
        ("bad:BAD", "BAD = 3", "must be a pellucid.Method named 'bad', got something of type int"),
        (
            "bad:BAD",
            "from pellucid.methods import load\nBAD = load('nlm')",
            "must be a pellucid.Method named 'bad', got the method 'nlm'",
        ),
    ],
)
def test_a_broken_one_is_one_line(site, tmp_path, capsys, target, code, said):
    install(site, "bad-package", {"bad": target}, "bad", code)
    Pillow.fromarray(noisy()).save(tmp_path / "in.png")
    words = ("denoise", tmp_path / "in.png", "-o", tmp_path / "out.png", "--method")
    ended, _, err = run(capsys, *words, "bad")
    assert ended == 2
    assert len(err.splitlines()) == 1
    assert "bad-package 1.0" in err
    assert said in err
    assert run(capsys, "methods")[0] == 0
    assert run(capsys, *words, "tv")[0] == 0
    working, complaints = methods.loaded()
    assert list(working) == list(methods.METHODS)
    assert len(complaints) == 1


def test_the_name_of_an_own_method_stays_ours(site, tmp_path, capsys):
    install(site, "usurper", {"tv": "usurper:TV"}, "usurper", "raise SystemError")
    assert methods.load("tv").title.startswith("Total variation")
    code, out, err = run(capsys, "methods")
    assert code == 0
    assert out.count("\ntv ") == 1
    assert len(err.splitlines()) == 1
    assert "usurper 1.0" in err
    Pillow.fromarray(noisy()).save(tmp_path / "in.png")
    code, _, err = run(capsys, "denoise", tmp_path / "in.png", "-o", tmp_path / "o.png", "--method", "tv")
    assert code == 0
    assert err.count("usurper 1.0") == 1


def test_two_packages_with_one_name(site, capsys):
    for package in ("one", "two"):
        install(site, package, {"same": f"{package}:SAME"})
    assert "same" not in methods.names()
    with pytest.raises(ValueError, match=r"'same' is announced by one 1\.0 and two 1\.0"):
        methods.load("same")
    with pytest.raises(ValueError, match="announced by one"):
        pellucid.denoise(noisy(), "same")
    assert "announced by one 1.0 and two 1.0" in run(capsys, "methods")[2]


@pytest.mark.parametrize("name", ["auto", "a@b", "peer:x", "a+b"])
def test_names_that_commands_could_not_hold(site, name):
    install(site, "odd", {name: "odd:ODD"})
    assert methods.names() == list(methods.METHODS)
    assert len(methods.of_packages().refused) == 1


@pytest.mark.slow
def test_the_documented_plugin_in_the_benchmark(wiener, tmp_path, monkeypatch):
    paths = [str(wiener), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(p for p in paths if p))  # for the worker
    (tmp_path / "data" / "Set12").mkdir(parents=True)
    Pillow.fromarray(noisy()).save(tmp_path / "data" / "Set12" / "a.png")
    summary = bench.run(
        "Set12:gaussian:25",
        "wiener,wiener+window=9,noisy",
        tmp_path / "results",
        data_root=tmp_path / "data",
        threads=1,
    )
    assert (summary.done, summary.failed, summary.skipped) == (3, 0, 0)
    rows = {row["method"]: row for row in log.read(tmp_path / "results").values()}
    assert rows["wiener"]["psnr"] > rows["noisy"]["psnr"] + 1
    assert rows["wiener"]["psnr"] != rows["wiener+window=9"]["psnr"]
    assert rows["wiener"]["preset"] == "fast"


OLD = """
from dataclasses import dataclass
from pellucid.steps import Method, Step

@dataclass(frozen=True, kw_only=True)
class Config:
    width: int = 3

def steps(task, config, *, seed, device):
    first = task.shots[0] + 0 * len(task.shots)
    assert len(task.shots) == 2
    yield Step(iteration=1, phase="filter", loss=None, output=first, estimate=lambda: first)

OLD = Method(name="old", title="", citation="", needs="shots of a scene", config=Config, steps=steps,
             presets={"fast": Config()})
"""


def test_one_for_the_old_contract_has_its_shots_and_needs_no_paper(site, capsys):
    install(site, "old-package", {"old": "old:OLD"}, "old", OLD)
    assert methods.load("old").takes_shots
    assert methods.load("old").family == "filter"
    pellucid.denoise([noisy(), noisy()], "old", shots=True)
    code, out, err = run(capsys, "methods", "old")
    assert (code, err) == (0, "")
    assert "width = 3" in out
    assert methods.load("old").unlike_paper(methods.load("old").config()) == []


@pytest.mark.slow
def test_pip_installs_the_documented_plugin_and_every_verb_finds_it(tmp_path):
    """From the two files of docs/plugin.md to a benchmark, in other processes and without a network."""
    project, target = tmp_path / "project", tmp_path / "target"
    project.mkdir()
    (project / "pyproject.toml").write_text(block("toml"), encoding="utf-8")
    (project / "pellucid_wiener.py").write_text(block("py"), encoding="utf-8")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-build-isolation",
        "--no-deps",
        "--no-index",
        "--quiet",
    ]
    subprocess.run([*pip, "--target", target, project], check=True, capture_output=True, timeout=300)
    assert (target / "pellucid_wiener.py").is_file()
    (tmp_path / "frames").mkdir()
    Pillow.fromarray(noisy()).save(tmp_path / "frames" / "in.png")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(target), *sys.path])}

    def program(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "pellucid", *words],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "from pellucid-wiener" in program("methods")
    assert "window = 5" in program("methods", "wiener")
    said = program("denoise", "frames/in.png", "-o", "clean.png", "--method", "wiener", "--set", "window=7")
    assert "clean.png: wiener" in said
    own = ["--data", "frames:gaussian:25", "--methods", "noisy,wiener", "-o", "results"]
    program("bench", "run", *own)
    rows = {row["method"]: row for row in log.read(tmp_path / "results").values()}
    assert rows["wiener"]["psnr"] > rows["noisy"]["psnr"]
