"""swift-color pruned: 30 per cent of its channels, and 30 per cent of its weights, fitted without clean data.

    python benchmarks/prune.py

Each is fitted to the whole model on noisy crops (pictures of BSDS500 with noise added, which no target shows
clean), once from the strongest channels and once from random weights of the same size. PSNR on every sixth
picture of CBSD68, level told; time on 512 x 512 in turns with the whole model, as a ratio. `fit_cpu_s` are
processor seconds of one thread. Without --steps a fit is as long as that of `pellucid models prune`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import torch

import networks_compared
import record
from pellucid import models
from pellucid.production.prune import prune
from pellucid.production.teaching import Lesson

FORMS = {
    "30 % of the channels": {"of": "channels"},
    "30 % of the channels, random weights": {"of": "channels", "fresh": True},
    "30 % of the weights": {"of": "weights"},
}


def main() -> None:
    parser = record.arguments(__doc__, "prune")
    parser.add_argument("--steps", type=int, default=Lesson.steps)
    given = parser.parse_args()
    out, head = record.destination(given), record.about(given, __doc__)
    torch.set_num_threads(given.threads)
    rows: dict[str, record.Row] = {"whole": {"weights": 1.0}}
    networks = {"whole": networks_compared.network(models.locate("swift-color"))}
    with tempfile.TemporaryDirectory(prefix="pellucid-prune-") as folder:
        for name, form in FORMS.items():
            target = Path(folder, "pruned.safetensors")
            data = given.data_root / "train" / "BSDS500_train_test"
            lesson = Lesson(steps=given.steps)
            began = time.process_time()
            done = prune("swift-color", target, data, keep=0.3, lesson=lesson, overwrite=True, **form)
            rows[name] = {
                "weights": round(done.weights[1] / done.weights[0], 3),
                "fit_cpu_s": round(time.process_time() - began),
            }
            networks[name] = networks_compared.network(target)
            print(name, rows[name], done.loss, file=sys.stderr, flush=True)
    psnr, count = networks_compared.scores(networks, given.data_root, given.limit)
    for name, share in networks_compared.shares(networks, "whole").items():
        rows[name] |= {"psnr": psnr[name], "time": share}
    result = {
        "rows": rows,
        "noisy": psnr["noisy"],
        "pictures": count,
        "steps": given.steps,
    }
    record.save(out, head | result)
    print(result)


if __name__ == "__main__":
    main()
