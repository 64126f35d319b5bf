"""Makes the folder of pictures that the shipped models are trained on: freely licensed, from Debian packages.

    apt-get download budgie-backgrounds gcompris-qt-data gnome-backgrounds grub2-splashimages \\
        lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 lxqt-themes mate-backgrounds palapeli-data \\
        plasma-workspace-wallpapers tuxpaint-data ukui-wallpapers
    python recipes/pictures.py . pictures/ held-out/

Releases of Debian differ: the folder may hold several versions of a package, and LICENCES.md says from which
each picture was taken. What is not there is named and left out; `--strict` makes that an error.

Every picture is reduced, which takes the noise and the JPEG blocks of the original away, to at most 1200
pixels a side and at most half its size, and written as PNG. Pictures of scikit-image are added, but for the
cat, which is the demo. Licences are those that the packages state in /usr/share/doc/PACKAGE/copyright;
LICENCES.md sums them up. No picture of the Berkeley sets is among them. A tenth is put into a folder of its
own, to compare models on (compare.py).
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

LARGEST, LEAST = 1200, 2.0  # pixels of the longer side afterwards; how much smaller it becomes at least
SMALLEST = 700  # pixels of the longer side of a picture that is taken from a resource file

BUDGIE = (
    "abstract-spiral", "beacon-street-sunset", "blue-periwinkle", "canyon-wren", "casa-mila",
    "extreme-desert-hike", "high-trestle-trail", "lake-sherburne", "oakland-zoo-otters", "ocean-waves",
    "perched-osprey", "piazza-gae-aulenti", "roman-colosseum", "singaporean-cityscape", "tea-gardens",
)  # fmt: skip
GRUB = (
    "001_Chateau_de_Chillon_and_Dents_du_Midi_Photo_by_Giles_Laurent",
    "001_Juvenile_leopard_in_the_Serengeti_National_Park_Photo_by_Giles_Laurent",
    "003_Olive-bellied_Sunbird_in_flight_at_Kibale_forest_National_Park_Photo_by_Giles_Laurent",
    "004_2018_05_14_Extremes_Wetter", "2006-02-15_Piping", "Anse_Source_d_Argent_2-La_Digue",
    "Apollo_17_The_Last_Moon_Shot_Edit1", "BonsaiTridentMaple", "BrockenBahnWinter",
    "City_Lights_of_Asia_and_Middle_East_2016", "Glasses_800_edit", "Hortensia-1", "Lake_mapourika_NZ",
    "Moraine_Lake_17092005", "Plasma-lamp", "TulipStair_QueensHouse_Greenwich", "Windbuchencom",
    "splash-02", "splash-04", "splash-06",
)  # fmt: skip
LOMIRI = (
    "Bridge_by_Sander_Klootwijk", "Dragonfly_by_Bolly", "Kleiber_by_Lukas_Baubkus", "Picture_0B_by_freespace",
    "Picture_1A_by_freespace", "Wine_by_Jakkub_Mede", "aitzgorri_by_Aitzol_Berasategi",
    "free_by_Peter_Nerlich", "friends_by_Aitzol_Berasategi", "greentock_by_Peter_Nerlich",
    "life_by_Aitzol_Berasategi", "picosdeeuropa_by_Aitzol_Berasategi", "seeding_by_Clements_Engelhardt",
    "sunset_by_Aitzol_Berasategi",
)  # fmt: skip
LXQT = (
    "Butterfly-Kenneth-Wimer.jpg", "Valendas.png", "after-the-rain.jpg", "appleflower.png", "beam.png",
    "butterfly.png", "cloud.png", "drop.png", "flowers.png", "fog.jpg", "graphite.jpg",
    "this-is-not-windows.jpg",
)  # fmt: skip
NATURE = (
    "Aqua", "Blinds", "Dune", "FreshFlower", "Garden", "GreenMeadow", "LadyBird", "RainDrops", "Storm",
    "TwoWings", "Wood", "YellowFlower",
)  # fmt: skip
PALAPELI = (
    "castle-maintenon", "cincinnati-bridge", "citrus-fruits", "european-honey-bee",
    "panther-chameleon-female",
)  # fmt: skip
PLASMA = (
    "Autumn", "BytheWater", "ColdRipple", "ColorfulCups", "DarkestHour", "EveningGlow", "FallenLeaf", "Grey",
    "Kite", "OneStandsOut", "Path", "summer_1am",
)  # fmt: skip
RENDERED = (
    "Canopee/contents/images/3840x2160.png", "IceCold/contents/images/5120x2880.png",
    "SafeLanding/contents/images/5120x2880.jpg", "Shell/contents/images/5120x2880.jpg",
    "Volna/contents/images/5120x2880.jpg",
)  # fmt: skip
TUXPAINT = (
    "cliff", "clouds_from_airplane", "corn_maze", "jellyfish", "lough_leane", "rocks", "sheep",
    "sun_behind_clouds", "wool_mill_machine",
)  # fmt: skip
UKUI = (
    "2004default", "bluebird", "bridgecity", "bridgecity2", "firstgeneration", "horse", "house",
    "mountain", "mountain-range", "mountain2", "sea", "sky", "snowy-mountains", "still-life",
    "string", "sunf",
)  # fmt: skip
FILES: dict[str, tuple[str, ...]] = {
    "budgie-backgrounds": tuple(f"usr/share/backgrounds/budgie/{name}.jpg" for name in BUDGIE),
    "gnome-backgrounds": (
        *(f"usr/share/backgrounds/gnome/{name}-l.webp" for name in ("licorice", "pixels", "truchet", "grid")),
        *(f"usr/share/backgrounds/gnome/{name}.jpg" for name in ("Dark_Ivy", "Road")),
    ),
    "grub2-splashimages": tuple(f"usr/share/images/grub/{name}.png" for name in GRUB),
    "lomiri-wallpapers-*": tuple(f"usr/share/backgrounds/{name}.jpg" for name in LOMIRI),
    "lxqt-themes": tuple(f"usr/share/lxqt/wallpapers/{name}" for name in LXQT),
    "mate-backgrounds": (
        *(f"usr/share/backgrounds/mate/nature/{name}.jpg" for name in NATURE),
        "usr/share/backgrounds/mate/abstract/Elephants_5640x3172.jpg",
    ),
    "palapeli-data": tuple(f"usr/share/palapeli/collection/{name}.jpg" for name in PALAPELI),
    "plasma-workspace-wallpapers": (
        *(f"usr/share/wallpapers/{name}/contents/images/2560x1600.jpg" for name in PLASMA),
        *(f"usr/share/wallpapers/{name}" for name in RENDERED),
    ),
    "tuxpaint-data": tuple(f"usr/share/tuxpaint/templates/{name}.jpg" for name in TUXPAINT),
    "ukui-wallpapers": tuple(f"usr/share/backgrounds/{name}.jpg" for name in UKUI),
}
"""package: the pictures that are taken from it"""
RESOURCES: dict[str, tuple[str, ...]] = {
    "gcompris-qt-data": tuple(
        f"usr/share/gcompris-qt/rcc/{name}.rcc"
        for name in (
            "clickgame", "erase", "explore_farm_animals", "explore_monuments", "explore_world_animals",
            "explore_world_music",
        )
    ),
}  # fmt: skip
"""package: files that hold many pictures as WebP, of which the large ones are taken, numbered"""
SKIMAGE = ("astronaut", "coffee", "hubble_deep_field", "immunohistochemistry", "rocket", "retina")

HELD_OUT = (
    "004_2018_05_14_Extremes_Wetter", "Aqua", "DarkestHour", "Elephants_5640x3172", "Shell", "YellowFlower",
    "bridgecity2", "cincinnati-bridge", "erase-05", "erase-10", "erase-18", "erase-19", "erase-21",
    "erase-22", "explore_farm_animals-02", "explore_monuments-19", "explore_monuments-24",
    "explore_monuments-40", "explore_monuments-62", "oakland-zoo-otters", "perched-osprey",
    "piazza-gae-aulenti", "sea", "splash-02", "splash-06", "string", "sunf",
)  # fmt: skip
"""a tenth of the pictures, drawn once"""


def reduced(picture: Image.Image) -> Image.Image:
    """At most LARGEST pixels a side, and at least LEAST times smaller."""
    share = min(1 / LEAST, LARGEST / max(picture.size))
    size = tuple(max(1, round(side * share)) for side in picture.size)
    return picture.convert("RGB").resize((size[0], size[1]), Image.Resampling.LANCZOS)


def webp(content: bytes) -> Iterator[Image.Image]:
    """The large WebP pictures in the bytes of a file, by their headers: "RIFF", the length, "WEBP"."""
    at = content.find(b"RIFF")
    while at >= 0:
        if content[at + 8 : at + 12] == b"WEBP":
            length = int.from_bytes(content[at + 4 : at + 8], "little") + 8
            picture = Image.open(io.BytesIO(content[at : at + length]))
            if max(picture.size) >= SMALLEST:
                yield picture
        at = content.find(b"RIFF", at + 4)


def kept_name(name: str) -> str:
    """What a picture is called: the name of its file, or of its folder where that has many sizes."""
    path = Path(name)
    return path.parts[3] if path.parts[2] == "wallpapers" else path.stem


def found(folders: list[Path], package: str, name: str) -> Path | None:
    """The file in any of the versions of a package."""
    places = (folder / name for folder in folders if folder.match(f"{package}_*"))
    return next((place for place in places if place.is_file()), None)


def main() -> None:
    """Unpack, reduce, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("packages", type=Path, help="folder with the .deb files")
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("held_out", type=Path, help="folder for the tenth that no training sees")
    parser.add_argument("--strict", action="store_true", help="fail where a picture is missing")
    parser.add_argument(
        "--whole", type=Path, help="folder for the photographs of `out` that are JPEG files, as they are"
    )
    given = parser.parse_args()
    for folder in filter(None, (given.out, given.held_out, given.whole)):
        folder.mkdir(parents=True, exist_ok=True)

    def save(picture: Image.Image, name: str) -> None:
        picture.save((given.held_out if name in HELD_OUT else given.out) / f"{name}.png")

    missing: list[str] = []
    with tempfile.TemporaryDirectory() as work:
        folders = []
        for package in sorted(given.packages.rglob("*.deb")):
            folders.append(Path(work) / package.stem)
            subprocess.run(["dpkg-deb", "-x", str(package), str(folders[-1])], check=True)
        for package, names in FILES.items():
            for name in names:
                place = found(folders, package, name)
                if place is None:
                    missing.append(f"{package}: {name}")
                    continue
                with Image.open(place) as picture:
                    save(reduced(picture), kept_name(name))
                if given.whole and place.suffix == ".jpg" and kept_name(name) not in HELD_OUT:
                    shutil.copyfile(place, given.whole / f"{kept_name(name)}.jpg")
        for package, names in RESOURCES.items():
            for name in names:
                place = found(folders, package, name)
                if place is None:
                    missing.append(f"{package}: {name}")
                    continue
                for number, picture in enumerate(webp(place.read_bytes())):
                    save(reduced(picture), f"{place.stem}-{number:02d}")
    for name in SKIMAGE:
        try:
            array = np.asarray(getattr(skimage.data, name)())
        except (OSError, ImportError) as error:  # some are fetched from the net, which may be away
            missing.append(f"scikit-image: {name} ({error.__class__.__name__})")
            continue
        save(Image.fromarray(array[..., :3]), name)
    for name in missing:
        print(f"left out: {name}", file=sys.stderr)
    for folder in (given.out, given.held_out):
        print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")
    if missing and given.strict:
        raise SystemExit(f"{len(missing)} pictures are missing. Download all packages.")


if __name__ == "__main__":
    main()
