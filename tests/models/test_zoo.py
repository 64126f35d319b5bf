"""Weight files of others: each layout as its authors write it, back to the same network; hostile ones."""

from __future__ import annotations

import pickle
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import pellucid
from pellucid import extras, methods, seeds, tiles
from pellucid.methods import foreign
from pellucid.models import zoo
from pellucid.models.zoo import own, theirs
from pellucid.networks.cycleisp import CycleISP
from pellucid.networks.dagl import DAGL
from pellucid.networks.restormer_unet import Restormer
from pellucid.noise.report import NoiseReport
from pellucid.steps import Task

pytestmark = pytest.mark.filterwarnings("ignore:torch.meshgrid")  # of spandrel's SwinIR
CPU = torch.device("cpu")
needs_spandrel = pytest.mark.skipif(not extras.here("spandrel"), reason="spandrel is not installed")


def made(build) -> nn.Module:
    with seeds.fixed(0, "weights"):
        network = build()
        for parameter in network.parameters():  # some begin as the identity
            if not bool(parameter.any()):
                nn.init.normal_(parameter, std=0.1)
        return network.eval().requires_grad_(False)


def spandrel(name: str, **arguments) -> nn.Module:
    from importlib import import_module

    theirs.registry()
    return made(lambda: getattr(import_module(f"spandrel.architectures.{name}"), name)(**arguments))


SWINIR = {
    "upscale": 1,
    "img_size": 16,
    "window_size": 4,
    "img_range": 1.0,
    "depths": [2, 2],
    "embed_dim": 8,
    "num_heads": [2, 2],
    "mlp_ratio": 2,
    "upsampler": "",
    "resi_connection": "1conv",
}
BLOCK = {
    "norm_attention.weight": "norm1.body.weight",
    "norm_attention.bias": "norm1.body.bias",
    "norm_forward.weight": "norm2.body.weight",
    "norm_forward.bias": "norm2.body.bias",
    "attention.temperature": "attn.temperature",
    "attention.mix.weight": "attn.qkv.weight",
    "attention.around.weight": "attn.qkv_dwconv.weight",
    "attention.out.weight": "attn.project_out.weight",
    "feed_forward.mix.weight": "ffn.project_in.weight",
    "feed_forward.around.weight": "ffn.dwconv.weight",
    "feed_forward.out.weight": "ffn.project_out.weight",
}
ALONE = {
    "first.weight": "patch_embed.proj.weight",
    "last.weight": "output.weight",
    **{f"down.{i}.weight": f"down{i + 1}_{i + 2}.body.0.weight" for i in range(3)},
    **{f"up.{i}.weight": f"up{i + 2}_{i + 1}.body.0.weight" for i in range(3)},
    **{f"join.{i}.weight": f"reduce_chan_level{i + 2}.weight" for i in range(2)},
}
LEVELS = {
    **{f"encoder.{i}": f"encoder_level{i + 1}" for i in range(3)},
    **{f"decoder.{i}": f"decoder_level{i + 1}" for i in range(3)},
    "encoder.3": "latent",
    "refinement": "refinement",
}


def authors_restormer(network: Restormer) -> dict[str, torch.Tensor]:
    """A state dict as the authors' code writes it; norms are vectors there."""
    found = {}
    for name, value in network.state_dict().items():
        if name in ALONE:
            found[ALONE[name]] = value
            continue
        level = next(ours for ours in LEVELS if name.startswith(ours + "."))
        block, _, part = name.removeprefix(level + ".").partition(".")
        found[f"{LEVELS[level]}.{block}.{BLOCK[part]}"] = value.flatten() if "norm" in part else value
    return found


def restormer(channels: int = 3, **arguments) -> Restormer:
    small = {"width": 8, "blocks": (1, 2, 1, 1), "refinement": 1, "heads": (1, 2, 2, 4)}
    return made(lambda: Restormer(channels, **small, **arguments))


def written(network: nn.Module, path: Path, wrap=dict) -> Path:
    state = authors_restormer(network) if isinstance(network, Restormer) else network.state_dict()
    torch.save(wrap(state), path)
    return path


def picture(channels: int, height: int = 19, width: int = 30) -> torch.Tensor:
    return torch.rand(channels, height, width, generator=seeds.generator(0))


OWN = {
    "Restormer": lambda: restormer(),
    "Restormer, centred": lambda: restormer(1, centred=True),
    "CycleISP": lambda: made(lambda: CycleISP(3, features=8, groups=2, blocks=2, reduction=4)),
    "DAGL": lambda: made(lambda: DAGL(1, features=8, blocks=4)),
}
THEIRS = {
    "SwinIR": lambda: spandrel("SwinIR", in_chans=3, **SWINIR),
    "NAFNet": lambda: spandrel(
        "NAFNet", img_channel=3, width=4, middle_blk_num=1, enc_blk_nums=[1, 1], dec_blk_nums=[1, 1]
    ),
    "SCUNet": lambda: spandrel("SCUNet", in_nc=1, config=[1] * 7, dim=64),
    "DRUNet": lambda: spandrel("DRUNet", in_nc=4, out_nc=3, nc=[4, 4, 4, 4], nb=2),
    "FDnCNN": lambda: spandrel("DnCNN", in_nc=2, out_nc=1, nc=4, nb=20, act_mode="R", mode="FDnCNN"),
}
WRAPPED = {
    "plain": dict,
    "params": lambda s: {"params": s},
    "params_ema": lambda s: {"params": {k: v + 1 for k, v in s.items()}, "params_ema": s},
    "several cards": lambda s: {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in s.items()}},
}


@pytest.mark.parametrize("wrapper", WRAPPED)
@pytest.mark.parametrize("name", OWN)
def test_our_networks_come_back_from_the_authors_layout(name, wrapper, tmp_path):
    network = OWN[name]()
    loaded = zoo.load(written(network, tmp_path / "net.pth", WRAPPED[wrapper]))
    assert loaded.known.name == name.partition(",")[0]
    assert loaded.known.weights == sum(p.numel() for p in network.parameters())
    x = picture(loaded.known.channels, 16, 24)[None]
    torch.testing.assert_close(loaded(x, x[:, :1]), network(x), atol=1e-5, rtol=1e-4)


@needs_spandrel
@pytest.mark.parametrize("name", THEIRS)
def test_networks_of_spandrel_come_back(name, tmp_path):
    network = THEIRS[name]()
    loaded = zoo.load(written(network, tmp_path / "net.pth"))
    known = loaded.known
    assert (known.name, known.source) == (name, "spandrel")
    x, level = picture(known.channels, 64, 64)[None], picture(1, 64, 64)[None]
    fed = torch.cat([x, level], 1) if known.levels else x
    assert known.levels == (name in ("DRUNet", "FDnCNN"))
    torch.testing.assert_close(loaded(x, level), network(fed))
    assert loaded(x[..., :13, :50], level[..., :13, :50]).shape == x[..., :13, :50].shape


@needs_spandrel
def test_a_safetensors_file_of_others(tmp_path, pngs):
    from safetensors.torch import save_file

    network = THEIRS["NAFNet"]()
    save_file(network.state_dict(), tmp_path / "net.safetensors")
    x = picture(3, 8, 8)[None]
    torch.testing.assert_close(zoo.load(tmp_path / "net.safetensors")(x, x[:, :1]), network(x))
    made_ = pellucid.denoise(pngs(3), model=str(tmp_path / "net.safetensors"), channel_axis=-1)
    assert made_.shape == pngs(3).shape


@pytest.fixture
def pngs():
    """Pictures with white noise, as arrays."""

    def of(channels: int, height: int = 40, width: int = 49) -> np.ndarray:
        rng = np.random.default_rng(channels)
        values = 120 + 20 * rng.normal(size=(height, width, channels))
        return values.clip(0, 255).astype(np.uint8)

    return of


def test_a_file_is_enough(tmp_path, pngs):
    """Which method, and which tiles, follows from the file; `auto` alone never takes it."""
    path = str(written(OWN["CycleISP"](), tmp_path / "cycleisp.pth"))
    result = pellucid.denoise(pngs(3), model=path, channel_axis=-1, return_result=True)
    assert result.method == "zoo"
    assert pellucid.denoise(pngs(3), channel_axis=-1, return_result=True).method != "zoo"
    named = pellucid.denoise(pngs(3), "zoo", model=path, channel_axis=-1, return_result=True)
    assert np.array_equal(named.estimate, result.estimate)
    with pytest.raises(ValueError, match="sigma does not apply to method zoo"):
        pellucid.denoise(pngs(3), model=path, channel_axis=-1, sigma=20, data_range=255)


def test_the_last_look_judges_a_foreign_result(tmp_path, pngs):
    """A network that paints over the picture: its result is kept, as it was asked for, and not trusted."""
    network = OWN["CycleISP"]()
    network.tail[0].weight.mul_(40)
    path = str(written(network, tmp_path / "net.pth"))
    result = pellucid.denoise(pngs(3, 96, 96), model=path, channel_axis=-1, return_result=True)
    assert result.trust.level == "low"
    assert result.method == "zoo"


def test_a_gray_picture_in_a_network_for_colours(tmp_path):
    path = str(written(restormer(), tmp_path / "net.pth"))
    (step,) = run("zoo", picture(1), path)
    network = zoo.load(path)
    three = network(picture(1).expand(3, -1, -1)[None], picture(1)[None])[0]
    torch.testing.assert_close(step.estimate(), three.mean(0, keepdim=True))
    assert "for 3 channels" in step.notes[0]
    (step,) = run("zoo", picture(3), path)
    assert not step.notes


def run(name: str, y: torch.Tensor, model: str, noise: NoiseReport | None = None, config=None):
    method = methods.load(name)
    task = Task(shots=y[None], noise=noise or NoiseReport.white(0.1, len(y)), model=model)
    return method.steps(task, config or method.config(), seed=0, device=CPU)


@needs_spandrel
def test_a_network_is_told_the_level(tmp_path):
    network = THEIRS["DRUNet"]()
    path = str(written(network, tmp_path / "drunet.pth"))
    y = picture(3, 16, 24)
    method = methods.load("zoo")
    (step,) = run("zoo", y, path, NoiseReport.white(0.07, 3), method.config(strength=2.0))
    fed = torch.cat([y[None], torch.full((1, 1, 16, 24), 0.14)], 1)
    torch.testing.assert_close(step.estimate(), network(fed)[0])
    found = foreign.of_file(path)
    assert found.method.uses_noise
    other = str(written(OWN["CycleISP"](), tmp_path / "net.pth"))
    with pytest.raises(ValueError, match="strength does not apply to CycleISP"):
        list(run("zoo", y, other, config=method.config(strength=2.0)))


@needs_spandrel
def test_tiles_of_a_local_network_give_the_whole(tmp_path):
    """DRUNet depends on 186 pixels around: its tiles are exact."""
    network = zoo.load(written(THEIRS["DRUNet"](), tmp_path / "drunet.pth"))
    tiling = network.known.tiling
    assert tiling.kind == "exact"
    y = picture(4, 40, 600)

    def denoised(part: torch.Tensor) -> torch.Tensor:
        return network(part[None, :3], part[None, 3:])[0]

    cut = tiles.process(y, denoised, tile=128, halo=tiling.halo, stride=tiling.stride)
    torch.testing.assert_close(cut, denoised(y), atol=1e-5, rtol=1e-4)


@needs_spandrel
def test_the_halo_of_drunet_is_what_a_value_depends_on(tmp_path):
    """At the authors' depth, by the gradient of one value."""
    network = spandrel("DRUNet", in_nc=2, out_nc=1, nc=[2, 2, 2, 2], nb=4)
    x = picture(2, 8, 480)[None].requires_grad_()
    reached = 0
    for column in range(232, 240):
        (gradient,) = torch.autograd.grad(network(x)[0, 0, 4, column], x)
        seen = gradient[0].abs().sum((0, 1)).nonzero().flatten()
        reached = max(reached, column - int(seen[0]), int(seen[-1]) - column)
    assert 150 < reached <= theirs.DRUNET_HALO


def test_large_pictures_are_cut_by_the_networks_own_side(tmp_path, pngs, monkeypatch):
    path = str(written(OWN["DAGL"](), tmp_path / "dagl.pth"))
    sizes = []
    forward = zoo.Foreign.forward

    def watched(self, noisy, sigma):
        sizes.append(tuple(noisy.shape[-2:]))
        return forward(self, noisy, sigma)

    monkeypatch.setattr(zoo.Foreign, "forward", watched)
    pellucid.denoise(pngs(1, 24, 200)[..., 0], model=path)
    assert sizes == [(24, 116), (24, 116)]
    sizes.clear()
    pellucid.denoise(pngs(1, 24, 200)[..., 0], model=path, tile=400)
    assert sizes == [(24, 200)]


def test_a_file_is_read_once_while_in_use(tmp_path):
    path = written(OWN["CycleISP"](), tmp_path / "net.pth")
    first = zoo.load(path)
    assert zoo.load(path) is first
    key = id(first)
    written(made(lambda: CycleISP(1, features=8, groups=1, blocks=1, reduction=4)), path)
    assert zoo.load(path).known.channels == 1
    del first
    assert key


def test_dncnn_and_ffdnet_are_found_by_content(tmp_path):
    from pellucid.networks.classics import DnCNN

    torch.save(made(lambda: DnCNN(1, width=4)).state_dict(), tmp_path / "net.pth")
    assert foreign.of_file(tmp_path / "net.pth").method.name == "dncnn"


def test_without_spandrel_one_line_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "spandrel", None)
    torch.save({"somewhere.weight": torch.zeros(3)}, tmp_path / "net.pth")
    with pytest.raises(extras.MissingExtra, match=r"spandrel.*pip install 'pellucid\[zoo\]'"):
        zoo.load(tmp_path / "net.pth")


def changed(state: dict[str, torch.Tensor], **changes) -> dict[str, torch.Tensor]:
    return state | {name.replace("__", "."): value for name, value in changes.items()}


def test_wrong_files_are_one_line(tmp_path):
    network = OWN["CycleISP"]()
    state = network.state_dict()
    cases = {
        "missing": ({k: v for k, v in state.items() if k != "body.2.bias"}, "the first is 'body.2.bias'"),
        "shape": (changed(state, head__0__bias=torch.zeros(9)), "another shape, the first is 'head.0.bias'"),
        "nan": (changed(state, tail__0__bias=torch.full((3,), torch.nan)), "not finite, in 'tail.0.bias'"),
        "unknown": ({"a.weight": torch.zeros(2)}, "fit no layout"),
        "list": ([torch.zeros(2)], "no dictionary of tensors"),
    }
    for name, (content, words) in cases.items():
        if name == "unknown" and not extras.here("spandrel"):
            continue
        torch.save(content, tmp_path / f"{name}.pth")
        with pytest.raises(ValueError, match=re.escape(words)) as caught:
            zoo.load(tmp_path / f"{name}.pth")
        assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError, match="there is none at"):
        zoo.load(tmp_path / "nowhere.pth")


class Calls:
    def __reduce__(self):
        return Path.touch, (Path("ran"),)


MEASURED = r"""
import re, sys
from pellucid.methods import foreign
from pellucid.models.zoo import theirs
theirs.registry()
def of_status(name): return int(re.search(name + r":\s*(\d+)", open("/proc/self/status").read())[1]) / 1024
for path in sys.argv[1:]:
    open("/proc/self/clear_refs", "w").write("5")  # the peak begins anew
    before = of_status("VmRSS")
    try:
        foreign.of_file(path)
        print("accepted", path)
    except ValueError as error:
        assert "\n" not in str(error), error
    print(path, round(of_status("VmHWM") - before))
"""
MEMORY = 128
"""MB that a refusal may add"""


@needs_spandrel
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is measured on Linux")
def test_hostile_files_are_refused_and_cost_little(tmp_path):
    def save(name: str, content) -> None:
        torch.save(content, tmp_path / name)

    swin = THEIRS["SwinIR"]().state_dict()
    index = "layers.0.residual_group.blocks.0.attn.relative_position_index"
    one = torch.zeros(1)
    save("calls.pth", {"state_dict": Calls()})
    (tmp_path / "old.pth").write_bytes(pickle.dumps({"a": Calls()}, 2))
    (tmp_path / "header.safetensors").write_bytes(struct.pack("<Q", 2**40) + b"{" + bytes(64))
    (tmp_path / "long.safetensors").write_bytes(struct.pack("<Q", 2**23) + b"{" + bytes(2**23))
    save("expanded.pth", {"head.0.weight": one.expand(2**14, 2**14, 3, 3)})
    save("wide.pth", changed(swin, conv_first__weight=one.expand(2**15, 3, 3, 3)))
    save("windows.pth", changed(swin, **{index.replace(".", "__"): one.long().expand(2**16, 1)}))
    save("mlp.pth", changed(swin, layers__0__residual_group__blocks__0__mlp__fc1__bias=one.expand(2**26)))
    save("blocks.pth", changed(swin, layers__0__residual_group__blocks__1__attn_mask=one.expand(2**26, 1, 1)))
    paths = sorted(str(p) for p in tmp_path.iterdir())
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEASURED, *paths], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    rows = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())
    assert set(rows) == set(paths), done.stdout
    assert all(int(megabytes) <= MEMORY for megabytes in rows.values()), rows
    assert not (tmp_path / "ran").exists()


def test_the_program_takes_it(tmp_path, pngs, capsys, monkeypatch):
    from pellucid import cli

    monkeypatch.setattr("sys.excepthook", sys.excepthook)
    monkeypatch.chdir(tmp_path)
    Image.fromarray(pngs(3)).save("noisy.png")
    model = written(OWN["CycleISP"](), tmp_path / "net.pth")
    words = ["denoise", "noisy.png", "-o", "out.png", "--overwrite", "--model", str(model)]
    with pytest.raises(SystemExit):
        cli.main(words)
    assert Path("out.png").is_file()
    torch.save({"state_dict": Calls()}, model)
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not Path("ran").exists()


def test_names_of_restormer_are_the_authors():
    """Each of our weights has one name in their files, and it leads back."""
    network = restormer()
    assert {own.restormer_name(name) for name in authors_restormer(network)} == set(network.state_dict())
