"""Denoisers of others in the same run: a command on a noisy file, its output, and what it cost.

A peer is any command line with `{in}` and `{out}` in it; it runs in an environment of its own, so nothing of
it is imported here. Peers come from `--peer "name=command {in} {out}"`, or from the file `peers.toml` of a
folder (`--peers`, else PELLUCID_PEERS), which `benchmarks/peers/make.py` writes. Linux and macOS only.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid import checks

RECIPES = (
    "bm3d",
    "skimage-nlm",
    "skimage-wavelet",
    "skimage-tv",
    "deepinv-dip",
    "deepinv-dip-demo",
    "careamics-n2v",
)
"""those that `benchmarks/peers` has a recipe for"""
TIMEOUT = 3600.0
SAYS = "pellucid-peer "
"""a line of a peer's stdout that starts so holds JSON with any of: seconds, cpu_seconds, iterations"""
_LAUNCH = Path(__file__).with_name("launch.py")


class PeerError(RuntimeError):
    """A peer did not do its work; the message is one line."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A denoiser that is started as a command.

    Attributes:
        name: what rows call it, after "peer:".
        command: program and arguments, with `{in}` and `{out}`; `{sigma}` is the true level in 8-bit units.
        told: arguments that are added when it is told the level, with `{sigma}`.
        environment: variables to set beside those there are; PYTHONPATH is never passed on.
    """

    name: str
    command: tuple[str, ...]
    told: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for sign in ("{in}", "{out}"):
            if not any(sign in word for word in self.command):
                raise ValueError(
                    f"the command of peer {self.name} must hold {{in}} and {{out}}, got "
                    f"{shlex.join(self.command)!r}. They are replaced by the files."
                )

    def words(self, noisy: Path, out: Path, sigma: float | None) -> list[str]:
        """The command on two files.

        Raises:
            ValueError: when it is told the level and does not take it, or needs it and is not told.
        """
        words = [*self.command, *(self.told if sigma is not None else ())]
        takes = any("{sigma}" in word for word in words)
        if takes != (sigma is not None):
            what = "wants the true level" if takes else "takes no level"
            how = f"peer:{self.name}@sigma" if takes else f"peer:{self.name}"
            raise ValueError(f"peer {self.name} {what}. Write {how}.")
        values = {"{in}": str(noisy), "{out}": str(out), "{sigma}": f"{sigma:g}" if sigma is not None else ""}
        for sign, value in values.items():
            words = [word.replace(sign, value) for word in words]
        return words


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one run of a peer took.

    Attributes:
        seconds: wall time of its work where it says so, else of the whole process.
        cpu_seconds: processor time of the same.
        peak_mb: largest resident memory of its largest process, in MiB.
        whole_seconds: wall time of the whole process.
        iterations: where it says so, else None.
        start_up: whether `seconds` includes starting the program and reading the file.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    whole_seconds: float
    iterations: int | None
    start_up: bool


def parse(text: str) -> Peer:
    """The peer that `--peer` names.

    Raises:
        ValueError: for another form.

    >>> parse("mine=denoise -q {in} -o {out}").command
    ('denoise', '-q', '{in}', '-o', '{out}')
    """
    name, equals, command = text.partition("=")
    name = name.strip()
    if not equals or not name or any(sign in name for sign in " +@:,="):
        raise ValueError(f'a peer must look like "name=command {{in}} {{out}}", got {text!r}.')
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise ValueError(f"the command of peer {name} cannot be read: {error}. Close its quotes.") from None
    return Peer(name=name, command=words)


def folder(given: Path | None = None) -> Path | None:
    """Where peers are installed: what was given, else PELLUCID_PEERS, else None."""
    named = os.environ.get("PELLUCID_PEERS")
    return given or (Path(named) if named else None)


def installed(place: Path | None) -> dict[str, Peer]:
    """The peers of a folder, from its `peers.toml`; relative paths in commands are within the folder.

    Raises:
        FileNotFoundError: when a folder was named and holds no such file.
        ValueError: when the file is not of that form.
    """
    if place is None:
        return {}
    path = place / "peers.toml"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist. `python benchmarks/peers/make.py` writes one.")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: _of_table(name, row, place) for name, row in table.items()}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not a table of peers ({error}). Write it anew with make.py.") from error


def _of_table(name: str, row: Mapping[str, Any], place: Path) -> Peer:
    words = [str(word) for word in row["command"]]
    # not resolved: the interpreter of an environment is a link
    command = [str((place / w).absolute()) if "/" in w and (place / w).exists() else w for w in words]
    return Peer(
        name=name,
        command=tuple(command),
        told=tuple(str(word) for word in row.get("told", ())),
        environment=tuple((key, str(value)) for key, value in row.get("environment", {}).items()),
    )


def find(name: str, given: Sequence[Peer] = (), place: Path | None = None) -> Peer:
    """The peer called so: one that was given, else one of the folder of peers.

    Raises:
        ValueError: naming those there are, and for a known recipe how to make its environment.
    """
    there = installed(folder(place)) | {peer.name: peer for peer in given}
    if name in there:
        return there[name]
    if name in RECIPES:
        raise ValueError(
            f"peer {name} is not set up here. Make its environment with `python benchmarks/peers/make.py "
            f"{name} --into FOLDER` in a checkout of pellucid; name FOLDER with --peers or PELLUCID_PEERS."
        )
    known = list(dict.fromkeys([*there, *RECIPES]))
    try:
        return there[checks.one_of("peer", name, known)]
    except ValueError as error:
        own = f'--peer "{name}=COMMAND {{in}} {{out}}"'
        raise ValueError(f"{error} Name a program of your own with {own}.") from None


def run(
    peer: Peer,
    noisy: Path,
    out: Path,
    *,
    sigma: float | None = None,
    timeout: float = TIMEOUT,
    threads: int | None = None,
) -> Cost:
    """Run a peer on a noisy file.

    Args:
        peer: which.
        noisy: the file that it reads.
        out: the file that it must write; an older one is removed first.
        sigma: the true level in 8-bit units, for one that is told.
        timeout: wall seconds after which it is ended.
        threads: how many it may use, as far as it heeds the usual variables; None leaves them alone.

    Raises:
        PeerError: in one line: not found, too slow, exit code and the end of its stderr, or no output.
        ValueError: when it is told a level that it does not take.
    """
    words = peer.words(noisy.absolute(), out.absolute(), sigma)
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    if threads is not None:
        environment |= dict.fromkeys(_THREADS, str(threads))
    environment |= dict(peer.environment)
    out.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        cost, stdout, stderr = (Path(scratch, name) for name in ("cost.json", "stdout", "stderr"))
        launcher = [
            sys.executable,
            "-I",
            "-S",
            str(_LAUNCH),
            str(cost),
            str(timeout),
            str(stdout),
            str(stderr),
        ]
        subprocess.run([*launcher, *words], env=environment, check=False, stdin=subprocess.DEVNULL)
        try:
            found = json.loads(cost.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise PeerError(f"peer {peer.name} was ended from outside") from None
        return _cost(peer, found, _text(stdout), _text(stderr), out, timeout)


_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def _cost(peer: Peer, found: Mapping[str, Any], stdout: str, stderr: str, out: Path, timeout: float) -> Cost:
    said = f": {_tail(stderr)}" if stderr.strip() else ""
    if found["missing"]:
        raise PeerError(f"peer {peer.name} could not be started: {found['missing']}")
    if found["timed_out"]:
        raise PeerError(f"peer {peer.name} was ended after {timeout:g} s{said}")
    if found["code"] != 0:
        code = found["code"]
        how = f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
        raise PeerError(f"peer {peer.name} {how} after {found['seconds']:.1f} s{said}")
    if not out.is_file():
        raise PeerError(f"peer {peer.name} ended well and wrote no {out.name}{said}")
    own = _own_words(stdout)
    return Cost(
        seconds=float(own.get("seconds", found["seconds"])),
        cpu_seconds=float(own.get("cpu_seconds", found["cpu_seconds"])),
        peak_mb=float(found["peak_mb"]),
        whole_seconds=float(found["seconds"]),
        iterations=None if own.get("iterations") is None else int(own["iterations"]),
        start_up="seconds" not in own,
    )


def _own_words(stdout: str) -> dict[str, Any]:
    for line in reversed(stdout.splitlines()):
        if line.startswith(SAYS):
            try:
                said = json.loads(line.removeprefix(SAYS))
            except ValueError:
                return {}
            return said if isinstance(said, dict) else {}
    return {}


def _text(path: Path) -> str:
    return path.read_bytes()[-20000:].decode("utf-8", "replace") if path.exists() else ""


def _tail(text: str, length: int = 300) -> str:
    """The end of a text in one line; a Python traceback ends with what matters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"…{line[-length:]}"
