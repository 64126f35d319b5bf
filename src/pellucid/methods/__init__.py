"""The table of methods: a literal one can read, "module:NAME" strings so that listing them loads no torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pellucid import checks

if TYPE_CHECKING:
    from pellucid.steps import Method

METHODS: dict[str, str] = {
    "bm3d": "pellucid.methods.filters.bm3d:BM3D",
    "photo": "pellucid.methods.filters.photo:PHOTO",
    "nlm": "pellucid.methods.filters.nlm:NLM",
    "tv": "pellucid.methods.filters.tv:TV",
    "wavelet": "pellucid.methods.filters.wavelet:WAVELET",
    "median": "pellucid.methods.filters.median:MEDIAN",
    "dncnn": "pellucid.methods.filters.dncnn:DNCNN",
    "ffdnet": "pellucid.methods.filters.ffdnet:FFDNET",
    "dip": "pellucid.methods.single_image.dip:DIP",
    "zs-n2n": "pellucid.methods.single_image.zs_n2n:ZS_N2N",
    "self2self": "pellucid.methods.single_image.self2self:SELF2SELF",
    "nac": "pellucid.methods.single_image.nac:NAC",
    "zssr": "pellucid.methods.single_image.zssr:ZSSR",
    "biharmonic": "pellucid.methods.filters.biharmonic:BIHARMONIC",
    "idbp": "pellucid.methods.filters.idbp:IDBP",
    "bicubic": "pellucid.methods.filters.interpolate:BICUBIC",
    "lanczos": "pellucid.methods.filters.interpolate:LANCZOS",
    "ms-dip": "pellucid.methods.single_image.ms_dip:MS_DIP",
    "rs-dip": "pellucid.methods.single_image.rs_dip:RS_DIP",
    "n2n": "pellucid.methods.dataset.n2n:N2N",
    "supervised": "pellucid.methods.dataset.supervised:SUPERVISED",
    "iddp": "pellucid.methods.dataset.iddp:IDDP",
    "n2v": "pellucid.methods.dataset.n2v:N2V",
    "n2v2": "pellucid.methods.dataset.n2v:N2V2",
    "n2s": "pellucid.methods.dataset.n2s:N2S",
    "nb2nb": "pellucid.methods.dataset.nb2nb:NB2NB",
    "b2u": "pellucid.methods.dataset.b2u:B2U",
    "cvf-sid": "pellucid.methods.dataset.cvf_sid:CVF_SID",
    "ap-bsn": "pellucid.methods.dataset.ap_bsn:AP_BSN",
}


def load(name: str) -> Method:
    """The method called ``name``.

    Raises:
        ValueError: naming the methods there are, and the nearest spelling.

    >>> load("nlm").needs
    'one image'
    """
    checks.one_of("method", name, list(METHODS))
    module, attribute = METHODS[name].split(":")
    method: Method = getattr(import_module(module), attribute)
    return method
