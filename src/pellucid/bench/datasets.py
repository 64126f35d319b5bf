"""The data sets by their canonical names: how they lie on disk, how many pictures, where they come from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pellucid import checks
from pellucid.bench import layouts
from pellucid.bench.layouts import Layout, SetPicture
from pellucid.bench.spec import SetSpec


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A set that others know by this name.

    Attributes:
        kind: "clean" (noise is added), "pairs", "scenes" or "noisy" (no truth).
        count: how many pictures it has.
        folders: where it is looked for below the data root, in this order; the first is the advice.
        layout: how it lies there.
        how: the same in words.
        source: paper.
        page: where it is, as far as we know.
        licence: what we believe its authors to say; not checked, its page counts.
    """

    kind: str
    count: int
    folders: tuple[str, ...]
    layout: Layout
    how: str
    source: str
    page: str
    licence: str = "not stated"


_BSD = "Martin, Fowlkes, Tal, Malik, ICCV 2001"
_BSD_PAGE = "Berkeley Segmentation Dataset, BSDS300"
_FLAT = "the pictures in one folder"
_ENDS = "`NAME_real.*` beside `NAME_mean.*` in one folder"
_SIDD = "Abdelhamed, Lin, Brown, CVPR 2018"
_SIDD_PAGE = "SIDD, abdokamel.github.io/sidd"
_FMD = "Zhang et al., CVPR 2019"
_FMD_PAGE = "github.com/yinhaoz/denoising-fluorescence"
_MIX = "`test_mix/raw`, `avg2`, `avg4`, `avg8`, `avg16` and `gt` with equal file names"


def _clean(
    name: str, count: int, source: str, page: str, *folders: str, licence: str = "not stated"
) -> Dataset:
    return Dataset(
        kind="clean",
        count=count,
        folders=(name, f"clean/{name}", *folders),
        layout=layouts.clean,
        how=_FLAT,
        source=source,
        page=page,
        licence=licence,
    )


_FREE = "free for research, see its page"
DATASETS: dict[str, Dataset] = {
    "Set9": _clean(
        "Set9", 9, "Dabov et al., EUSIPCO 2007 (colour set of CBM3D)", "webpages.tuni.fi/foi/GCF-BM3D"
    ),
    "Set12": _clean("Set12", 12, "Zhang et al., TIP 2017 (DnCNN)", "github.com/cszn/DnCNN"),
    "Set14": _clean("Set14", 14, "Zeyde, Elad, Protter, 2010", "github.com/cszn/DnCNN"),
    "BSD68": _clean("BSD68", 68, f"{_BSD}; the 68 of Roth and Black 2009, gray", "github.com/cszn/DnCNN",
                    "clean/BSD68_gray", licence=_FREE),
    "CBSD68": _clean("CBSD68", 68, f"{_BSD}; the same 68 in colour", "github.com/cszn/FFDNet", licence=_FREE),
    "BSD300": Dataset(
        kind="clean",
        count=100,
        folders=("BSD300", "clean/BSD300", "clean/BSD300_test100", "BSDS300"),
        layout=layouts.below("images/test", "test"),
        how="the 100 test pictures in one folder, or `images/test/` as it comes; it contains CBSD68",
        source=_BSD,
        page=_BSD_PAGE,
        licence=_FREE,
    ),
    "McMaster": _clean("McMaster", 18, "Zhang et al., J. Electronic Imaging 2011", "github.com/cszn/FFDNet"),
    "Kodak24": _clean("Kodak24", 24, "Kodak Lossless True Color Image Suite", "r0k.us/graphics/kodak",
                      "Kodak", licence="released for unrestricted use"),
    "CC15": Dataset(
        kind="pairs",
        count=15,
        folders=("CC15", "real/CC15", "CC"),
        layout=layouts.pairs,
        how=_ENDS,
        source="Nam, Hwang, Matsushita, Kim, CVPR 2016; the 15 crops of 512 x 512",
        page="github.com/csjunxu/MCWNNM-ICCV2017",
    ),
    "PolyU": Dataset(
        kind="pairs",
        count=100,
        folders=("PolyU", "real/PolyU"),
        layout=layouts.below("CroppedImages", layout=layouts.pairs),
        how=_ENDS + " (`CroppedImages/` as it comes)",
        source="Xu, Li, Liang, Zhang, Zhang, arXiv:1804.02603",
        page="github.com/csjunxu/PolyU-Real-World-Noisy-Images-Dataset",
    ),
    "PolyU51": Dataset(
        kind="pairs",
        count=51,
        folders=("PolyU51", "real/PolyU51"),
        layout=layouts.pairs,
        how=_ENDS + "; 51 of the 100 crops, whole scenes",
        source="as PolyU",
        page="github.com/csjunxu/PolyU-Real-World-Noisy-Images-Dataset",
    ),
    "SIDD": Dataset(
        kind="pairs",
        count=1280,
        folders=("SIDD", "real/SIDD", "SIDD_validation"),
        layout=layouts.first(layouts.blocks, layouts.pairs),
        how=f"`{layouts.NOISY_BLOCKS}` and `{layouts.CLEAN_BLOCKS}` as they come, or `noisy/` and `clean/`",
        source=f"{_SIDD}; the validation blocks",
        page=_SIDD_PAGE,
        licence="MIT",
    ),
    "SIDD33": Dataset(
        kind="pairs",
        count=33,
        folders=("SIDD33", "real/SIDD33"),
        layout=layouts.pairs,
        how="`noisy/0000_N.png` and `clean/0000_CL.png`; 33 crops, noisier than the validation blocks",
        source=_SIDD,
        page=_SIDD_PAGE,
        licence="MIT",
    ),
    "SIDD-Medium": Dataset(
        kind="pairs",
        count=320,
        folders=("SIDD-Medium", "SIDD_Medium_Srgb"),
        layout=layouts.sidd_tree,
        how="its own tree, `Data/0001_.../0001_NOISY_SRGB_010.PNG`",
        source=_SIDD,
        page=_SIDD_PAGE,
        licence="MIT",
    ),
    "NIND": Dataset(
        kind="scenes",
        count=0,
        folders=("NIND", "real/NIND"),
        layout=layouts.nind,
        how="a folder per scene with `NIND_scene_ISO200-1.png`; the lowest ISO is the truth",
        source="Brummer, De Vleeschouwer, CVPR Workshops 2019",
        page="Wikimedia Commons, Natural Image Noise Dataset",
        licence="CC0 and CC BY, by picture",
    ),
    "FMD": Dataset(
        kind="pairs",
        count=240,
        folders=("FMD", "microscopy/FMD"),
        layout=layouts.fmd,
        how=_MIX,
        source=f"{_FMD}; the mixed test set at its 5 levels",
        page=_FMD_PAGE,
    ),
    "FMD-IDDP": Dataset(
        kind="pairs",
        count=120,
        folders=("FMD", "microscopy/FMD"),
        layout=layouts.fmd_iddp,
        how=_MIX + "; wide-field and two-photon BPAE left out",
        source=f"{_FMD}; the part that the paper of IDDP uses",
        page=_FMD_PAGE,
    ),
    "DND": Dataset(
        kind="noisy",
        count=1000,
        folders=("DND", "noisy_only/DND"),
        layout=layouts.noisy,
        how="the 1000 crops as `0001_01.png`, cut by the boxes of `info.mat`; its server has the truth",
        source="Plotz, Roth, CVPR 2017",
        page="noise.visinf.tu-darmstadt.de",
    ),
    "DND16": Dataset(
        kind="noisy",
        count=16,
        folders=("DND16", "noisy_only/DND16"),
        layout=layouts.noisy,
        how="16 crops, `01_noise.png`",
        source="as DND",
        page="github.com/GuoShi28/CBDNet",
    ),
    "RNI15": Dataset(
        kind="noisy",
        count=15,
        folders=("RNI15", "noisy_only/RNI15"),
        layout=layouts.noisy,
        how=_FLAT,
        source="Lebrun, Colom, Morel, IPOL 2015, and others",
        page="github.com/cszn/FFDNet",
    ),
    "Waterloo": Dataset(
        kind="clean",
        count=4744,
        folders=("Waterloo", "clean/Waterloo"),
        layout=layouts.below("pristine_images"),
        how=_FLAT + ", or `pristine_images/` as it comes",
        source="Ma et al., TIP 2017",
        page="Waterloo Exploration Database, ece.uwaterloo.ca/~k29ma/exploration",
        licence="for research",
    ),
    "CelebA": Dataset(
        kind="clean",
        count=19962,
        folders=("CelebA", "clean/CelebA"),
        layout=layouts.celeba,
        how="`img_align_celeba/` beside `list_eval_partition.txt`, whose test part is taken",
        source="Liu, Luo, Wang, Tang, ICCV 2015",
        page="mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
        licence="non-commercial research",
    ),
}  # fmt: skip
ROOT = "PELLUCID_DATA"


@dataclass(frozen=True, kw_only=True)
class FoundSet:
    """A set on this machine.

    Attributes:
        name: canonical name, or that of the folder.
        folder: where it lies.
        samples: its pictures, in their order.
        kind: as `Dataset.kind`; "own" for a folder of one's own.
        expected: how many pictures it should have; 0 where nobody says.
    """

    name: str
    folder: Path
    samples: tuple[SetPicture, ...]
    kind: str
    expected: int = 0

    @property
    def fault(self) -> str:
        """What is wrong with it, or ""."""
        if self.expected and len(self.samples) != self.expected:
            return f"{len(self.samples)} of {self.expected} pictures"
        return ""


def root(given: str | Path | None = None) -> Path:
    """The data root: what was given, else the environment variable PELLUCID_DATA, else `data`."""
    return Path(given or os.environ.get(ROOT) or "data")


def find(name: str, place: Path, *, added: bool = False) -> FoundSet | None:
    """A set by its canonical name, or the folder of that path; None where it is not on this machine.

    Args:
        name: from DATASETS, or a path.
        place: the data root.
        added: whether noise will be added, so that single pictures in an own folder count as clean.

    Raises:
        ValueError: for a name that is neither, or a set with a picture that has no partner.

    >>> find("Set8", Path("nowhere"))
    Traceback (most recent call last):
    ...
    ValueError: data must be one of Set9, Set12, ...; got 'Set8'. Did you mean 'Set9'?
    """
    if name in DATASETS:
        known = DATASETS[name]
        for below in known.folders:
            if (place / below).is_dir() and (samples := tuple(known.layout(place / below))):
                return FoundSet(
                    name=name, folder=place / below, samples=samples, kind=known.kind, expected=known.count
                )
        return None
    folder = Path(name)
    if not folder.is_dir():
        checks.one_of("data", name, [*DATASETS, "a folder"])
    samples = tuple(layouts.any_of(folder, added=added))
    if not samples:
        raise ValueError(
            f"{name} holds no pictures. It needs `noisy/` and `clean/`, a folder per scene, or pictures."
        )
    return FoundSet(name=folder.resolve().name, folder=folder, samples=samples, kind="own")


def select(
    spec: SetSpec, found: FoundSet, *, limit: int | None = None, images: Sequence[str] | None = None
) -> tuple[SetPicture, ...]:
    """The pictures of a set that a run takes.

    Args:
        spec: of the set.
        found: from `find`.
        limit: the first so many.
        images: only those of these names; names of other sets may be among them.

    Raises:
        ValueError: when noise would be added to what is noisy, or nothing has noise.
    """
    with_truth = [s for s in found.samples if s.clean is not None]
    if spec.model and not with_truth:
        raise ValueError(
            f"{spec.text} adds noise, and {found.name} holds no clean pictures. Leave the noise out."
        )
    if not spec.model and not any(s.noisy for s in found.samples):
        raise ValueError(
            f"{found.name} holds clean pictures: say which noise to add, e.g. {spec.name}:gaussian:25."
        )
    chosen = with_truth if spec.model else [s for s in found.samples if s.noisy]
    if images is not None:
        chosen = [s for s in chosen if s.name in images]
    return tuple(chosen[:limit])
