"""Compares the root of a sealed image with what the layer's recipes install and with Debian's part.

`files_check.py FILES_JSON BASE ROOT PROGRAMS` fails for a file of the recipes that is missing or differs in type, mode,
owner or content, for one of Debian's that was changed, and for one that nobody accounts for.
"""

import json
import sys
from pathlib import Path

from listing import listing

# What an image builder makes itself, in Yocto as here: users, identity, enabled units, the initramfs, places to mount.
MADE = {
    "/boot/initramfs",
    "/data",
    "/etc/.updated",
    "/etc/group",
    "/etc/gshadow",
    "/etc/hostname",
    "/etc/hwrevision",
    "/etc/machine-id",
    "/etc/passwd",
    "/etc/shadow",
    "/usr/lib/os-release",
}


def is_enabled_unit(path: str, about: dict) -> bool:
    """Whether a link is one of those by which a preset enables or disables a unit."""
    folder = "/etc/systemd/system"
    return path.startswith(folder) and (about["type"] == "link" or path.endswith((".wants", ".requires", ".upholds")))


def differences(expected: dict, found: dict) -> list[str]:
    """Say in what a file is not as it should be."""
    return [f"{name} is {found.get(name)}, not {value}" for name, value in expected.items() if found.get(name) != value]


def check(recipes: dict, base: dict, root: dict, programs: set[str]) -> list[str]:
    """Return what is wrong with a root."""
    wrong = []
    for path, about in recipes.items():
        expected = {name: value for name, value in about.items() if name != "recipe"}
        if path not in root:
            wrong.append(f"{path} of {about['recipe']} is missing")
        else:
            wrong += [f"{path} of {about['recipe']}: {what}" for what in differences(expected, root[path])]
    volatile = ("/var/", "/tmp/", "/run/")
    for path, about in root.items():
        if path in recipes or path in MADE or path in programs or is_enabled_unit(path, about):
            continue
        if path not in base:
            wrong.append(f"{path} is from nobody")
        else:
            wrong += [f"{path} of Debian: {what}" for what in differences(base[path], about)]
    wrong += [
        f"{path} of Debian is missing"
        for path in base
        if path not in root and not path.startswith(volatile) and not is_enabled_unit(path, base[path])
    ]
    return wrong


def main() -> int:
    """Do what the arguments say."""
    recipes = json.loads(Path(sys.argv[1]).read_text())
    base, root = listing(Path(sys.argv[2])), listing(Path(sys.argv[3]))
    programs = {f"/usr/bin/{path.name}" for path in Path(sys.argv[4]).iterdir()}
    wrong = check(recipes, base, root, programs) + [f"{path} is missing" for path in programs if path not in root]
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(recipes)} files of the recipes, {len(root)} in the image: {len(wrong)} differences")
    return 1 if wrong or not recipes else 0


if __name__ == "__main__":
    sys.exit(main())
