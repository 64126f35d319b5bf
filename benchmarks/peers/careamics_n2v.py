"""Noise2Void of CAREamics, trained on the very picture and then applied to it, with the library's defaults.

Patches of 64, batch 16, 30 epochs, its own network, rate and masks. In CAREamics an epoch sees each patch of
the data once, and one picture has few; so the picture is given so often that an epoch has `--steps` batches.
No clean picture and no level is used.
"""

from __future__ import annotations

import contextlib
import math
import sys
import tempfile

import numpy as np
import picture
import torchvision_here  # noqa: F401 - before careamics
from careamics import CAREamist
from careamics.config.factories.n2v_factory import create_advanced_n2v_config


def denoise(noisy: np.ndarray, sigma: float | None) -> tuple[np.ndarray, int]:
    """Train on the picture, then predict it; sigma is not looked at."""
    channels = noisy.shape[2] if noisy.ndim == 3 else None
    array = np.ascontiguousarray(noisy.transpose(2, 0, 1) if channels else noisy)
    patches = math.prod(math.ceil(side / given.patch) for side in noisy.shape[:2])
    copies = math.ceil((given.batch * given.steps + given.held_out) / patches)
    stack = np.repeat(array[None], copies, axis=0)
    config = create_advanced_n2v_config(
        experiment_name="peer",
        data_type="array",
        axes="SCYX" if channels else "SYX",
        n_channels=channels,
        patch_size=(given.patch, given.patch),
        batch_size=given.batch,
        num_epochs=given.epochs,
        num_steps=given.steps,
        n_val_patches=given.held_out,
        num_workers=0,
        trainer_params={"accelerator": "cpu", "enable_model_summary": False},
        seed=given.seed,
    )
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        careamist = CAREamist(config, work_dir=folder, enable_progress_bar=False)
        careamist.train(train_data=stack)
        found, _ = careamist.predict(stack[:1])
    estimate = np.asarray(found[0]).squeeze()
    return (estimate.transpose(1, 2, 0) if channels else estimate), careamist.trainer.global_step


parser = picture.parser(__doc__)
parser.add_argument("--epochs", type=int, default=30)
parser.add_argument("--steps", type=int, default=50)
parser.add_argument("--patch", type=int, default=64)
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--held-out", type=int, default=8)
parser.add_argument("--seed", type=int, default=1)
given = parser.parse_args()
picture.carry_out(given, denoise)
