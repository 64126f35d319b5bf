"""Peers: commands on files, what they cost, and what becomes of those that fail."""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from bench_pictures import clean_set, save

from pellucid import bench
from pellucid.bench import datasets, execute, inputs, log, peers
from pellucid.bench.spec import parse_set

COPY = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2])"


def peer(code: str, *words: str, name: str = "test", **more: object) -> peers.Peer:
    return peers.Peer(name=name, command=(sys.executable, "-S", "-c", code, "{in}", "{out}", *words), **more)


@pytest.fixture
def files(tmp_path) -> tuple[Path, Path]:
    noisy = tmp_path / "noisy file.png"
    noisy.write_bytes(b"a picture")
    return noisy, tmp_path / "out.png"


def test_a_command_gets_the_files(files):
    noisy, out = files
    out.write_bytes(b"older")
    cost = peers.run(peer(COPY), noisy, out)
    assert out.read_bytes() == b"a picture"
    assert cost.start_up
    assert cost.iterations is None


def test_typed_commands_keep_their_quotes(files):
    noisy, out = files
    typed = peers.parse(f"mine={sys.executable} -S -c {shlex.quote(COPY)} {{in}} {{out}}")
    assert typed.name == "mine"
    peers.run(typed, noisy, out)
    assert out.exists()


def test_what_it_cost(files):
    code = (
        "import time, sys\nblock = bytearray(64 * 2**20)\nblock[::4096] = b'x' * len(block[::4096])\n"
        "end = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"
        "time.sleep(0.5)\nopen(sys.argv[2], 'w')"
    )
    cost = peers.run(peer(code), *files)
    assert 0.3 <= cost.cpu_seconds < 1.5
    assert 0.8 <= cost.seconds < 20
    assert cost.seconds == cost.whole_seconds
    assert 64 < cost.peak_mb < 120


def test_the_peak_is_not_that_of_this_process(files):
    block = bytearray(300 * 2**20)
    block[::4096] = b"x" * len(block[::4096])
    assert peers.run(peer(COPY), *files).peak_mb < 60
    assert len(block)


def test_what_a_peer_says_of_itself_counts(files):
    code = COPY + "; print('noise'); print('pellucid-peer {\"seconds\": 0.25, \"iterations\": 40}')"
    cost = peers.run(peer(code), *files)
    assert (cost.seconds, cost.iterations, cost.start_up) == (0.25, 40, False)
    assert cost.whole_seconds != 0.25
    for said in ("pellucid-peer {", "pellucid-peer 3"):
        assert peers.run(peer(f"{COPY}; print({said!r})"), *files).start_up


def test_the_level_is_told_only_where_it_is_asked_for(files):
    noisy, out = files
    write = "import sys; open(sys.argv[2], 'w').write(' '.join(sys.argv[3:]))"
    told = peer(write, told=("--sigma", "{sigma}"))
    peers.run(told, noisy, out, sigma=25.0)
    assert out.read_text() == "--sigma 25"
    peers.run(told, noisy, out)
    assert out.read_text() == ""
    with pytest.raises(ValueError, match=r"takes no level\. Write peer:test"):
        peers.run(peer(write), noisy, out, sigma=25.0)
    with pytest.raises(ValueError, match="Write peer:test@sigma"):
        peers.run(peer(write, "{sigma}"), noisy, out)


def test_threads_and_environment(files, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "of-this-process")
    write = "import os, sys; open(sys.argv[2], 'w').write(repr([os.environ.get(n) for n in sys.argv[3:]]))"
    mine = peer(write, "OMP_NUM_THREADS", "PYTHONPATH", "MINE", environment=(("MINE", "yes"),))
    peers.run(mine, *files, threads=1)
    assert files[1].read_text() == "['1', None, 'yes']"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit(3)", "ended with exit code 3 after"),
        ("raise KeyError('no weights')", r"exit code 1 after .*KeyError: 'no weights'"),
        ("import os; os.kill(os.getpid(), 9)", "was ended by signal 9"),
        ("pass", r"ended well and wrote no out\.png"),
        ("import sys; sys.stderr.write('long ' * 5000); sys.exit(1)", "long long"),
    ],
)
def test_a_failure_is_one_line(files, code, said):
    files[1].write_bytes(b"of an earlier run")
    with pytest.raises(peers.PeerError, match=said) as error:
        peers.run(peer(code), *files)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 450


def test_a_program_that_is_not_there(files):
    with pytest.raises(peers.PeerError, match="could not be started: FileNotFoundError"):
        peers.run(peers.Peer(name="x", command=("no-such-program", "{in}", "{out}")), *files)


def test_one_that_is_too_slow_is_ended_with_its_children(files, tmp_path):
    note = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)"
    )
    begin = time.monotonic()
    with pytest.raises(peers.PeerError, match="was ended after 2 s"):
        peers.run(peer(code), *files, timeout=2)
    assert time.monotonic() - begin < 20
    assert _gone(int(note.read_text()))


def _gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("text", ["no command", "=x {in} {out}", "a b=x {in} {out}", "a:b=x {in} {out}"])
def test_another_form_is_refused(text):
    with pytest.raises(ValueError, match="a peer must look like"):
        peers.parse(text)


def test_commands_without_files_are_refused():
    with pytest.raises(ValueError, match=r"must hold \{in\} and \{out\}"):
        peers.parse("x=denoise {in}")
    with pytest.raises(ValueError, match="Close its quotes"):
        peers.parse("x=denoise '{in} {out}")


def test_the_table_of_a_folder(files, tmp_path, monkeypatch):
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "copy.py").write_text(COPY)
    words = [sys.executable, "recipes/copy.py", "{in}", "{out}"]
    (tmp_path / "peers.toml").write_text(f"[mine]\ncommand = {words!r}\n")
    mine = peers.find("mine", place=tmp_path)
    peers.run(mine, *files)
    assert files[1].exists()
    monkeypatch.setenv("PELLUCID_PEERS", str(tmp_path))
    assert peers.find("mine") == mine
    assert peers.find("mine", [peer(COPY, name="mine")]) != mine
    with pytest.raises(ValueError, match="Did you mean 'mine'"):
        peers.find("mone")


def test_a_recipe_without_environment_says_how_to_make_it(monkeypatch, tmp_path):
    monkeypatch.delenv("PELLUCID_PEERS", raising=False)
    for name in peers.RECIPES:
        with pytest.raises(ValueError, match=rf"make\.py {name} --into FOLDER"):
            peers.find(name)
    with pytest.raises(FileNotFoundError, match=r"peers\.toml does not exist"):
        peers.find("bm3d", place=tmp_path)
    (tmp_path / "peers.toml").write_text("[bm3d]\nprogram = 'x'\n")
    with pytest.raises(ValueError, match="is not a table of peers"):
        peers.find("bm3d", place=tmp_path)


def test_every_recipe_has_its_environment():
    place = Path(__file__).resolve().parents[2] / "benchmarks" / "peers"
    spec = importlib.util.spec_from_file_location("make_peers", place / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    assert tuple(make.RECIPES) == peers.RECIPES
    for environment, words, _ in make.RECIPES.values():
        assert (place / words[0].removeprefix("recipes/")).is_file()
        pins = (place / "requirements" / f"{environment}.txt").read_text().split()
        assert all("==" in pin for pin in pins)
    readme = (place / "README.md").read_text()
    assert all(f"`peer:{name}`" in readme for name in peers.RECIPES)


def test_the_table_that_is_written_is_the_one_that_is_read(tmp_path):
    place = Path(__file__).resolve().parents[2] / "benchmarks" / "peers"
    spec = importlib.util.spec_from_file_location("make_peers", place / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    (tmp_path / "peers.toml").write_text("[mine]\ncommand = ['x', '{in}', '{out}']\n")
    make.table(["bm3d", "skimage-tv"], tmp_path)
    make.table(["skimage-tv", "deepinv-dip"], tmp_path)
    there = peers.installed(tmp_path)
    assert list(there) == ["mine", "bm3d", "skimage-tv", "deepinv-dip"]
    assert there["bm3d"].told == ("--sigma", "{sigma}")
    assert there["skimage-tv"].command[1:4] == ("recipes/skimage_filters.py", "--filter", "tv")


def test_the_level_is_told_in_units_of_the_file(tmp_path):
    """A deep set has white at 4095 in files of 16 bits; a peer that reads them takes 65535 for white."""
    draws = np.random.default_rng(0)
    clean = draws.integers(0, 3000, (24, 24)).astype(np.uint16)
    for name, values in (("clean", clean), ("noisy", clean + 80)):
        save(values, tmp_path / "own" / name / "a.png")
    for spec, expected in (
        (str(tmp_path / "own"), 255 * 80 / 65535),
        (f"{tmp_path / 'own'}:gaussian:20", 20),
    ):
        found = datasets.find(str(tmp_path / "own"), tmp_path)
        made = inputs.prepare(tmp_path / "r", parse_set(spec), "own", found.samples[0], crop=None, seed=0)
        assert execute._told(made, made.folder / made.given[0]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_peers_in_a_run(tmp_path):
    clean_set(tmp_path / "data", 1)
    denoise = (
        "import sys, numpy as np; from skimage.io import imread; import tifffile; "
        "from scipy.ndimage import uniform_filter; y = tifffile.imread(sys.argv[1]); "
        "assert y.dtype == 'float32' and y.max() < 3; "
        "tifffile.imwrite(sys.argv[2], uniform_filter(y, (3, 3, 1)))"
    )
    python = shlex.quote(sys.executable)
    summary = bench.run(
        "Set9:gaussian:40",
        "noisy,peer:box,peer:bad,peer:none,peer:box@sigma",
        tmp_path / "results",
        peers=[
            f"box={python} -c {shlex.quote(denoise)} {{in}} {{out}}",
            f"bad={python} -c 'raise OSError(3)' {{in}} {{out}}",
        ],
        data_root=tmp_path / "data",
        threads=1,
        timeout=60,
    )
    assert (summary.done, summary.failed, summary.skipped) == (2, 1, 2)
    rows = {row["method"]: row for row in log.read(tmp_path / "results").values()}
    assert rows["peer:box"]["psnr"] > rows["noisy"]["psnr"] + 2
    assert rows["peer:box"]["start_up"]
    assert rows["peer:box"]["peak_mb"] > 20
    assert "exit code 1" in rows["peer:bad"]["error"]
    assert "OSError: 3" in rows["peer:bad"]["error"]
    assert "peer must be one of box, bad" in rows["peer:none"]["skipped"]
    assert "takes no level" in rows["peer:box@sigma"]["skipped"]
