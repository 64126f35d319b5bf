"""Training steps per second: CAREamics' Noise2Void against `pellucid train n2v`.

    python benchmarks/careamics_speed.py --peers FOLDER        some minutes; see benchmarks/peers/make.py

Both train a U-Net of two halvings and 32 channels with batch normalisation on the same gray stack: patches
of 64, batch 16, 0.2 % of the pixels hidden within a radius of 5, flips and turns, Adam, float32, one thread.
Each run is a fresh process; the two take turns, who begins changes, and the ratio is taken in each
pair of neighbours. A hook of torch notes wall and processor time after every step of the optimiser, so that
both are measured in the same way: start-up, the first steps and the end (validation, checkpoints) are left
out. On a machine that is not idle the ratio of processor time is the one to trust. The parameters are counted
from what the optimiser holds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

SIDE, BATCH, RADIUS, PERCENT = 64, 16, 5, 0.2
WARM = 5  # steps that are not counted


def watch() -> tuple[list[tuple[float, float]], list[int]]:
    """Times after every step of any optimiser, and how many parameters it has."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    times: list[tuple[float, float]] = []
    sizes: list[int] = []

    def note(optimizer: Any, *_: Any) -> None:
        times.append((time.perf_counter(), time.process_time()))
        if not sizes:
            sizes.append(sum(p.numel() for group in optimizer.param_groups for p in group["params"]))

    register_optimizer_step_post_hook(note)
    return times, sizes


def theirs(stack: Path, folder: Path, steps: int) -> None:
    """`steps` batches in CAREamics, one epoch."""
    sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))
    import torchvision_here  # noqa: F401 - before careamics
    from careamics import CAREamist
    from careamics.config.factories.n2v_factory import create_advanced_n2v_config

    config = create_advanced_n2v_config(
        experiment_name="speed",
        data_type="array",
        axes="SYX",
        patch_size=(SIDE, SIDE),
        batch_size=BATCH,
        num_epochs=1,
        num_steps=steps,
        roi_size=2 * RADIUS + 1,
        masked_pixel_percentage=PERCENT,
        num_workers=0,
        model_params={"depth": 2, "num_channels_init": 32},
        trainer_params={"accelerator": "cpu", "enable_model_summary": False},
        seed=1,
    )
    CAREamist(config, work_dir=folder, enable_progress_bar=False).train(train_data=np.load(stack))


def ours(stack: Path, folder: Path, steps: int) -> None:
    """`steps` steps in pellucid."""
    import pellucid

    pellucid.train(
        "n2v",
        stack,
        folder / "model.safetensors",
        preset="paper",
        set={"network": "n2v-unet", "batch": BATCH, "patch": SIDE, "radius": RADIUS, "percent": PERCENT},
        steps=steps,
        every=10 * steps,
        data_range=1.0,
        device="cpu",
        threads=1,
    )


def child(who: str, stack: Path, folder: Path, steps: int) -> None:
    """Train, and print the rates."""
    import torch

    torch.set_num_threads(1)
    times, sizes = watch()
    begin = time.perf_counter()
    {"careamics": theirs, "pellucid": ours}[who](stack, folder, steps)
    count = len(times) - 1 - WARM
    wall, cpu = (times[-1][i] - times[WARM][i] for i in (0, 1))
    print()
    told = {
        "steps": len(times),
        "per_second": count / wall,
        "per_cpu_second": count / cpu,
        "whole_seconds": time.perf_counter() - begin,
        "parameters": sizes[0],
        "torch": torch.__version__,
    }
    print(json.dumps(told))


def run(python: str, who: str, stack: Path, steps: int) -> dict[str, Any]:
    """One training in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        words = [python, __file__, "--child", who, str(stack), folder, str(steps)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        if who == "careamics":
            environment.pop("PYTHONPATH", None)
        done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{who} ended with code {done.returncode}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    """Alternate, and keep the figures."""
    import record

    parser = record.arguments(__doc__, "careamics_speed")
    parser.add_argument("--peers", type=Path, default=os.environ.get("PELLUCID_PEERS"))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=30)
    given = parser.parse_args()
    python = Path(given.peers or ".", "careamics", "bin", "python")
    if not python.exists():
        raise SystemExit(f"{python} is not there. Make it with benchmarks/peers/make.py, and give --peers.")
    given.threads = 1
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        stack = Path(folder, "stack.npy")
        draws = np.random.default_rng(0)
        ramp = np.linspace(0.2, 0.8, 256, dtype=np.float32)
        waves = [0.5 + 0.3 * np.sin(ramp[:, None] * draws.uniform(5, 60) + ramp * 30) for _ in range(60)]
        noisy = np.stack(waves) + draws.normal(0, 0.1, (60, 256, 256))
        np.save(stack, noisy.clip(0, 1).astype(np.float32))
        for turn in range(given.pairs):
            order = ["pellucid", "careamics"][:: 1 if turn % 2 == 0 else -1]
            pair = {
                who: run(str(python) if who == "careamics" else sys.executable, who, stack, given.steps)
                for who in order
            }
            pairs.append(pair)
            print(turn, {who: round(found["per_cpu_second"], 3) for who, found in pair.items()}, flush=True)
    record_of = {}
    for rate in ("per_second", "per_cpu_second"):
        ratios = [pair["pellucid"][rate] / pair["careamics"][rate] for pair in pairs]
        record_of[rate] = {
            **{who: round(mean(pair[who][rate] for pair in pairs), 4) for who in ("pellucid", "careamics")},
            "ratio_median": round(median(ratios), 3),
            "ratios": [round(ratio, 3) for ratio in ratios],
        }
    first = pairs[0]
    result = {
        "about": record.about(given, __doc__) | {"careamics": _version(python)},
        "parameters": {who: first[who]["parameters"] for who in first},
        "steps": given.steps - WARM - 1,
        "load": [round(value, 2) for value in os.getloadavg()],
        "rates": record_of,
        "pairs": pairs,
    }
    out = given.out or record.HERE / "results" / "careamics_speed.json"
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record_of, indent=1))


def _version(python: Path) -> str:
    code = "from importlib.metadata import version; print(version('careamics'))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), int(sys.argv[5]))
    else:
        main()
