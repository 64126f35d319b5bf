"""The table of methods: what a list of them says, read without loading any of them, and so without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.steps import Family, Needs


@dataclass(frozen=True, kw_only=True)
class MethodInfo:
    """What is known of a method before it is loaded; its `pellucid.steps.Method` takes this over.

    Attributes:
        name: what the user types.
        target: "module:NAME" of the Method.
        title: one line for `pellucid methods`.
        citation: authors, venue, year.
        needs: what kind of data it wants.
        family: what it learns from: nothing (filter), the image at hand, or a data set.
        cost: what a 512x512 colour image costs on two cores, in words.
        iterative: whether it yields a Step per iteration.
        trained: whether it is trained on many images (`pellucid train`).
        denoises: whether it is for noise at all.
        restores: what it undoes beside noise, "mask" or "downsample".
    """

    name: str
    target: str
    title: str
    citation: str
    needs: Needs
    family: Family
    cost: str
    iterative: bool = False
    trained: bool = False
    denoises: bool = True
    restores: tuple[str, ...] = ()

    @property
    def verbs(self) -> tuple[str, ...]:
        """The commands that it is for.

        >>> METHODS["dip"].verbs
        ('denoise', 'inpaint', 'upscale')
        """
        own = [verb for verb, does in (("train", self.trained), ("denoise", self.denoises)) if does]
        return (*own, *(VERBS[kind] for kind in self.restores))


VERBS: Mapping[str, str] = {"noise": "denoise", "mask": "inpaint", "downsample": "upscale"}
"""the command for each kind of degradation"""

_TABLE = (
    MethodInfo(
        name="bm3d",
        target="pellucid.methods.filters.bm3d:BM3D",
        title="BM3D / CBM3D: similar blocks are shrunk together, by the noise's own spectrum",
        citation="Dabov, Foi, Katkovnik, Egiazarian, IEEE TIP 2007; Makinen, Azzari, Foi, IEEE TIP 2020",
        needs="one image",
        family="filter",
        cost="3 s",
    ),
    MethodInfo(
        name="photo",
        target="pellucid.methods.filters.photo:PHOTO",
        title="For one picture: (C)BM3D by the noise's own spectrum beside a small network, linear light",
        citation="ours, after Dabov et al., ICIP 2007, and Makinen, Azzari, Foi, IEEE TIP 2020",
        needs="one image",
        family="filter",
        cost="4 s",
    ),
    MethodInfo(
        name="nlm",
        target="pellucid.methods.filters.nlm:NLM",
        title="Non-local means: averages pixels with similar surroundings",
        citation="Buades, Coll, Morel, CVPR 2005 (scikit-image)",
        needs="one image",
        family="filter",
        cost="1 s",
    ),
    MethodInfo(
        name="tv",
        target="pellucid.methods.filters.tv:TV",
        title="Total variation: keeps edges, flattens what lies between them",
        citation="Rudin, Osher, Fatemi, Physica D 1992; Chambolle, JMIV 2004 (scikit-image)",
        needs="one image",
        family="filter",
        cost="2 s",
    ),
    MethodInfo(
        name="wavelet",
        target="pellucid.methods.filters.wavelet:WAVELET",
        title="Wavelet shrinkage: thresholds that follow the content of every scale",
        citation="Chang, Yu, Vetterli, IEEE TIP 2000; Coifman, Donoho 1995 (scikit-image)",
        needs="one image",
        family="filter",
        cost="1 s",
    ),
    MethodInfo(
        name="median",
        target="pellucid.methods.filters.median:MEDIAN",
        title="Adaptive median: removes salt, pepper and hot pixels, leaves the rest alone",
        citation="after Hwang, Haddad, IEEE TIP 1995",
        needs="one image",
        family="filter",
        cost="1 s",
    ),
    MethodInfo(
        name="dncnn",
        target="pellucid.methods.filters.dncnn:DNCNN",
        title="DnCNN: a network trained by others on clean images (--model FILE)",
        citation="Zhang, Zuo, Chen, Meng, Zhang, IEEE TIP 2017",
        needs="one image",
        family="filter",
        cost="10 s",
    ),
    MethodInfo(
        name="ffdnet",
        target="pellucid.methods.filters.ffdnet:FFDNET",
        title="FFDNet: a network trained by others on clean images, told the noise level (--model FILE)",
        citation="Zhang, Zuo, Zhang, IEEE TIP 2018",
        needs="one image",
        family="filter",
        cost="3 s",
    ),
    MethodInfo(
        name="dip",
        target="pellucid.methods.single_image.dip.method:DIP",
        title="Deep Image Prior: fits a network to this one image and stops before it learns the noise",
        citation="Ulyanov, Vedaldi, Lempitsky, CVPR 2018; stop rule: Wang et al., TMLR 2023",
        needs="one image",
        family="single image",
        cost="3 min",
        iterative=True,
        restores=("mask", "downsample"),
    ),
    MethodInfo(
        name="zs-n2n",
        target="pellucid.methods.single_image.zs_n2n:ZS_N2N",
        title="Zero-Shot Noise2Noise: a tiny network learns from two halves of this one image",
        citation="Mansour, Heckel, CVPR 2023",
        needs="one image",
        family="single image",
        cost="15 s",
        iterative=True,
    ),
    MethodInfo(
        name="self2self",
        target="pellucid.methods.single_image.self2self:SELF2SELF",
        title="Self2Self: predicts hidden pixels of this one image from the others; says how unsure it is",
        citation="Quan, Chen, Pang, Ji, CVPR 2020",
        needs="one image",
        family="single image",
        cost="3 min",
        iterative=True,
    ),
    MethodInfo(
        name="nac",
        target="pellucid.methods.single_image.nac:NAC",
        title="Noisy-As-Clean: learns to remove added noise like that of this one image; for weak noise",
        citation="Xu, Huang, Cheng, Liu, Zhu, Xu, Shao, IEEE TIP 2020",
        needs="one image",
        family="single image",
        cost="1.5 min",
        iterative=True,
    ),
    MethodInfo(
        name="zssr",
        target="pellucid.methods.single_image.zssr:ZSSR",
        title="ZSSR: learns to enlarge this picture from smaller versions of itself",
        citation="Shocher, Cohen, Irani, CVPR 2018",
        needs="one image",
        family="single image",
        cost="20 s",
        iterative=True,
        denoises=False,
        restores=("downsample",),
    ),
    MethodInfo(
        name="biharmonic",
        target="pellucid.methods.filters.biharmonic:BIHARMONIC",
        title="biharmonic inpainting: the smoothest surface through what is known around a hole",
        citation="Damelin, Hoang, IJMMS 2018 (scikit-image)",
        needs="one image",
        family="filter",
        cost="2 s",
        denoises=False,
        restores=("mask",),
    ),
    MethodInfo(
        name="idbp",
        target="pellucid.methods.filters.idbp:IDBP",
        title="IDBP: fills what is missing by BM3D, again and again, holding to what is known",
        citation="Tirer, Giryes, IEEE TIP 2019",
        needs="one image",
        family="filter",
        cost="70 s",
        iterative=True,
        denoises=False,
        restores=("mask",),
    ),
    MethodInfo(
        name="bicubic",
        target="pellucid.methods.filters.interpolate:BICUBIC",
        title="bicubic interpolation: enlarges by a fixed formula",
        citation="Keys, IEEE TASSP 1981",
        needs="one image",
        family="filter",
        cost="0.1 s",
        denoises=False,
        restores=("downsample",),
    ),
    MethodInfo(
        name="lanczos",
        target="pellucid.methods.filters.interpolate:LANCZOS",
        title="Lanczos interpolation: enlarges by a fixed formula, a little sharper",
        citation="Duchon, J. Applied Meteorology 1979",
        needs="one image",
        family="filter",
        cost="0.1 s",
        denoises=False,
        restores=("downsample",),
    ),
    MethodInfo(
        name="ms-dip",
        target="pellucid.methods.single_image.ms_dip.method:MS_DIP",
        title="Multi-scale Deep Image Prior: fits a network per scale, coarse to fine, and averages the "
        "scales",
        citation="Jiang, Zhang, Nie, Zhu, Zheng, Computer Graphics Forum",
        needs="one image",
        family="single image",
        cost="2 min",
        iterative=True,
    ),
    MethodInfo(
        name="rs-dip",
        target="pellucid.methods.single_image.rs_dip:RS_DIP",
        title="RS-DIP: fits a small Transformer to what other methods made of the shots (--near-clean)",
        citation="Xu, Xiong, Zhou, JEIT 46(11), 2024",
        needs="one image or shots",
        family="single image",
        cost="30 s",
        iterative=True,
    ),
    MethodInfo(
        name="n2n",
        target="pellucid.methods.dataset.n2n:N2N",
        title="Noise2Noise: learns from pairs of noisy pictures of one scene (`pellucid train n2n`)",
        citation="Lehtinen, Munkberg, Hasselgren, Laine, Karras, Aittala, Aila, ICML 2018",
        needs="pairs",
        family="data set",
        cost="0.3 s to 4 s, by network",
        trained=True,
    ),
    MethodInfo(
        name="supervised",
        target="pellucid.methods.dataset.supervised:SUPERVISED",
        title="Training with clean targets, to compare with (`pellucid train supervised`)",
        citation="textbook; network and schedule of Lehtinen and others, ICML 2018",
        needs="clean pairs",
        family="data set",
        cost="0.3 s to 4 s, by network",
        trained=True,
    ),
    MethodInfo(
        name="iddp",
        target="pellucid.methods.dataset.iddp.method:IDDP",
        title="IDDP: learns from noisy pictures by denoising its own output again (`pellucid train iddp`)",
        citation="Lin, Zhuang, Ding, Zeng, Huang, Tu, Paisley, AAAI 2023",
        needs="a folder",
        family="data set",
        cost="0.3 s to 2 s, by network",
        trained=True,
    ),
    MethodInfo(
        name="n2v",
        target="pellucid.methods.dataset.n2v:N2V",
        title="Noise2Void: predicts scattered hidden pixels from what is around (`pellucid train n2v`)",
        citation="Krull, Buchholz, Jug, CVPR 2019",
        needs="a folder",
        family="data set",
        cost="0.3 s to 2 s, by network",
        trained=True,
    ),
    MethodInfo(
        name="n2v2",
        target="pellucid.methods.dataset.n2v:N2V2",
        title="N2V2: Noise2Void without its checkerboards (`pellucid train n2v2`)",
        citation="Höck, Buchholz, Brachmann, Jug, Freytag, ECCV workshops 2022",
        needs="a folder",
        family="data set",
        cost="0.3 s to 2 s, by network",
        trained=True,
    ),
    MethodInfo(
        name="n2s",
        target="pellucid.methods.dataset.n2s:N2S",
        title="Noise2Self: predicts a grid of hidden pixels from the others (`pellucid train n2s`)",
        citation="Batson, Royer, ICML 2019",
        needs="a folder",
        family="data set",
        cost="4 s to 60 s, by network",
        trained=True,
    ),
    MethodInfo(
        name="nb2nb",
        target="pellucid.methods.dataset.nb2nb:NB2NB",
        title="Neighbor2Neighbor: learns one neighbour from the other (`pellucid train nb2nb`)",
        citation="Huang, Li, Jia, Lu, Liu, CVPR 2021",
        needs="a folder",
        family="data set",
        cost="0.3 s to 5 s, by network",
        trained=True,
    ),
    MethodInfo(
        name="r2r",
        target="pellucid.methods.dataset.recorrupted:R2R",
        title="Recorrupted-to-Recorrupted: adds noise and takes it off to make pairs (`pellucid train r2r`)",
        citation="Pang, Zheng, Quan, Ji, CVPR 2021",
        needs="a folder",
        family="data set",
        cost="3 s to 40 s, by network",
        trained=True,
    ),
    MethodInfo(
        name="nr2n",
        target="pellucid.methods.dataset.recorrupted:NR2N",
        title="Noisier2Noise: learns to take off noise added to noise (`pellucid train nr2n`)",
        citation="Moran, Schmidt, Zhong, Coady, CVPR 2020",
        needs="a folder",
        family="data set",
        cost="3 s to 40 s, by network",
        trained=True,
    ),
    MethodInfo(
        name="b2u",
        target="pellucid.methods.dataset.b2u:B2U",
        title="Blind2Unblind: blind predictions of all pixels, then one that sees them (`pellucid train "
        "b2u`)",
        citation="Wang, Liu, Li, Han, CVPR 2022",
        needs="a folder",
        family="data set",
        cost="12 s to 100 s, by network; 0.3 s to 5 s with inference=visible",
        trained=True,
    ),
    MethodInfo(
        name="cvf-sid",
        target="pellucid.methods.dataset.cvf_sid:CVF_SID",
        title="CVF-SID: parts a photograph into picture and two noises (`pellucid train cvf-sid`)",
        citation="Neshatavar, Yavartanoo, Son, Lee, CVPR 2022",
        needs="a folder",
        family="data set",
        cost="0.5 s to 6 s, by network",
        trained=True,
    ),
    MethodInfo(
        name="ap-bsn",
        target="pellucid.methods.dataset.ap_bsn:AP_BSN",
        title="AP-BSN: learns from photographs whose pixels share their noise (`pellucid train ap-bsn`)",
        citation="Lee, Son, Lee, CVPR 2022",
        needs="a folder",
        family="data set",
        cost="6 s to 300 s, by network and rounds",
        trained=True,
    ),
)

METHODS: dict[str, MethodInfo] = {info.name: info for info in _TABLE}
"""pellucid's own methods, in the order of the list"""

_TAKEN = ("name", "title", "citation", "needs", "family", "cost", "iterative", "denoises")


def described(name: str) -> dict[str, Any]:
    """What the `Method` called so takes over from the table, as arguments.

    >>> described("nlm")["needs"]
    'one image'
    """
    return {field: getattr(METHODS[name], field) for field in _TAKEN}
