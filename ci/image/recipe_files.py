"""Lays out the files that the layer's recipes put on a box, as BitBake's parser expands them.

`recipe_files.py OUT --trust CERTIFICATES [--variant dev|release]` runs the expanded `do_install` of every recipe that
is ours and that the image's package group asks for, each into a folder below OUT, and lists path, type, mode, owner and
content of everything in OUT/files.json.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LAYER = CHECKOUT / "meta-amora"
MACHINE = "amora-qemu"

sys.path.insert(0, str(CHECKOUT / "ci/yocto"))
import bb.data  # noqa: E402
import bb.utils  # noqa: E402
from listing import listing  # noqa: E402

import recipes as layer  # noqa: E402

# The reference image's machine has its own name, and the files of QEMU's.
layer.BOARDS[MACHINE] = "qemuall:qemuarm64"


def wanted(parser: layer.Parser, variant: str) -> dict[str, Path]:
    """Return the recipes of ours that the package group leads to, by name."""
    known = {path.name.split("_")[0].removesuffix(".bb"): path for path in LAYER.rglob("*.bb")}
    left, found = ["packagegroup-amora"], {}
    while left:
        name = left.pop()
        if name in found or name not in known:
            continue
        found[name] = known[name]
        data = parser.parse(known[name], [])
        for key in bb.data.keys(data):
            asks = key in ("RDEPENDS", f"RDEPENDS:{name}") or (key.startswith("RDEPENDS:") and variant == "dev")
            if asks:
                left += bb.utils.explode_deps(data.getVar(key) or "")
    return dict(sorted(found.items()))


def install(data, folder: Path) -> Path | None:
    """Run a recipe's do_install; return the folder that it filled, or None if it installs no files of the layer."""
    script = data.getVar("do_install")
    if not script or bb.data.inherits_class("cargo", data) or bb.data.inherits_class("packagegroup", data):
        return None
    sources, image = folder / "sources", folder / "image"
    sources.mkdir(parents=True)
    image.mkdir()
    for uri in (data.getVar("SRC_URI") or "").split():
        name = uri.removeprefix("file://").split(";")[0]
        if uri.startswith("file://"):
            target = sources / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bb.utils.which(data.getVar("FILESPATH"), name), target)
    data.setVar("WORKDIR", str(folder))
    data.setVar("UNPACKDIR", str(sources))
    data.setVar("D", str(image))
    subprocess.run(["sh", "-eu"], input="umask 022\n" + data.getVar("do_install"), text=True, cwd=sources, check=True)
    return image


def lay_out(out: Path, trust: Path, variant: str) -> dict[str, dict[str, object]]:
    """Fill a folder; return all files with the recipe that each is from."""
    files: dict[str, dict[str, object]] = {}
    with tempfile.TemporaryDirectory() as stubs:
        parser = layer.Parser(Path(stubs) / "parser", MACHINE, variant)
        parser.data.setVar("AMORA_UPDATE_TRUST", str(trust))
        for name, recipe in wanted(parser, variant).items():
            image = install(parser.parse(recipe, []), out / name)
            for path, about in listing(image).items() if image else ():
                other = files.get(path, about)
                if {**other, "recipe": None} != {**about, "recipe": None}:
                    sys.exit(f"{path} is installed by {other['recipe']} and differently by {name}")
                files[path] = {**about, "recipe": name}
    (out / "files.json").write_text(json.dumps(files, indent=1, sort_keys=True) + "\n")
    return files


def main() -> None:
    """Do what the arguments say."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--trust", type=Path, required=True)
    arguments.add_argument("--variant", choices=layer.VARIANTS, default="dev")
    chosen = arguments.parse_args()
    chosen.out, chosen.trust = chosen.out.resolve(), chosen.trust.resolve()
    if chosen.out.exists():
        shutil.rmtree(chosen.out)
    chosen.out.mkdir(parents=True)
    files = lay_out(chosen.out, chosen.trust, chosen.variant)
    print(f"{len(files)} files and folders of {len({about['recipe'] for about in files.values()})} recipes")


if __name__ == "__main__":
    main()
