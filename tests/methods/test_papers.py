"""What the papers state, read from their texts by hand, against preset `paper`; nothing is left out."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest

from pellucid import methods
from pellucid.paper import Paper, differences, stated

QUOTED: dict[str, dict[str, tuple[Any, str]]] = {
    "ms-dip": {
        "ratio": (0.8, "3.5: The downsampling factor r is set as 0.8"),
        "minimum": (128, "3.5: the minimum scale is 128x128"),
        "network": ("skip", "3.2: a pyramid of DIP generators (same as the one employed in [UVL18])"),
        "code": ("noise", "3.5: initialized as uniform noise"),
        "jitter": (1 / 30, "3.5: we follow [UVL18] to perturb the noise code z_n with random Gaussian"),
        "learning_rate": (1e-3, "3.5: Adam optimizer with a fixed learning rate of 10^-3"),
        "loss": ("l1-l2", "3.5: L1 at early iterations and then switching to L2"),
        "consistency": ("features", "eq 3: MSE(phi_i(x_n down), phi_i(x_n+1))"),
        "features": ("vgg16", "3.3: a VGG-16 network pre-trained on ImageNet"),
        "weight": (None, "eq 4: sqrt(sigma_yn (N - n))"),
        "level": ("chen", "eq 4: estimated by the method of [CZAH15]"),
        "upsampling": ("joint-bilateral", "3.4: joint bilateral upsampling [KCLU07]"),
        "fusion": ("halves", "3.4: average two neighboring results at each time"),
        "ensemble": (True, "3.4: a multi-scale inference ensemble is developed"),
    },
    "rs-dip": {
        "input": ("near-clean", "3.3: the input comes from the two near-clean images"),
        "sampling": (True, "3.3, eq 2 and 3: a mask is drawn in every iteration"),
        "network": ("single-scale", "3.2: convolution, Transformer modules, convolution"),
        "blocks": (2, "3.2: two in line"),
        "output": ("direct", "3.2: a last convolution brings the channels down to 1 or 3"),
        "target": ("both", "eq 4: MSE(f, I1) + MSE(f, I2)"),
    },
    "iddp": {
        "steps": (2_000_000, "first 1,000,000 iterations and linearly decays to 0 for the next 1,000,000"),
        "decay": ("linear", "the same"),
        "batch": (1, "Adam with a batch size of 1"),
        "patch": (128, "randomly cropped into 128x128 patches"),
        "learning_rate": (2e-4, "fixed to 0.0002"),
        "alpha": (0.001, "we set alpha to 0.001"),
        "beta": (1.0, "and beta = 1"),
        "p": (0.5, "1 with a probability of p = 0.5, and -1 otherwise"),
        "mask": (True, "eq 7: n2 = m (y - F(y))"),
        "fidelity": ("blurred", "eq 10: replacing y in the fidelity term with y_blur"),
        "stop_gradient": ("both", "eq 16, 17: eta is fixed, so the gradient does not backpropagate to it"),
    },
    "r2r": {
        "network": ("dncnn", "code: DnCNN, num_of_layers 17"),
        "batch": (128, "code: batchSize"),
        "learning_rate": (1e-3, "code: lr"),
        "decay": ("tenth", "code: from round 30 (milestone) of 50 (epochs) on a tenth of lr"),
        "alpha": (0.5, "code: alpha"),
        "passes": (50, "code: aver_num"),
    },
    "dip": {
        "network": (
            "skip",
            "001: U-Net or encoder and decoder; supplement of the paper: hourglass with skips",
        ),
        "loss": ("l2", "000 and 003, eq 1: |y - f(z)|²"),
        "code": ("noise", "000, 003, eq 1: z is a random vector"),
        "learning_rate": (0.01, "001, 3.2: Adam, lr=0.01"),
    },
    "n2n": {"loss": ("l2", "002, 2.1: min |f(y1) - y2|²")},
}
"""of the methods of the seeds; the words are those of the seed, shortened"""
RECORDED = [
    "bm3d",
    "dip",
    "ms-dip",
    "rs-dip",
    "self2self",
    "nac",
    "zs-n2n",
    "zssr",
    "idbp",
    "n2n",
    "supervised",
    "iddp",
    "n2v",
    "n2v2",
    "n2s",
    "nb2nb",
    "r2r",
    "nr2n",
    "b2u",
    "cvf-sid",
    "ap-bsn",
]
"""the methods of the seeds and those that they compare with, beside others"""


@pytest.mark.parametrize("name", QUOTED)
def test_preset_paper_is_what_the_text_states(name) -> None:
    method = methods.load(name)
    for field, (value, quote) in QUOTED[name].items():
        assert getattr(method.presets["paper"], field) == value, quote
        assert field in method.paper.states, quote
    if name in ("ms-dip", "rs-dip", "iddp"):  # whose text is at hand as a whole
        assert set(method.paper.states) == set(QUOTED[name])


@pytest.mark.parametrize("name", RECORDED)
def test_no_field_is_left_out(name) -> None:
    method = methods.load(name)
    told = [*method.paper.states, *method.paper.open, *method.paper.ours]
    assert sorted(told) == sorted(f.name for f in dataclasses.fields(method.config))
    assert all(s.where for s in (*method.paper.states.values(), *method.paper.open.values()))
    assert method.paper.preset(method.config) == method.presets["paper"]


@pytest.mark.parametrize("name", list(methods.METHODS))
def test_what_is_used_departs_with_a_reason_or_not_at_all(name) -> None:
    method = methods.load(name)
    assert method.config() == method.presets["fast"]
    found = method.unlike_paper(method.config())
    assert {d.field for d in found} == set(method.departures)
    for difference in found:
        assert difference.reason
        assert difference.used != difference.paper


@dataclass(frozen=True, kw_only=True)
class Config:
    """Two fields."""

    rate: float = 0.01
    width: int = 8


@pytest.mark.parametrize(
    ("paper", "message"),
    [
        (Paper(citation="", states=stated(rate=(1.0, "a"))), "width is not named"),
        (
            Paper(citation="", states=stated(rate=(1.0, "a")), ours={"rate": 1, "width": 1}),
            "rate is named twice",
        ),
        (Paper(citation="", states={}, ours={"rate": 1, "width": 1, "depth": 1}), "depth is no field"),
    ],
)
def test_a_paper_names_every_field_once(paper, message) -> None:
    with pytest.raises(ValueError, match=message):
        paper.preset(Config)


def test_differences_say_value_place_and_reason() -> None:
    paper = Paper(citation="", states=stated(rate=(1.0, "section 3")), ours={"width": 8})
    (found,) = differences(Config(), paper.preset(Config), paper, {"rate": "faster"})
    assert str(found) == "rate = 0.01, in the paper 1.0 (section 3): faster"
    (found,) = differences(Config(rate=1.0, width=4), paper.preset(Config), paper, {})
    assert str(found) == "width = 4, in the paper 8"


def test_vgg_that_is_not_at_hand_says_how_to_get_it(monkeypatch, tmp_path) -> None:
    """MS-DIP as printed needs VGG-16."""
    import torch

    from pellucid.networks import features
    from pellucid.noise.report import NoiseReport
    from pellucid.steps import Task

    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path))
    monkeypatch.setattr(features, "VGG16_URL", (tmp_path / "none" / "vgg16-397923af.pth").as_uri())
    method = methods.load("ms-dip")
    task = Task(shots=torch.rand(1, 1, 200, 200), noise=NoiseReport.white(0.1, 1))
    steps = method.steps(task, method.presets["paper"], seed=0, device=torch.device("cpu"))
    with pytest.raises(OSError, match=r"features='vgg16' \(section 3\.3\).*--set features=random"):
        next(steps)
