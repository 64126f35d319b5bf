"""How data sets lie on disk: every layout finds its pictures, their truth and their names."""

import re
from pathlib import Path

import numpy as np
import pytest
from bench_pictures import clean_set, noisy, save, truth
from scipy.io import savemat
from typer.testing import CliRunner

from pellucid import files
from pellucid.bench import datasets, layouts
from pellucid.bench.inputs import prepare
from pellucid.bench.spec import parse_set
from pellucid.cli import app


def names(found):
    return [s.name for s in found.samples]


def touch(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def test_clean_sets_in_natural_order(tmp_path):
    touch(tmp_path, "Set12/10.png", "Set12/9.png", "Set12/.hidden.png", "Set12/readme.txt")
    found = datasets.find("Set12", tmp_path)
    assert names(found) == ["9", "10"]
    assert found.fault == "2 of 12 pictures"
    assert all(not s.noisy and s.clean for s in found.samples)


def test_every_name_has_a_folder_and_words():
    for name, known in datasets.DATASETS.items():
        assert known.kind in ("clean", "pairs", "scenes", "noisy")
        assert known.folders
        assert known.how
        assert known.source
        assert known.page
        assert parse_set(name).name == name


def test_pairs_by_ending_and_by_folder(tmp_path):
    touch(tmp_path, "PolyU/CroppedImages/a_1_real.JPG", "PolyU/CroppedImages/a_1_mean.JPG")
    touch(tmp_path, "SIDD33/noisy/0000_N.png", "SIDD33/clean/0000_CL.png")
    touch(tmp_path, "own/noisy/x.png", "own/noisy/y.tif", "own/gt/x.tif", "own/gt/y.tif")
    assert names(datasets.find("PolyU", tmp_path)) == ["a_1"]
    (pair,) = datasets.find("SIDD33", tmp_path).samples
    assert (pair.name, pair.clean.path.name) == ("0000", "0000_CL.png")
    own = datasets.find(str(tmp_path / "own"), tmp_path)
    assert [(s.name, s.clean.path.name) for s in own.samples] == [("x", "x.tif"), ("y", "y.tif")]
    assert (own.name, own.kind) == ("own", "own")


def test_a_noisy_picture_without_its_partner_is_an_error(tmp_path):
    touch(tmp_path, "own/noisy/x.png", "own/clean/y.png")
    with pytest.raises(ValueError, match=r"x.png has no clean partner"):
        datasets.find(str(tmp_path / "own"), tmp_path)


def test_the_validation_blocks_of_sidd(tmp_path):
    rng = np.random.default_rng(0)
    clean = rng.integers(0, 200, (2, 3, 16, 16, 3), dtype=np.uint8)
    dirty = clean + rng.integers(0, 50, clean.shape, dtype=np.uint8)
    (tmp_path / "SIDD").mkdir()
    savemat(tmp_path / "SIDD" / layouts.NOISY_BLOCKS, {"ValidationNoisyBlocksSrgb": dirty})
    savemat(tmp_path / "SIDD" / layouts.CLEAN_BLOCKS, {"ValidationGtBlocksSrgb": clean})
    found = datasets.find("SIDD", tmp_path)
    assert len(found.samples) == 6
    assert names(found)[:4] == ["0000-00", "0000-01", "0000-02", "0001-00"]
    made = prepare(tmp_path / "r", parse_set("SIDD"), "SIDD", found.samples[4], crop=None, seed=0)
    assert np.array_equal(files.to_array(files.read(made.folder / made.noisy)), dirty[1, 1])
    assert np.array_equal(files.to_array(files.read(made.folder / made.clean)), clean[1, 1])
    savemat(tmp_path / "SIDD" / layouts.CLEAN_BLOCKS, {"ValidationGtBlocksSrgb": clean[:1]})
    with pytest.raises(ValueError, match=r"\(1, 3, 16, 16, 3\)"):
        datasets.find("SIDD", tmp_path)


def test_sidd_s_own_tree(tmp_path):
    scene = "SIDD-Medium/Data/0001_001_S6_00100_00060_3200_L"
    touch(tmp_path, *(f"{scene}/0001_{k}_SRGB_0{n}.PNG" for k in ("NOISY", "GT") for n in (10, 11)))
    found = datasets.find("SIDD-Medium", tmp_path)
    assert names(found) == ["0001-010", "0001-011"]
    assert found.samples[0].clean.path.name == "0001_GT_SRGB_010.PNG"


def test_nind(tmp_path):
    touch(
        tmp_path, *(f"NIND/bark/NIND_bark_ISO{s}.png" for s in ("200-1", "200-2", "800", "6400-1", "6400-2"))
    )
    touch(tmp_path, "NIND/bark/NIND_bark_ISOH1.png", "NIND/bark/readme.png")
    found = datasets.find("NIND", tmp_path)
    assert names(found) == ["bark_ISO800", "bark_ISO6400", "bark_ISOH1"]
    assert [len(s.noisy) for s in found.samples] == [1, 2, 1]
    assert {s.clean.path.name for s in found.samples} == {"NIND_bark_ISO200-1.png"}


def test_fmd_and_what_iddp_uses_of_it(tmp_path):
    kinds = ("Confocal_FISH_1", "TwoPhoton_BPAE_R_1", "TwoPhoton_MICE_1", "WideField_BPAE_B_1")
    touch(tmp_path, *(f"FMD/test_mix/{level}/{k}.png" for level in ("raw", "avg8", "gt") for k in kinds))
    assert len(datasets.find("FMD", tmp_path).samples) == 8
    part = names(datasets.find("FMD-IDDP", tmp_path))
    assert part == [
        "Confocal_FISH_1_raw",
        "TwoPhoton_MICE_1_raw",
        "Confocal_FISH_1_avg8",
        "TwoPhoton_MICE_1_avg8",
    ]


def test_celeba_takes_the_test_part(tmp_path):
    touch(tmp_path, *(f"CelebA/img_align_celeba/00000{n}.jpg" for n in (1, 2, 3)))
    (tmp_path / "CelebA/list_eval_partition.txt").write_text("000001.jpg 0\n000002.jpg 2\n000003.jpg 2\n")
    assert names(datasets.find("CelebA", tmp_path)) == ["000002", "000003"]


def test_scenes_of_ones_own(tmp_path):
    touch(tmp_path, "own/one/1.png", "own/one/2.png", "own/one/clean.png", "own/two/1.png", "own/empty/x.txt")
    found = datasets.find(str(tmp_path / "own"), tmp_path)
    assert [(s.name, len(s.noisy), s.clean is not None) for s in found.samples] == [
        ("one", 2, True),
        ("two", 1, False),
    ]


def test_single_pictures_are_noisy_or_clean_as_the_spec_wants(tmp_path):
    touch(tmp_path, "own/a.png", "own/b.png")
    folder = str(tmp_path / "own")
    seen, made = datasets.find(folder, tmp_path), datasets.find(folder, tmp_path, added=True)
    assert all(s.noisy and not s.clean for s in seen.samples)
    assert all(s.clean and not s.noisy for s in made.samples)
    assert len(datasets.select(parse_set(f"{folder}:gaussian:5"), made)) == 2
    with pytest.raises(ValueError, match=r"holds no clean pictures"):
        datasets.select(parse_set(f"{folder}:gaussian:5"), seen)


def test_a_selection_is_by_order_or_by_name(tmp_path):
    touch(tmp_path, *(f"Set9/p{i}.png" for i in range(5)))
    spec, found = parse_set("Set9:gaussian:25"), datasets.find("Set9", tmp_path)
    assert [s.name for s in datasets.select(spec, found, limit=2)] == ["p0", "p1"]
    assert [s.name for s in datasets.select(spec, found, images=["p3", "q", "p1"])] == ["p1", "p3"]


def test_the_root_is_given_else_of_the_environment_else_data(tmp_path, monkeypatch):
    monkeypatch.setenv("PELLUCID_DATA", "elsewhere")
    assert str(datasets.root(tmp_path)) == str(tmp_path)
    assert str(datasets.root()) == "elsewhere"
    monkeypatch.delenv("PELLUCID_DATA")
    assert str(datasets.root()) == "data"


def test_stacks_and_transparency(tmp_path):
    rgba = np.dstack([noisy(), np.full(noisy().shape[:2], 128, np.uint8)])
    save(rgba, tmp_path / "own" / "a.png")
    files.write(files.from_array(np.zeros((3, 20, 20), np.uint16)), tmp_path / "own" / "stack.tif")
    found = datasets.find(str(tmp_path / "own"), tmp_path)
    values, white = found.samples[0].noisy[0].read()
    assert np.array_equal(values, noisy().transpose(2, 0, 1))
    assert white == 255
    with pytest.raises(ValueError, match=r"got a stack of 3"):
        found.samples[1].noisy[0].read()


def test_bench_data_says_what_is_here(tmp_path):
    clean_set(tmp_path, 9)
    save(truth(), tmp_path / "CC15" / "a_real.png")
    touch(tmp_path, "SIDD33/noisy/0000_N.png", "SIDD33/clean/0002_CL.png")
    done = CliRunner().invoke(app, ["bench", "data", "--data-root", str(tmp_path)])
    assert done.exit_code == 0
    text = done.stdout
    assert "Set9" in text.split("Not here:")[0]
    assert "no clean partner" in text.split("Not here:")[0]
    assert "Kodak24: Kodak Lossless True Color Image Suite" in text.split("Not here:")[1]
    assert "CC15" in text.split("Not here:")[1]


PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmark.md"
OWN = re.findall(r"^\| (`[^|]*) \|[^|]*\| (\d) \| (\d) \|$", PAGE.read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize(("files", "pictures", "truths"), OWN)
def test_own_folders_are_what_the_page_says(tmp_path, files, pictures, truths):
    for name in re.findall(r"`([\w/.]+\.png)`", files):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"looked at later")
    found = layouts.any_of(tmp_path, added="--data" in files)
    assert len(found) == int(pictures)
    assert sum(one.clean is not None for one in found) == int(truths)


def test_the_page_tells_of_own_folders():
    assert len(OWN) == 5
