"""Makes the folder of pictures that the shipped models are trained on: freely licensed, from Debian packages.

    apt-get download mate-backgrounds plasma-workspace-wallpapers ukui-wallpapers gnome-backgrounds \\
        lomiri-wallpapers-16.04 lomiri-wallpapers-20.04
    python recipes/pictures.py . pictures/

Every picture is reduced, which takes the noise and the JPEG blocks of the original away, to at most 1200
pixels a side, and written as PNG. Pictures of scikit-image are added, but for the cat, which is the demo.
Licences are those that the packages state in /usr/share/doc/PACKAGE/copyright; LICENCES.md sums them up. No
picture of the Berkeley sets is among them.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

LARGEST, LEAST = 1200, 2.0  # pixels of the longer side afterwards; how much smaller it becomes at least
NATURE = (
    "Aqua",
    "Blinds",
    "Dune",
    "Garden",
    "GreenMeadow",
    "LadyBird",
    "RainDrops",
    "Storm",
    "TwoWings",
    "Wood",
)
LOMIRI = (
    "Bridge_by_Sander_Klootwijk", "Dragonfly_by_Bolly", "Kleiber_by_Lukas_Baubkus", "Picture_0B_by_freespace",
    "Picture_1A_by_freespace", "aitzgorri_by_Aitzol_Berasategi", "free_by_Peter_Nerlich",
    "greentock_by_Peter_Nerlich", "life_by_Aitzol_Berasategi", "picosdeeuropa_by_Aitzol_Berasategi",
    "seeding_by_Clements_Engelhardt", "sunset_by_Aitzol_Berasategi",
)  # fmt: skip
PLASMA = (
    "Autumn", "BytheWater", "ColdRipple", "ColorfulCups", "DarkestHour", "EveningGlow", "FallenLeaf", "Grey",
    "Kite", "OneStandsOut", "Path", "summer_1am",
)  # fmt: skip
NAMES = [
    *(f"usr/share/backgrounds/mate/nature/{name}.jpg" for name in NATURE),
    "usr/share/backgrounds/mate/abstract/Elephants_5640x3172.jpg",
    *(f"usr/share/backgrounds/{name}.jpg" for name in LOMIRI),
    *(f"usr/share/wallpapers/{name}/contents/images/2560x1600.jpg" for name in PLASMA),
    *(f"usr/share/backgrounds/gnome/{name}-l.webp" for name in ("licorice", "pixels", "truchet", "grid")),
    *(f"usr/share/backgrounds/{name}" for name in ("2004default.jpg", "firstgeneration.jpg", "string.jpg")),
]
SKIMAGE = ("astronaut", "coffee", "hubble_deep_field", "immunohistochemistry", "rocket", "retina")


def reduced(picture: Image.Image) -> Image.Image:
    """At most LARGEST pixels a side, and at least LEAST times smaller."""
    share = min(1 / LEAST, LARGEST / max(picture.size))
    size = tuple(max(1, round(side * share)) for side in picture.size)
    return picture.convert("RGB").resize((size[0], size[1]), Image.Resampling.LANCZOS)


def main() -> None:
    """Unpack, reduce, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("packages", type=Path, help="folder with the .deb files")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        for package in sorted(given.packages.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", str(package), work], check=True)
        missing = [name for name in NAMES if not (Path(work) / name).is_file()]
        if missing:
            raise SystemExit(f"not in these packages: {', '.join(missing)}. Download all six.")
        for name in NAMES:
            kept = Path(name).stem if "wallpapers" not in name else Path(name).parts[3]
            with Image.open(Path(work) / name) as picture:
                reduced(picture).save(given.out / f"{kept}.png")
    for name in SKIMAGE:
        try:
            array = np.asarray(getattr(skimage.data, name)())
        except (OSError, ImportError) as error:  # some are fetched from the net, which may be away
            print(f"left out: {name} ({error.__class__.__name__})")
            continue
        Image.fromarray(array[..., :3]).save(given.out / f"{name}.png")
    print(f"{len(list(given.out.glob('*.png')))} pictures in {given.out}")


if __name__ == "__main__":
    main()
