"""Stores against the libraries whose files they are: these read the same, and what was written."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import tifffile
import zarr

from pellucid import stores
from pellucid.stores import pyramid, region

RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 60000, (3, 2, 45, 70), dtype=np.uint16)
REGION = (slice(1, 3), slice(0, 2), slice(7, 40), slice(20, 66))


def written(path, source, values):
    """The values in a new store that is like another, cell by cell, read back."""
    target = path.with_name("target" + "".join(path.suffixes))
    kind = stores.kind_to_write(target, source)
    stores.create(target, kind, source, source.form, target.name)
    out = stores.opened(target, write=True)
    for cell in region.cells(out.form.shape, [2 * n for n in out.form.chunks]):
        out.write(cell, values[cell])
    out.close()
    return target


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"rowsperstrip": 16},
        {"tile": (32, 16)},
        {"compression": "zlib", "rowsperstrip": 7},
        {"compression": "zlib", "tile": (32, 32), "predictor": 2},
        {"compression": "lzw", "tile": (16, 48)},
    ],
)
@pytest.mark.parametrize("big", [False, True])
def test_strips_and_tiles_of_a_stack(tmp_path, layout, byteorder, big):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(
        path,
        STACK,
        bigtiff=big,
        byteorder=byteorder,
        photometric="minisblack",
        metadata={"axes": "ZCYX", "PhysicalSizeX": 0.2, "PhysicalSizeXUnit": "µm", "PhysicalSizeZ": 2.0}
        | {"Channel": {"Name": ["GFP", "DAPI"]}},
        **layout,
    )
    store = stores.opened(path)
    assert (store.form.shape, store.form.axes) == (STACK.shape, "ZCYX")
    assert store.form.channels == ("GFP", "DAPI")
    assert store.form.spacing == {"X": 0.2, "Z": 2.0}
    assert store.form.units["Z"] == "micrometer"
    np.testing.assert_array_equal(store.read(REGION), STACK[REGION])
    target = written(path, store, STACK + 1)
    with tifffile.TiffFile(target) as file, tifffile.TiffFile(path) as before:
        np.testing.assert_array_equal(file.series[0].asarray(), STACK + 1)
        assert file.series[0].axes == "ZCYX"
        assert file.is_bigtiff == big
        assert file.byteorder == byteorder
        assert file.pages[0].is_tiled == before.pages[0].is_tiled
        assert 'PhysicalSizeX="0.2"' in file.ome_metadata
        assert 'FileName="a.ome.tif"' not in file.ome_metadata
        assert file.ome_metadata.count("<Channel") == 2


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("layout", [{}, {"tile": (16, 32)}, {"compression": "zlib", "rowsperstrip": 9}])
def test_colours(tmp_path, planar, layout):
    shape = (40, 50, 3) if planar == "contig" else (3, 40, 50)
    colours = RNG.integers(0, 255, shape, dtype=np.uint8)
    path = tmp_path / "c.tif"
    tifffile.imwrite(path, colours, photometric="rgb", planarconfig=planar, **layout)
    store = stores.opened(path)
    assert store.form.color
    inside = tuple(slice(0, 3) if n == 3 else slice(5, 33) for n in shape)
    np.testing.assert_array_equal(store.read(inside), colours[inside])
    np.testing.assert_array_equal(tifffile.imread(written(path, store, 255 - colours)), 255 - colours)


def test_an_imagej_stack(tmp_path):
    path = tmp_path / "ij.tif"
    tifffile.imwrite(
        path,
        STACK,
        imagej=True,
        resolution=(5, 4),
        metadata={"axes": "TZYX", "unit": "micron", "spacing": 1.5, "finterval": 0.5},
    )
    store = stores.opened(path)
    assert store.form.axes == "TZYX"
    assert store.form.spacing == {"X": 0.2, "Y": 0.25, "Z": 1.5, "T": 0.5}
    np.testing.assert_array_equal(store.read(REGION), STACK[REGION])
    with tifffile.TiffFile(written(path, store, STACK // 2)) as file:
        assert file.is_imagej
        assert file.imagej_metadata["spacing"] == 1.5
        np.testing.assert_array_equal(file.asarray(), STACK // 2)


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy(tmp_path, order):
    path = tmp_path / "a.npy"
    np.save(path, np.asarray(STACK, order=order))
    store = stores.opened(path, axes="TZYX")
    assert store.form.axes == "TZYX"
    np.testing.assert_array_equal(store.read(REGION), STACK[REGION])
    target = written(path, store, STACK + 3)
    np.testing.assert_array_equal(np.load(target), STACK + 3)
    assert np.isfortran(np.load(target)) == (order == "F")


def ome_zarr(path, values=STACK, *, version="0.4", axes="zcyx", shards=None, levels=2, side=16):
    """An OME-Zarr store with a pyramid, omero, labels, and attributes and files of others."""
    group = zarr.create_group(str(path), zarr_format=2 if version == "0.4" else 3)
    shape = values.shape
    datasets = []
    for level in range(levels):
        own = (*shape[:-2], -(-shape[-2] // 2**level), -(-shape[-1] // 2**level))
        chunks = tuple(min(n, side) if i >= len(own) - 2 else 1 for i, n in enumerate(own))
        given = {"shards": shards} if shards and level == 0 else {}
        array = group.create_array(str(level), shape=own, chunks=chunks, dtype=values.dtype, **given)
        array[...] = values if level == 0 else pyramid.reduced(values, region.whole(own), shape, own)
        scale = [1.5, 1.0, 0.3 * 2**level, 0.3 * 2**level][-len(shape) :]
        datasets.append(
            {"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        )
    named = [
        {"name": a, "type": "channel" if a == "c" else "space"} | ({} if a == "c" else {"unit": "micrometer"})
        for a in axes
    ]
    own = {
        "multiscales": [{"version": version, "name": "cells", "axes": named, "datasets": datasets}],
        "omero": {"channels": [{"label": "GFP", "color": "00FF00"}, {"label": "DAPI"}], "id": 1},
    }
    group.attrs.update(own if version == "0.4" else {"ome": own | {"version": version}})
    group.attrs["lab"] = {"mouse": 7}
    labels = group.create_group("labels")
    labels.attrs["labels"] = ["nuclei"]
    mask = labels.create_array("nuclei", shape=(45, 70), chunks=(32, 32), dtype="uint8")
    mask[...] = 3
    (path / "notes.txt").write_text("of others")
    return path


@pytest.mark.parametrize(("version", "shards"), [("0.4", None), ("0.5", None), ("0.5", (1, 1, 32, 32))])
def test_ome_zarr(tmp_path, version, shards):
    path = ome_zarr(tmp_path / "a.zarr", version=version, shards=shards)
    store = stores.opened(path)
    assert (store.form.axes, store.form.channels) == ("ZCYX", ("GFP", "DAPI"))
    assert store.form.spacing == {"Z": 1.5, "C": 1.0, "Y": 0.3, "X": 0.3}
    assert store.missing() == (
        0,
        np.prod([-(-n // c) for n, c in zip(STACK.shape, store.form.chunks, strict=True)]),
    )
    np.testing.assert_array_equal(store.read(REGION), STACK[REGION])
    target = written(path, store, STACK + 1)
    before, after = zarr.open_group(str(path), mode="r"), zarr.open_group(str(target), mode="r")
    assert dict(after.attrs) == dict(before.attrs)
    assert after["0"].metadata == before["0"].metadata
    np.testing.assert_array_equal(after["0"][...], STACK + 1)
    np.testing.assert_array_equal(after["labels/nuclei"][...], before["labels/nuclei"][...])
    assert dict(after["labels"].attrs) == {"labels": ["nuclei"]}
    assert (target / "notes.txt").read_text() == "of others"
    assert not np.asarray(after["1"]).any()  # made later, of the level below


def test_values_that_are_those_of_nothing_are_written_too(tmp_path):
    path = ome_zarr(tmp_path / "a.zarr", np.where(STACK > 0, STACK, 1))
    target = written(path, stores.opened(path), np.zeros_like(STACK))
    assert stores.opened(target).missing()[0] == 0


def test_from_tiff_to_zarr_and_back(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(
        path,
        STACK,
        metadata={"axes": "ZCYX", "PhysicalSizeX": 0.2, "PhysicalSizeY": 0.3, "PhysicalSizeZ": 2.0}
        | {"Channel": {"Name": ["GFP", "DAPI"]}},
    )
    source = stores.opened(path)
    target = tmp_path / "b.zarr"
    stores.create(target, "zarr", source, source.form, "b.zarr")
    out = stores.opened(target, write=True)
    out.write(region.whole(STACK.shape), STACK)
    again = stores.opened(target)
    assert again.form.axes == "ZCYX"
    assert again.form.channels == ("GFP", "DAPI")
    assert {k: again.form.spacing[k] for k in "XYZ"} == {"X": 0.2, "Y": 0.3, "Z": 2.0}
    back = tmp_path / "c.ome.tif"
    stores.create(back, "tiff", again, again.form, "c.ome.tif")
    last = stores.opened(back, write=True)
    last.write(region.whole(STACK.shape), STACK)
    last.close()
    with tifffile.TiffFile(back) as file:
        np.testing.assert_array_equal(file.asarray(), STACK)
        assert file.series[0].axes == "ZCYX"
    assert stores.opened(back).form.channels == ("GFP", "DAPI")
    assert stores.opened(back).form.spacing["Z"] == 2.0


def test_a_level_is_the_mean_of_the_one_below():
    values = RNG.integers(0, 255, (6, 8), dtype=np.uint8)
    made = pyramid.reduced(values, region.whole((3, 4)), (6, 8), (3, 4))
    expected = np.rint(values.reshape(3, 2, 4, 2).mean((1, 3)))
    np.testing.assert_array_equal(made, expected)
    part = (slice(1, 3), slice(2, 4))
    lower = pyramid.below(part, (6, 8), (3, 4))
    np.testing.assert_array_equal(pyramid.reduced(values[lower], part, (6, 8), (3, 4)), expected[part])


def test_a_broken_copy_is_told(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, bigtiff=True, metadata=None)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"a\.tif: .*incomplete"):
        stores.opened(path)
    tifffile.imwrite(path, STACK[:1, :1], bigtiff=True)
    whole = path.read_bytes()
    path.write_bytes(whole[:-500])  # the table stands before the pixels
    with pytest.raises(ValueError, match=r"a\.tif: .*incomplete"):
        stores.opened(path)
    other = tmp_path / "a.npy"
    np.save(other, STACK)
    other.write_bytes(other.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"a\.npy: .*ends after"):
        stores.opened(other)


def test_pages_of_several_sizes_are_told(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(np.zeros((20, 30), np.uint8))
        file.write(np.zeros((50, 30), np.uint8))
    with pytest.raises(ValueError, match="one picture or one stack of equal pages"):
        stores.opened(path)


def test_levels_that_do_not_fit_are_told(tmp_path):
    path = ome_zarr(tmp_path / "a.zarr")
    head = path / "1" / ".zarray"
    head.write_text(json.dumps(json.loads(head.read_text()) | {"shape": [9, 9, 9, 9]}))
    with pytest.raises(ValueError, match="smaller copies"):
        stores.opened(path)


def test_groups_of_several_pictures_are_told(tmp_path):
    group = zarr.create_group(str(tmp_path / "a.zarr"), zarr_format=2)
    group.attrs["bioformats2raw.layout"] = 3
    ome_zarr(tmp_path / "a.zarr" / "0")
    with pytest.raises(ValueError, match=r"Name one of them, e\.g\. .*a\.zarr/0"):
        stores.opened(tmp_path / "a.zarr")
    assert stores.opened(tmp_path / "a.zarr" / "0").form.shape == STACK.shape


def test_chunks_that_are_gone_are_counted(tmp_path):
    path = ome_zarr(tmp_path / "a.zarr")
    shutil.rmtree(path / "0" / "1", ignore_errors=True)
    for chunk in (path / "0").glob("1.*"):
        chunk.unlink()
    gone, count = stores.opened(path).missing()
    assert (gone, count) == (2 * 3 * 5, 3 * 2 * 3 * 5)


def test_a_store_tells_when_it_is_written_to(tmp_path):
    path = ome_zarr(tmp_path / "a.zarr")
    store = stores.opened(path)
    before = store.state()
    assert stores.opened(path).state() == before
    zarr.open_group(str(path))["0"][0, 0, 0, 0] = 17
    assert stores.opened(path).state() != before
