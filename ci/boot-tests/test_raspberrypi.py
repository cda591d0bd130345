"""The boot loader that ships for a Raspberry Pi, with its environment outside every file system, on QEMU's Pi 3."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from rig.box import Box

pytestmark = [pytest.mark.lg_feature("raspi3b"), pytest.mark.long]

RAW = "{card} 0x100000 0x4000\n{card} 0x180000 0x4000\n"
# Long enough for the tests to restart the box before it has judged itself.
UNDECIDED = "\n[update]\ntrial_sound = 600\ntrial_deadline = 3600\n"
SLOT_B = (4 + 128 + 512) << 20


@pytest.fixture(scope="module")
def card(updates, workshop, checkout, env):
    """A card with the same root in both slots, the second of which is on trial."""

    def as_on_a_pi(tree):
        (tree / "etc/fw_env.config").write_text(RAW.format(card="/dev/mmcblk0"))
        (tree / "etc/hwrevision").write_text("raspberrypi3-64 1.0\n")
        with (tree / "etc/amora/amora.toml").open("a") as settings:
            settings.write(UNDECIDED)

    subprocess.run([checkout / "ci/image/build", "u-boot-rpi"], check=True)
    folder = Path(env.config.get_path("work")) / "pi"
    folder.mkdir()
    update = updates.changed("pi", 9, as_on_a_pi, light=True)
    device_tree = next((checkout / "build/image").glob("*/usr/lib/linux-image-*/broadcom/bcm2837-rpi-3-b.dtb"))
    shutil.copy(device_tree, folder / "device-tree")
    sealed = dict(line.split("=") for line in Path(f"{update.root}.verity-params").read_text().split())
    workshop.run(
        *("env", "BOARD=rpi", str(checkout / "ci/image/disk"), str(folder / "disk.img"), str(update.root)),
        *("amora_slot=b", "upgrade_available=1", f"verity_b_sectors={sealed['VERITY_DATA_SECTORS']}"),
        *(f"verity_b_blocks={sealed['VERITY_DATA_BLOCKS']}", f"verity_b_hash={sealed['VERITY_ROOT_HASH']}"),
        f"verity_b_salt={sealed['VERITY_SALT']}",
    )
    with (folder / "disk.img").open("r+b") as disk, update.root.open("rb") as root:
        disk.seek(SLOT_B)
        shutil.copyfileobj(root, disk, 1 << 20)
    assert os.stat(folder / "disk.img").st_size.bit_count() == 1, "QEMU's cards have a power of two as their size"
    return folder / "disk.img"


@pytest.fixture(scope="module")
def pi(card, env, machine):
    """The Pi, started; the other box rests meanwhile."""
    machine.off()
    box = Box(env.get_target("pi"), machine.host)
    box.on()
    yield box
    box.off()


def test_the_second_slot_is_tried(pi):
    """The boot loader reads the raw environment, counts the try, and starts the slot on trial."""
    assert pi.slot == "b"
    assert "amora.trial=1 amora.tries=1 " in pi.read("/proc/cmdline")
    assert pi.run("fw_printenv -n bootcount") == "1"


def test_a_slot_that_does_not_start_is_left_after_three_tries(pi, card, workshop):
    """Without a root hash the second slot cannot start any more: the boot loader goes back to the first."""
    pi.run("fw_setenv verity_b_hash && sync")
    pi.console.sendline("systemctl reboot")
    pi.strategy.leave_shell()
    for said in ("Amora: starting slot a, trial 0", "Linux version"):
        pi.console.expect(said, timeout=pi.strategy.patience)
    pi.off()
    settings = card.with_name("fw_env.config")
    settings.write_text(RAW.format(card=card))
    environment = workshop.run("fw_printenv", "--config", str(settings))
    for setting in ("amora_slot=a", "upgrade_available=0", "bootcount=0", "ustate=3"):
        assert setting in environment.splitlines()
