"""What stands beside a result of RS-DIP in the JSON: near-clean images, their mean, average then denoise."""

from __future__ import annotations

from typing import Any

from pellucid.cli import scores
from pellucid.image import Image
from pellucid.steps import Result


def entries(result: Result, first: Image, clean: Image | None, written: Image | None) -> dict[str, Any]:
    """The entries for the record; empty for other methods.

    A fit to two targets is a fit to their mean, so the gain over the mean is all that the network brings;
    it has a sign. Scores are there with a reference only.

    Args:
        result: of any method.
        first: the first shot, for the type of the file.
        clean: the reference, or None.
        written: the result as read back, or None.
    """
    extras = result.extras
    if "near_clean" not in extras:
        return {}

    def scored(pixels: Any) -> dict[str, Any]:
        return {} if clean is None else {"psnr": scores.of_pixels(clean, pixels, first)}

    record: dict[str, Any] = {
        "near_clean": [
            {"method": name} | scored(pixels)
            for name, pixels in zip(extras["near_clean_methods"], extras["near_clean"], strict=True)
        ],
        "mean": scored(extras["mean"]),
        "average_then_denoise": None,
    }
    averaged = extras["average_then_denoise"]
    if averaged is not None:
        record["average_then_denoise"] = {"method": extras["average_then_denoise_method"]} | scored(averaged)
    if clean is not None and written is not None:
        ours, mean = scores.of_pixels(clean, written.pixels, written), record["mean"]["psnr"]
        known = ours is not None and mean is not None
        record["gain_over_mean"] = round(ours - mean, 4) if known else None
    return record
