"""Makes the environments of peers, one each, and the table by which `pellucid bench` finds them.

    python benchmarks/peers/make.py --into ~/peers                     all of them
    python benchmarks/peers/make.py bm3d skimage-nlm --into ~/peers    some
    pellucid bench run --peers ~/peers --methods peer:bm3d,bm3d --data Set9:gaussian:25 -o results/

Where torch comes from is up to pip's settings and --torch-args. An environment that is complete is left as it
is. The folder also holds a copy of the recipes, so that it works without the repository.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOLD = ["--sigma", "{sigma}"]
RECIPES: dict[str, tuple[str, list[str], list[str]]] = {
    # name: environment, words after the interpreter, words that tell the level
    "bm3d": ("bm3d", ["recipes/bm3d_wheel.py"], TOLD),
    "skimage-nlm": ("skimage", ["recipes/skimage_filters.py", "--filter", "nlm"], TOLD),
    "skimage-wavelet": ("skimage", ["recipes/skimage_filters.py", "--filter", "wavelet"], TOLD),
    "skimage-tv": ("skimage", ["recipes/skimage_filters.py", "--filter", "tv"], TOLD),
    "deepinv-dip": ("deepinv", ["recipes/deepinv_dip.py"], []),
    "deepinv-dip-demo": ("deepinv", ["recipes/deepinv_dip.py", "--demo"], []),
    "careamics-n2v": ("careamics", ["recipes/careamics_n2v.py"], []),
}


def environment(name: str, into: Path, python: str, torch_args: list[str]) -> None:
    """A virtual environment with the pinned packages of requirements/NAME.txt."""
    wanted = (HERE / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    done = into / name / "requirements.txt"
    if done.is_file() and done.read_text(encoding="utf-8") == wanted:
        print(f"{name}: there")
        return
    print(f"{name}: {into / name}", flush=True)
    subprocess.run([python, "-m", "venv", "--clear", str(into / name)], check=True)
    pip = [str(into / name / "bin" / "python"), "-m", "pip", "install", "-q"]
    torch = [line for line in wanted.split() if line.startswith("torch==")]
    if torch:
        subprocess.run([*pip, *torch_args, *torch], check=True)
    # All that is needed is listed; CAREamics asks for an older torchvision, which would bring an older torch.
    rest = into / name / "rest.txt"
    rest.write_text("".join(f"{line}\n" for line in wanted.split() if line not in torch), encoding="utf-8")
    subprocess.run([*pip, "--no-deps", "-r", str(rest)], check=True)
    done.write_text(wanted, encoding="utf-8")


def table(names: list[str], into: Path) -> None:
    """Write peers.toml; entries that others wrote into it stay."""
    path = into / "peers.toml"
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    kept = ["[" + part for part in ("\n" + old).split("\n[")[1:]]
    parts = {part[1 : part.index("]")]: part.strip() for part in kept}
    for name in names:
        place, words, told = RECIPES[name]
        command = [f"{place}/bin/python", *words, "{in}", "{out}"]
        parts[name] = f"[{name}]\ncommand = {json.dumps(command)}\ntold = {json.dumps(told)}"
    path.write_text("\n\n".join(parts.values()) + "\n", encoding="utf-8")


def main() -> None:
    """Environments, a copy of the recipes, the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}; else all")
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--python", default=sys.executable, help="3.11 or newer")
    parser.add_argument("--torch-args", default="", help="for the pip that installs torch")
    given = parser.parse_args()
    names = given.names or list(RECIPES)
    unknown = [name for name in names if name not in RECIPES]
    if unknown:
        parser.error(f"there is no recipe for {', '.join(unknown)}; there are {', '.join(RECIPES)}")
    into = given.into.expanduser().absolute()
    into.mkdir(parents=True, exist_ok=True)
    (into / "recipes").mkdir(exist_ok=True)
    for script in HERE.glob("*.py"):
        shutil.copy(script, into / "recipes")
    for name in dict.fromkeys(RECIPES[n][0] for n in names):
        environment(name, into, given.python, shlex.split(given.torch_args))
    table(names, into)
    print(f"pellucid bench run --peers {into} --methods {','.join(f'peer:{n}' for n in names)} ...")


if __name__ == "__main__":
    main()
