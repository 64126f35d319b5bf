"""The page: how long the server takes for the preview of a part under view (quick effort, 512 x 512).

    python benchmarks/web_preview.py

Pictures of scikit-image with white noise of 18 of 255, each five times after one that counts for nothing;
seconds of the processor and of the wall, from the request to the three pictures for the browser. Colour,
gray, and a part of a colour picture of 12 megapixels.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
from skimage import data

import record
from pellucid import files
from pellucid.web import work


def main() -> None:
    parser = record.arguments(__doc__, "web_preview")
    given = parser.parse_args()
    record.limit_threads(given.threads)
    out, about = record.destination(given), record.about(given, __doc__)
    rows: dict[str, record.Row] = {}
    large = np.tile(data.astronaut(), (6, 8, 1))
    for name, clean in (("colour", data.astronaut()), ("gray", data.camera()), ("12 megapixels", large)):
        noise = np.random.default_rng(0).normal(0, 18, clean.shape)
        noisy = np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)
        picture = files.from_array(noisy, channel_axis=-1 if noisy.ndim == 3 else None)
        spent, waited = [], []
        for _ in range(6):
            wall, processor = time.perf_counter(), time.process_time()
            work.preview(picture, (0, 0, work.SIDE, work.SIDE), {}, 0)
            waited.append(time.perf_counter() - wall)
            spent.append(time.process_time() - processor)
        rows[name] = {
            "cpu_seconds": round(statistics.median(spent[1:]), 2),
            "seconds": round(statistics.median(waited[1:]), 2),
        }
        print(name, rows[name], flush=True)
    record.save(out, about | {"rows": rows})


if __name__ == "__main__":
    main()
