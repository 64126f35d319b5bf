"""Files that declare more than they hold are refused before they cost memory; downloads end."""

from __future__ import annotations

import io
import pickle
import socket
import struct
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from pellucid.networks import download, published, weight_files

MEMORY = 96
"""MB that a refusal may add to what the process has after its imports"""

MEASURED = r"""
import re, sys
from pellucid.networks import classics, features
from pellucid.networks.published import load
def of_status(name): return int(re.search(name + r":\s*(\d+)", open("/proc/self/status").read())[1]) / 1024
for path in sys.argv[1:]:
    open("/proc/self/clear_refs", "w").write("5")  # the peak begins anew
    before = of_status("VmRSS")
    for reader in (load, features.load):
        try:
            reader(path)
            print("accepted", path)
        except ValueError as error:
            assert "\n" not in str(error)
    print(path, round(of_status("VmHWM") - before))
"""


def header(shape: tuple[int, ...], dtype: str = "<f4") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_2_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def npz(path: Path, shapes: dict[str, tuple[int, ...]], *, cut: bool = False) -> None:
    """Zeros, which deflate to a thousandth; or heads with nothing behind them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, shape in shapes.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                entry.write(header(shape))
                for _ in range(0 if cut else int(np.prod(shape)) * 4 // 2**20):
                    entry.write(bytes(2**20))


def large_npz(path: Path) -> None:
    npz(path, {"conv00.weight": (2**12, 2**13, 1, 3), "conv00.bias": (2**18,)})


def fitting_npz(path: Path) -> None:
    """A true chain of convolutions, too wide for any network of these kinds."""
    layers = {"conv00.weight": (2**12, 1, 3, 3), "conv01.weight": (2**12, 2**12, 3, 3)}
    npz(path, layers | {"conv02.weight": (1, 2**12, 3, 3)}, cut=True)


def multiplying_npz(path: Path) -> None:
    """A normalisation of 2^13 channels after a convolution of one: each value would meet each."""
    side = 2**13
    layers: dict[str, tuple[int, ...]] = {"a.0.weight": (1, side, 3, 3), "a.0.bias": (1,)}
    layers |= {f"a.1.{name}": (side,) for name in ("weight", "bias", "running_mean", "running_var")}
    np.savez(path.with_suffix(".npz"), **{name: np.ones(shape, np.float32) for name, shape in layers.items()})
    path.with_suffix(".npz").rename(path)


def deflated_pth(path: Path) -> None:
    torch.save({"a.weight": torch.zeros(2**13, 2**13)}, path)
    with zipfile.ZipFile(path) as whole:
        entries = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as small:
        for name, content in entries.items():
            small.writestr(name, content)


def expanded_pth(path: Path) -> None:
    """One value that stands for three billion, by strides of 0."""
    weights = {"conv.0.weight": torch.zeros(1, dtype=torch.half).expand(18000, 18000, 3, 3)}
    torch.save(weights, path)


class Huge:
    def __reduce__(self) -> tuple[type, tuple[int]]:
        return bytearray, (3 * 2**30,)


HUGE = pickle.dumps({"a": Huge()}, 2)
"""a pickle that asks for 3 GB of zeros, which torch's own safe reader lets it have"""


def rezipped(path: Path, *, pickled: str, shown: str = "") -> None:
    """A file of torch with `HUGE` under the name `pickled`, and its true pickle before it under `shown`."""
    torch.save({"a.weight": torch.zeros(3)}, path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            if name.endswith("data.pkl"):
                if shown:
                    archive.writestr(name.replace("data.pkl", shown), content)
                archive.writestr(name.replace("data.pkl", pickled), HUGE)
            else:
                archive.writestr(name, content)


def calling_pth(path: Path) -> None:
    rezipped(path, pickled="data.pkl")


def shouting_pth(path: Path) -> None:
    """torch's reader of archives takes a name in capitals for the same."""
    rezipped(path, pickled="DATA.PKL")


def doubled_pth(path: Path) -> None:
    """torch reads one of two entries, and it may be the other one."""
    rezipped(path, pickled="DATA.PKL", shown="data.pkl")


def twice_listed_pth(path: Path) -> None:
    """An archive whose end leads to one list of entries by its place, and to another by its length."""
    rezipped(path, pickled="data.pkl")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more", bytes(2**16))
        names = archive.namelist()
    bad = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        place = archive.start_dir
    torch.save({"a.weight": torch.zeros(3)}, path)
    with zipfile.ZipFile(path) as archive:
        start, listed = archive.start_dir, archive.infolist()
    written = path.read_bytes()
    good = bytearray(written[: written.rindex(b"PK\6\6")])
    at = start
    for entry in listed:  # Python adds to the places of entries what the list itself lies too far behind
        struct.pack_into("<I", good, at + 42, entry.header_offset + place - start)
        at = good.find(b"PK\1\2", at + 4)
    assert len(names) > len(listed)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, *[len(listed)] * 2, len(good) - start, place, 0)
    path.write_bytes(bad + good + end)


def legacy_pth(path: Path) -> None:
    """A pickle of the old layout with a harmless archive behind it."""
    torch.save({"a.weight": torch.zeros(3)}, path)
    path.write_bytes(HUGE + path.read_bytes())


def old_pth(path: Path) -> None:
    """The layout before zip."""
    torch.save({"a": torch.zeros(1).expand(2**15, 2**16)}, path, _use_new_zipfile_serialization=False)


def long_pth(path: Path) -> None:
    torch.save({f"{i:09d}" * 50: torch.zeros(1) for i in range(20000)}, path)


def deflated_mat(path: Path) -> None:
    savemat(path, {"net": np.zeros((2**13, 2**13), np.float32)}, do_compression=True)


def empty_mat(path: Path) -> None:
    """Cells and text of 800 million entries that are not there."""
    cells = np.empty((1, 2), object)
    cells[0, 0] = cells[0, 1] = np.zeros(1)
    savemat(path, {"net": cells})
    data = path.read_bytes()
    at = data.index((2).to_bytes(4, "little"), 128 + 8 + 16 + 12)
    path.write_bytes(data[:at] + (8 * 10**8).to_bytes(4, "little") + data[at + 4 :])


def twice_deflated_mat(path: Path) -> None:
    inner = zlib.compress(bytes(2**28), 9)
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    path.write_bytes(head + (15).to_bytes(4, "little") + len(inner).to_bytes(4, "little") + inner)


def many_deflated_mat(path: Path) -> None:
    """Two elements that unfold to all that is allowed, and a third one."""
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    first = (9).to_bytes(4, "little") + (weight_files.UNFOLDED // 2 - 8).to_bytes(4, "little")
    unfolded = [first.ljust(weight_files.UNFOLDED // 2, b"\0")] * 2 + [bytes(2**28)]
    parts = [zlib.compress(part, 9) for part in unfolded]
    path.write_bytes(
        head + b"".join((15).to_bytes(4, "little") + len(p).to_bytes(4, "little") + p for p in parts)
    )


HOSTILE: list[Callable[[Path], None]] = [
    large_npz, fitting_npz, multiplying_npz, deflated_pth, expanded_pth, calling_pth, shouting_pth,
    doubled_pth, twice_listed_pth, legacy_pth, old_pth, long_pth, deflated_mat, empty_mat, twice_deflated_mat,
    many_deflated_mat,
]  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured as Linux tells it")
def test_small_files_do_not_unfold(tmp_path: Path) -> None:
    paths = [tmp_path / make.__name__ for make in HOSTILE]
    for make, path in zip(HOSTILE, paths, strict=True):
        make(path)
        assert path.stat().st_size < 20e6
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, paths)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "accepted" not in done.stdout
    lines = done.stdout.splitlines()
    assert len(lines) == len(HOSTILE)
    assert max(int(line.split()[-1]) for line in lines) < MEMORY, done.stdout


def test_a_damaged_head_is_no_fault_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **{"conv00.weight": np.ones((1, 1, 3, 3), np.float32)})
    with zipfile.ZipFile(path) as archive:
        content = archive.read("conv00.weight.npy")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("conv00.weight.npy", content.replace(b"(1, 1, 3, 3)", b"(1, 1, 3, 3 "))
    with pytest.raises(ValueError, match="header is damaged"):
        published.load(path)


@pytest.fixture
def server() -> Iterator[Callable[[bytes, bool], str]]:
    """An address that answers with these bytes, and then says nothing more, or begins anew for ever."""
    listening = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve(answer: bytes, again: bool) -> str:
        def work() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                try:
                    connection.sendall(answer)
                    while again and not ended.is_set():
                        connection.sendall(bytes(2**16))
                except OSError:
                    return
                ended.wait(20)

        threading.Thread(target=work, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/a.safetensors"

    yield serve
    ended.set()
    listening.close()


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "again", "words"),
    [
        (b"", False, "could not be fetched: .*timed out"),
        (OK + b"Content-Length: 1000\r\n\r\nabc", False, "could not be fetched: .*timed out"),
        (OK + b"Content-Length: 99999999999\r\n\r\n", False, "must have at most 4,096 bytes"),
        (OK + b"\r\n", True, "must have at most 4,096 bytes"),
    ],
)
def test_a_download_ends(server, answer, again, words, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises((OSError, ValueError), match=words):
        download.fetch(server(answer, again), sha256="0", folder=tmp_path, most=4096, timeout=0.5)
    assert time.monotonic() - began < 10
    assert list(tmp_path.iterdir()) == []


def test_a_slow_download_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                try:
                    connection.sendall(OK + b"Content-Length: 1000\r\n\r\n")
                    for _ in range(200):
                        connection.sendall(b"a")
                        time.sleep(0.05)
                except OSError:
                    return

        threading.Thread(target=drip, daemon=True).start()
        monkeypatch.setattr(download, "LONGEST", 1.0)
        began = time.monotonic()
        with pytest.raises(OSError, match="took longer than"):
            download.fetch(f"http://127.0.0.1:{listening.getsockname()[1]}/a", sha256="0", folder=tmp_path)
        assert time.monotonic() - began < 5
