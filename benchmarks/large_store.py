"""Stores region by region: memory, time per megapixel, runs killed at random, a Dask cluster, round trips.

    python benchmarks/large_store.py [--folder FOLDER] [--megabytes 1000 250] [--only memory kills dask trips]

Every run is the command in a process of its own. Its anonymous memory is read from /proc every 20 ms (Linux),
and its time is that of the processor (user and system), as the clock of a busy machine says little. The store
is an OME-Zarr of 16 bits: a picture of scikit-image, shifted from slice to slice, with noise of the Poisson
law, in chunks of one slice of 512 x 512, and its pyramid.
"""

from __future__ import annotations

import filecmp
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import zarr
from skimage.data import camera

import record
from pellucid.stores import pyramid, region

PROGRAM = [sys.executable, "-m", "pellucid"]
LIMIT = "2GB"
Row = dict[str, Any]


def slices(count: int, side: int) -> Any:
    """One slice after the other: photons, 16 bits."""
    rng = np.random.default_rng(0)
    wide = np.tile(camera(), (side // 512 + 1, side // 512 + 1))[:side, :side].astype(float)
    for z in range(count):
        yield (20 * rng.poisson(0.3 * np.roll(wide, 3 * z, 1) + 4)).astype(np.uint16)


def store(path: Path, count: int, side: int) -> Path:
    """An OME-Zarr 0.4 of (count, side, side) with omero, labels, foreign attributes and a level above."""
    group = zarr.create_group(str(path), zarr_format=2)
    full = group.create_array("0", shape=(count, side, side), chunks=(1, 512, 512), dtype="uint16")
    half = -(-side // 2)
    level = group.create_array("1", shape=(count, half, half), chunks=(1, 512, 512), dtype="uint16")
    for z, values in enumerate(slices(count, side)):
        full[z] = values
        level[z] = pyramid.reduced(values, region.whole((half, half)), values.shape, (half, half))
    axes = [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
    sets = [
        {"path": str(i), "coordinateTransformations": [{"type": "scale", "scale": [2.0, s, s]}]}
        for i, s in enumerate((0.3, 0.6))
    ]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": sets}]
    group.attrs["omero"] = {"channels": [{"label": "GFP", "color": "00FF00", "window": {"start": 0}}]}
    group.attrs["lab"] = {"mouse": 7}
    labels = group.create_group("labels")
    labels.attrs["labels"] = ["nuclei"]
    labels.create_array("nuclei", shape=(1, 64, 64), chunks=(1, 64, 64), dtype="uint8")[...] = 3
    return path


def measured(words: list[str], **more: Any) -> Row:
    """A command to its end: seconds of the processor and of the clock, the peak of its anonymous memory."""
    began = time.perf_counter()
    process = subprocess.Popen([*PROGRAM, *words], stdout=subprocess.DEVNULL, env=os.environ | more)
    peak = 0
    while True:
        done, status, used = os.wait4(process.pid, os.WNOHANG)
        if done:
            break
        peak = max(peak, anonymous(process.pid))
        time.sleep(0.02)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
    return {
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "seconds": round(time.perf_counter() - began, 1),
        "peak_anonymous_mb": round(peak / 1e6),
    }


def anonymous(pid: int) -> int:
    """Bytes of anonymous memory of a process now; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), 0)


def memory(folder: Path, large: int, quick: int) -> Row:
    """The store by `median` and by `quick`, beside a file of four megapixels taken whole."""
    rows: Row = {}
    for name, words, megabytes in (
        ("median", ["--method", "median"], large),
        ("quick", ["--effort", "quick"], quick),
    ):
        if not megabytes:
            continue
        side = 2048
        count = max(1, megabytes * 1_000_000 // (2 * side * side))
        source = store(folder / f"{name}.zarr", count, side)
        tifffile.imwrite(folder / "small.tif", next(iter(slices(1, side))))
        tifffile.imwrite(folder / "tiny.tif", next(iter(slices(1, side)))[:64, :64])
        start = measured(["denoise", f"{folder}/tiny.tif", "-o", f"{folder}/t.tif", "--overwrite", *words])
        alone = measured(["denoise", f"{folder}/small.tif", "-o", f"{folder}/s.tif", "--overwrite", *words])
        axis = [] if name == "median" else ["--axis", "none"]
        whole = measured(
            ["denoise", str(source), "-o", f"{folder}/{name}-out.zarr", "--memory", LIMIT, *words, *axis]
        )
        pixels = count * side * side / 1e6
        each = (whole["cpu_seconds"] - start["cpu_seconds"]) / pixels
        small = (alone["cpu_seconds"] - start["cpu_seconds"]) / (side * side / 1e6)
        rows[name] = {
            "megabytes": round(2 * pixels),
            "megapixels": round(pixels),
            "store": whole,
            "small_file": alone,
            "start": start,
            "cpu_seconds_per_megapixel": round(each, 4),
            "small_cpu_seconds_per_megapixel": round(small, 4),
            "ratio": round(each / small, 3),
        }
        print(name, rows[name], flush=True)
        for path in (source, folder / f"{name}-out.zarr"):
            shutil.rmtree(path)
    return rows


def kills(folder: Path, times: int = 10) -> Row:
    """A run that is killed at random, again and again, and one that is not: the same files, byte for byte.

    Each is killed when it has done some regions more, at any moment of the next one; by the clock alone a
    busy machine would end it before it has begun.
    """
    source = store(folder / "killed.zarr", 16, 1024)
    words = ["denoise", str(source), "--method", "median", "-o"]
    unbroken = measured([*words, f"{folder}/unbroken.zarr"])
    draw, target, done = random.Random(0), folder / "broken.zarr", []
    manifest = folder / ".broken.zarr.part" / "manifest.jsonl"
    for _ in range(times):
        before, more = finished(manifest), draw.choice((0, 1, 1, 2))
        process = subprocess.Popen([*PROGRAM, *words, str(target)], stdout=subprocess.DEVNULL)
        while process.poll() is None and (not begun(manifest) or finished(manifest) < before + more):
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.3))
        process.kill()
        if process.wait() != -signal.SIGKILL:
            raise SystemExit("the run ended before it was killed ten times")
        done.append(finished(manifest))
    last = measured([*words, str(target)])
    row = {
        "unbroken": unbroken,
        "killed": times,
        "regions_done_at_each_kill": done,
        "last_run": last,
        "equal": same_files(folder / "unbroken.zarr", target),
    }
    print("kills", row, flush=True)
    return row


def begun(manifest: Path) -> bool:
    """Whether a run has begun a region."""
    return manifest.exists() and '"begun"' in manifest.read_text()


def finished(manifest: Path) -> int:
    """How many regions are done."""
    return manifest.read_text().count('"done"') if manifest.exists() else 0


def same_files(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files with the same bytes."""
    names = [sorted(str(p.relative_to(f)) for p in f.rglob("*") if p.is_file()) for f in (one, other)]
    return names[0] == names[1] and all(
        filecmp.cmp(one / name, other / name, shallow=False) for name in names[0]
    )


def dask(folder: Path) -> Row:
    """One worker of one thread, two, and two of which one is killed; the bits of each."""
    source = store(folder / "shared.zarr", 12, 1024)
    words = ["denoise", str(source), "--method", "nlm", "-o"]
    single = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    rows: Row = {"here": measured([*words, f"{folder}/here.zarr"], **single)}
    for name, count, kill in (("one", 1, False), ("two", 2, False), ("two, one killed", 2, True)):
        told = folder / f"{name}.json"
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--port", "0"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        all_of = [subprocess.Popen([*command, "--scheduler-file", str(told)], **quiet)]
        for number in range(count):
            worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(told)]
            place = ["--nthreads", "1", "--no-dashboard", "--local-directory", f"{folder}/{name}{number}"]
            all_of.append(
                subprocess.Popen([*worker, *place], env=os.environ | single, start_new_session=True, **quiet)
            )
        from distributed import Client

        with Client(scheduler_file=str(told), timeout=300, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=300)
            client.run(_loaded)
            address, pids = client.scheduler.address, list(client.run(os.getpid).values())
        target = folder / f"{name.split(',')[0]}{'-killed' if kill else ''}.zarr"
        began = time.perf_counter()
        process = subprocess.Popen(
            [*PROGRAM, *words, str(target), "--cluster", address], stdout=subprocess.DEVNULL
        )
        if kill:
            manifest = folder / f".{target.name}.part" / "manifest.jsonl"
            while not (manifest.exists() and '"done"' in manifest.read_text()):
                time.sleep(0.1)
            os.kill(pids[0], signal.SIGKILL)
        _, status, spent = os.wait4(process.pid, 0)
        code = process.returncode = os.waitstatus_to_exitcode(status)
        rows[name] = {
            "command_cpu_seconds": round(spent.ru_utime + spent.ru_stime, 2),
            "seconds": round(time.perf_counter() - began, 1),
            "exit_code": code,
            "equal": same_files(folder / "here.zarr", target),
            **({"killed": pids[0]} if kill else {}),
        }
        used = []
        for one in reversed(all_of):  # the workers first
            one.terminate()
            _, status, spent = os.wait4(one.pid, 0)
            one.returncode = os.waitstatus_to_exitcode(status)
            used.append(round(spent.ru_utime + spent.ru_stime, 2))
        rows[name]["cpu_seconds"] = {"workers": used[:-1], "scheduler": used[-1]}
        print(name, rows[name], flush=True)
    rows["two_over_one"] = round(rows["one"]["seconds"] / rows["two"]["seconds"], 2)
    return rows


def trips(folder: Path) -> Row:
    """What comes back of an OME-TIFF and of OME-Zarr 0.4 beside the pixels."""
    stack = np.stack(list(slices(6, 512))).reshape(3, 2, 512, 512)
    told = {"axes": "ZCYX", "PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2, "PhysicalSizeZ": 2.0}
    told |= {"Channel": {"Name": ["GFP", "DAPI"]}}
    tifffile.imwrite(folder / "in.ome.tif", stack, metadata=told, tile=(128, 128), bigtiff=True)
    words = ["--method", "median", "--memory", LIMIT, "-o"]
    measured(["denoise", f"{folder}/in.ome.tif", *words, f"{folder}/out.ome.tif"])
    with tifffile.TiffFile(folder / "in.ome.tif") as a, tifffile.TiffFile(folder / "out.ome.tif") as b:
        tiff = {
            "axes": a.series[0].axes == b.series[0].axes,
            "shape_and_type": (a.series[0].shape, a.series[0].dtype)
            == (b.series[0].shape, b.series[0].dtype),
            "ome_xml": a.ome_metadata == b.ome_metadata,
            "bigtiff": a.is_bigtiff == b.is_bigtiff,
            "tiles": a.pages[0].tile == b.pages[0].tile,
            "read_by_tifffile": b.asarray().shape == stack.shape,
        }
    source = store(folder / "in.zarr", 3, 1024)
    measured(["denoise", str(source), "--method", "median", "-o", f"{folder}/out.zarr"])
    a, b = (zarr.open_group(str(folder / name), mode="r") for name in ("in.zarr", "out.zarr"))
    made = b["0"][...]
    half = region.whole((3, 512, 512))
    ome = {
        "attributes": dict(a.attrs) == dict(b.attrs),
        "arrays": all(a[n].metadata == b[n].metadata for n in "01"),
        "labels": bool((a["labels/nuclei"][...] == b["labels/nuclei"][...]).all()),
        "pyramid_of_the_level_below": bool(
            (b["1"][...] == pyramid.reduced(made, half, made.shape, (3, 512, 512))).all()
        ),
    }
    print("trips", tiff, ome, flush=True)
    return {"ome_tiff": tiff, "ome_zarr": ome}


def _loaded() -> None:
    pass


def main() -> None:
    """Measure, and write the results as they come."""
    parser = record.arguments(__doc__, "large_store")
    parser.add_argument("--folder", type=Path, help="where the stores are made; else a temporary folder")
    parser.add_argument(
        "--megabytes", type=int, nargs=2, default=(1000, 250), help="by median, quick; 0: none"
    )
    parser.add_argument("--only", nargs="+", default=["trips", "kills", "dask", "memory"])
    given = parser.parse_args()
    out = record.destination(given)
    result = record.about(given, __doc__)
    if out is not None and out.exists():
        result["rows"] = json.loads(out.read_text()).get("rows", {})
    rows: Row = result.setdefault("rows", {})
    with tempfile.TemporaryDirectory(dir=given.folder) as made:
        for name in given.only:
            folder = Path(made) / name
            folder.mkdir()
            work = {"memory": lambda f: memory(f, *given.megabytes), "kills": kills, "dask": dask}
            made_by = {key: result[key] for key in ("command", "commit", "date")}
            rows[name] = made_by | (work | {"trips": trips})[name](folder)
            record.save(out, result)
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
