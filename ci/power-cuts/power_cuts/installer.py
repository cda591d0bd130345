"""The real SWUpdate and libubootenv, writing to a small disk: the product's update description, signed with test keys.

They run in the workshop of the reference image, with an `/etc` of their own, on loop devices of a disk that is logged.
"""

import os
import subprocess
from pathlib import Path

from power_cuts.small_disk import Image

_CHECKOUT = Path(__file__).parents[3]
_IN_WORKSHOP = _CHECKOUT / "ci/image/in"
_WORKSHOP = _CHECKOUT / "build/image/workshop"
_KEYS = _CHECKOUT / "build/image/keys"
_DESCRIPTION = _CHECKOUT / "meta-amora/recipes-core/images/files/sw-description"
_BOARD = "amora-qemu"

_WITH_OWN_ETC = """
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" /etc
cp "$1/fw_env.config" /etc/fw_env.config
shift
exec "$@"
"""


class InstallerError(Exception):
    """SWUpdate or libubootenv failed."""


def cannot_install() -> str:
    """Why there is no installer here; empty when there is."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [path for path in (_WORKSHOP / "usr/bin/swupdate", _KEYS / "signer.pem") if not path.exists()]
    return f"needs {missing[0].relative_to(_CHECKOUT)}" if missing else ""


class Installer:
    """Installs into the slots of one disk."""

    def __init__(self, folder: Path, slots: dict[str, str], environment: list[tuple[str, int, int]]) -> None:
        """Take the slots' devices, and device, offset and size of each copy of the environment."""
        self._folder = folder
        for name in ("upper", "work", "slots", "update"):
            (folder / name).mkdir(parents=True)
        for slot, device in slots.items():
            (folder / f"slots/root{slot.upper()}").symlink_to(device)
        lines = [f"{device} {offset:#x} {size:#x}\n" for device, offset, size in environment]
        (folder / "fw_env.config").write_text("".join(lines))

    def _run(self, *command: str | Path, text: str | None = None) -> None:
        inside = [_IN_WORKSHOP, "bash", "-euc", _WITH_OWN_ETC, "bash", self._folder, *command]
        done = subprocess.run(
            inside,
            cwd=self._folder / "update",
            check=False,
            input=text or "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        if done.returncode != 0:
            raise InstallerError(f"{command[0]} ended with {done.returncode}: {done.stdout[-3000:]}")

    def set(self, variables: dict[str, str]) -> None:
        """Set variables of the environment at once, as the box does it."""
        self._run("fw_setenv", "--script", "-", text="".join(f"{name}={value}\n" for name, value in variables.items()))

    def install(self, slot: str, image: Image, version: str) -> None:
        """Make a signed update of an image and have SWUpdate install it."""
        content, about = image
        folder = self._folder / "update"
        bundle = folder / "update.swu"
        (folder / "root.squashfs").write_bytes(content)
        # The one thing that differs from a box: there the devices are found by the labels of partitions.
        description = _DESCRIPTION.read_text().replace("/dev/disk/by-partlabel", str(self._folder / "slots"))
        (folder / "description").write_text(description)
        values = {"AMORA_VERSION": version, "AMORA_BOARD": _BOARD, "AMORA_ROOT": "root.squashfs"}
        values |= {f"AMORA_VERITY_{name.upper()}": value for name, value in about.items()}
        lines = "".join(f'    {name} = "{value}";\n' for name, value in values.items())
        (folder / "variables").write_text(f"variables = {{\n{lines}}};\n")
        options = ["--loglevel", "ERROR", "--sw-description", folder / "description", "--swu-file", bundle]
        options += ["--artifactory", folder, "--config", folder / "variables"]
        self._run("swugenerator", *options, "--sign", f"CMS,{_KEYS / 'signer.key'},{_KEYS / 'signer.pem'}", "create")
        options = ["--bootloader", "uboot", "--no-transaction-marker", "--select", f"stable,{slot}"]
        options += ["--hwrevision", f"{_BOARD}:1.0", "--key", _KEYS / "trust.pem", "--image", bundle]
        self._run("swupdate", *options)
