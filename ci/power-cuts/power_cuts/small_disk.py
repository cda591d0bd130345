"""A small disk with everything that an update touches, and the recording of one update on it, without a machine.

It has the product's layout in small: environment in the gap (as on a Raspberry Pi) or as files on the boot partition
(as on QEMU's `virt`), the product's own boot script, two verified slots and an ext4 `/data`. The update is written as
SWUpdate, libubootenv and U-Boot write theirs. The ext4 is a real one: Linux mounts the data partition from a disk that
QEMU logs (`qemu-storage-daemon`, exported through FUSE), so what is recorded there are the kernel's own writes and
flushes. That needs root; without it everything but `/data` can be recorded.
"""

import os
import random
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from power_cuts import fat, verity
from power_cuts.boot_loader import BootLoader, FileEnvironment, RawEnvironment
from power_cuts.boot_script import script_image
from power_cuts.devices import Device, MadeUp, Mounted, keep_promises
from power_cuts.environment import SIZE, Environment, encode
from power_cuts.partitions import Partition, layout
from power_cuts.recording import Recording, writeable
from power_cuts.write_log import SECTOR, LogWriter

_CHECKOUT = Path(__file__).parents[3]
_BSP = _CHECKOUT / "meta-amora/recipes-bsp"
BOOT_SCRIPT = _BSP / "amora-boot-script/files/boot.cmd"
WRITEABLE = _BSP / "u-boot/files/amora-environment.h"

_MEBIBYTE = 1 << 20
PARTITIONS = [
    Partition(1, "boot", 4 * _MEBIBYTE, 12 * _MEBIBYTE),
    Partition(2, "rootA", 16 * _MEBIBYTE, 4 * _MEBIBYTE),
    Partition(3, "rootB", 20 * _MEBIBYTE, 4 * _MEBIBYTE),
    Partition(4, "data", 24 * _MEBIBYTE, 24 * _MEBIBYTE),
]
DISK_SIZE = 49 * _MEBIBYTE
_SLOT_BLOCKS = 900
FIRST, GOOD, BAD = 1, 2, 3
Image = tuple[bytes, dict[str, str]]
"""What is written into a slot, and what the environment says of it."""
_FILES = ("uboot.env", "uboot-redund.env")
_OFFSETS = (0x100000, 0x180000)

# What U-Boot for QEMU's `virt` has built in, and saves with every save.
_DEFAULTS = {
    "altbootcmd": "run bootcmd",
    "amora_slot": "a",
    "arch": "arm",
    "baudrate": "115200",
    "board": "qemu-arm",
    "board_name": "qemu-arm",
    "boot_targets": "qfw usb scsi virtio nvme dhcp",
    "bootcmd": "load ${devtype} ${devnum}:1 ${scriptaddr} boot.scr && source ${scriptaddr}; sleep 5; reset",
    "bootcount": "0",
    "bootdelay": "1",
    "bootlimit": "3",
    "cpu": "armv8",
    "devnum": "0",
    "devtype": "virtio",
    "fdt_addr": "0x40000000",
    "fdt_high": "0xffffffff",
    "initrd_high": "0xffffffff",
    "kernel_addr_r": "0x40400000",
    "loadaddr": "0x40200000",
    "pxefile_addr_r": "0x40300000",
    "ramdisk_addr_r": "0x44000000",
    "scriptaddr": "0x40200000",
    "stderr": "serial,vidconsole",
    "stdin": "serial,usbkbd",
    "stdout": "serial,vidconsole",
    "upgrade_available": "0",
    "usb_ignorelist": "0x1050:*,",
    "ustate": "0",
    "vendor": "emulation",
}


class RecordingNotPossibleError(Exception):
    """This machine cannot log a mounted file system."""


@dataclass(frozen=True, slots=True)
class Breaks:
    """What is broken on purpose, to see that it is found."""

    single_copy: bool = False
    """The environment has one copy, overwritten in place."""
    careless_writer: bool = False
    """Programs do not sync what they promise."""
    unsynced_slot: bool = False
    """The installer does not sync the slot before it sets the environment."""


class InstallsUpdates(Protocol):
    """A real installer."""

    def install(self, slot: str, image: Image, version: str) -> None:
        """Install an image into a slot and have it tried."""

    def set(self, variables: dict[str, str]) -> None:
        """Set variables of the environment."""


def appended(data: bytes, salt: bytes = b"salt") -> Image:
    """A slot's data with its hash tree."""
    tree, root = verity.build(data, salt)
    blocks = len(data) // verity.BLOCK
    return data + tree, {"sectors": str(blocks * 8), "blocks": str(blocks), "hash": root.hex(), "salt": salt.hex()}


def slot_image(number: int) -> Image:
    """A slot that looks like one to a boot loader."""
    return appended(b"hsqs" + random.Random(number).randbytes(_SLOT_BLOCKS * verity.BLOCK - 4))


def _named(slot: str, about: dict[str, str]) -> dict[str, str]:
    return {f"verity_{slot}_{key}": value for key, value in about.items()}


class SmallDisk:
    """The disk before the update, and the update."""

    def __init__(
        self,
        folder: Path,
        *,
        files: bool,
        breaks: Breaks,
        has_data: bool,
        images: Callable[[int], Image] = slot_image,
        real_installer: bool = False,
    ) -> None:
        """Make the image, in a folder of its own."""
        copies = 1 if breaks.single_copy else 2
        location = FileEnvironment(_FILES[:copies]) if files else RawEnvironment(_OFFSETS[:copies])
        loader = BootLoader(_DEFAULTS, location, writeable(WRITEABLE.read_text()))
        broken = [name.replace("_", " ") for name in Breaks.__slots__ if getattr(breaks, name)]
        title = f"small disk, environment in {'files' if files else 'the gap'}"
        title += ", installed by SWUpdate" if real_installer else ""
        self.recording = Recording(
            folder,
            loader,
            title,
            has_data,
            tuple(f"on purpose: {name}" for name in broken),
            frozenset({images(BAD)[1]["hash"]}),
        )
        self._breaks = breaks
        self._images = images
        self.installer: InstallsUpdates | None = None
        """Writes the updates, where it is not done here as SWUpdate and libubootenv do it."""
        self._rounds = 0
        image, about = images(FIRST)
        raw = encode(_DEFAULTS | _named("a", about), 1, redundant=copies > 1)
        self._environment = Environment.read(*[raw] * copies)
        scripts = {"boot.scr": script_image(BOOT_SCRIPT.read_text())}
        boot = fat.build(PARTITIONS[0].size, scripts | dict.fromkeys(_FILES[:copies] if files else (), raw))
        volume = fat.Volume(lambda offset, length: boot[offset : offset + length])
        with self.recording.base.open("wb") as base:
            base.truncate(DISK_SIZE)
            for offset, content in layout(DISK_SIZE, PARTITIONS):
                base.seek(offset)
                base.write(content)
            base.seek(PARTITIONS[0].offset)
            base.write(boot)
            base.seek(PARTITIONS[1].offset)
            base.write(image)
            for offset in [] if files else _OFFSETS[:copies]:
                base.seek(offset)
                base.write(raw)
        if has_data:
            self._make_data()
        self.places: list[int] = list(_OFFSETS[:copies])
        if files:
            self.places = []
            for name in _FILES[:copies]:
                file = volume.find(name)
                if file is None or file.clusters != tuple(range(file.clusters[0], file.clusters[-1] + 1)):
                    raise fat.FatError(f"{name} is not in one piece")
                self.places.append(PARTITIONS[0].offset + volume.offset(file.clusters[0]))
        self.recording.save()

    def _make_data(self) -> None:
        data = PARTITIONS[3]
        with tempfile.NamedTemporaryFile() as file:
            file.truncate(data.size)
            options = ["-q", "-t", "ext4", "-b", "1024", "-J", "size=4", "-L", "data", "-E", "lazy_itable_init=0"]
            subprocess.run(["mkfs.ext4", *options, file.name], check=True, stdin=subprocess.DEVNULL)
            with self.recording.base.open("r+b") as base:
                base.seek(data.offset)
                shutil.copyfileobj(file, base)

    def _set(self, device: Device, changes: dict[str, str]) -> None:
        """Change the environment from user space."""
        if self.installer:
            self.installer.set(changes)
            self._read_environment(device)
        else:
            self._store(device, changes)

    def _read_environment(self, device: Device) -> None:
        """See what others have written."""
        assert isinstance(device, Mounted)
        self._environment = Environment.read(*(device.read(place, SIZE) for place in self.places))

    def _store(self, device: Device, changes: dict[str, str]) -> None:
        """Change the environment as U-Boot does."""
        variables = (self._environment.variables or {}) | changes
        self._environment, copy, raw = self._environment.saved(variables)
        assert len(raw) == SIZE
        device.write(self.places[copy], raw)
        device.sync()

    def _use_data(self, device: Device, rounds: int) -> None:
        """Have programs write to `/data` and make promises."""
        if isinstance(device, Mounted):
            sync = "" if self._breaks.careless_writer else "sync"
            keep_promises(device, str(rounds), FIRST=str(self._rounds + 1), SYNC=sync)
            self._rounds += rounds

    def _install(self, device: Device, slot: str, number: int) -> None:
        image, about = self._images(number)
        if self.installer:
            self._use_data(device, 1)
            self.installer.install(slot, (image, about), f"1.0.{number}")
            self._read_environment(device)
            self._use_data(device, 1)
            return
        offset = PARTITIONS[1 if slot == "a" else 2].offset
        third = len(image) // 3 // verity.BLOCK * verity.BLOCK
        for begin in range(0, len(image), third):
            device.write(offset + begin, image[begin : begin + third])
            self._use_data(device, 2)
        if not self._breaks.unsynced_slot:
            device.sync()
        state = {"amora_slot": slot, "upgrade_available": "1", "bootcount": "0", "ustate": "1"}
        self._store(device, _named(slot, about) | state)

    def _start(self, device: Device, tries: int) -> None:
        """U-Boot counts a try of a trial; its writes are on the medium when they return."""
        for _ in range(tries):
            count = int((self._environment.variables or {}).get("bootcount", "0"))
            self._store(device, {"bootcount": str(count + 1)})

    def run(self, device: Device) -> None:
        """One good update into slot b, then one into slot a that does not start and is given up."""
        device.phase("use")
        self._use_data(device, 4)
        device.phase("install")
        self._install(device, "b", GOOD)
        device.phase("first boot")
        self._start(device, 1)
        self._use_data(device, 3)
        device.phase("commit")
        self._set(device, {"upgrade_available": "0", "bootcount": "0", "ustate": "0"})
        self._use_data(device, 2)
        device.phase("install again")
        self._install(device, "a", BAD)
        device.phase("failing trial")
        self._start(device, 3)
        self._start(device, 1)
        self._store(device, {"amora_slot": "b", "upgrade_available": "0", "bootcount": "0", "ustate": "3"})
        device.phase("use again")
        self._use_data(device, 4)
        device.sync()


def record_made_up(
    folder: Path,
    *,
    files: bool = False,
    breaks: Breaks = Breaks(),
    images: Callable[[int], Image] = slot_image,
) -> Recording:
    """Record everything but `/data`: quick, and possible everywhere."""
    disk = SmallDisk(folder, files=files, breaks=breaks, has_data=False, images=images)
    with LogWriter(disk.recording.log) as log:
        disk.run(MadeUp(log))
    return disk.recording


MakeInstaller = Callable[[Path, dict[str, str], list[tuple[str, int, int]]], InstallsUpdates]
"""Makes an installer of a folder, the slots' devices, and the places of the environment's copies."""


def record(
    folder: Path,
    *,
    files: bool = False,
    breaks: Breaks = Breaks(),
    images: Callable[[int], Image] = slot_image,
    installer: MakeInstaller | None = None,
) -> Recording:
    """Record the update with a real file system on `/data`, and where it is given, a real installer."""
    why_not = cannot_record()
    if why_not:
        raise RecordingNotPossibleError(why_not)
    disk = SmallDisk(
        folder, files=files, breaks=breaks, has_data=True, images=images, real_installer=installer is not None
    )
    recording = disk.recording
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        live, exported, mount = work / "live.img", work / "disk", work / "data"
        shutil.copyfile(recording.base, live)
        exported.touch()
        mount.mkdir()
        recording.log.write_bytes(b"")
        pid_file = work / "pid"
        blocks = [
            f"driver=file,node-name=live,filename={live}",
            f"driver=file,node-name=log,filename={recording.log}",
            f"driver=blklogwrites,node-name=logged,file=live,log=log,log-sector-size={SECTOR}",
        ]
        export = f"type=fuse,id=disk,node-name=logged,mountpoint={exported},writable=on"
        options = [option for block in blocks for option in ("--blockdev", block)]
        daemon = ["qemu-storage-daemon", *options, "--export", export, "--daemonize", "--pidfile", pid_file]
        subprocess.run(daemon, check=True, stdin=subprocess.DEVNULL)
        stack.callback(_end, pid_file)
        whole = _loop(stack, exported)
        data = _loop(stack, exported, PARTITIONS[3])
        subprocess.run(["mount", "-t", "ext4", data, mount], check=True)
        stack.callback(subprocess.run, ["umount", mount], check=True)
        device = Mounted(Path(whole), mount)
        stack.callback(device.close)
        if installer:
            slots = {slot: _loop(stack, exported, PARTITIONS[number]) for slot, number in (("a", 1), ("b", 2))}
            disk.installer = installer(work / "installer", slots, [(whole, place, SIZE) for place in disk.places])
        disk.run(device)
    return recording


def cannot_record() -> str:
    """Why this machine cannot record a mounted file system; empty when it can."""
    if os.geteuid() != 0:
        return "needs root"
    if not Path("/dev/fuse").exists():
        return "needs /dev/fuse"
    if not Path("/dev/loop-control").exists():
        return "needs loop devices"
    missing = [name for name in ("qemu-storage-daemon", "mkfs.ext4", "e2fsck", "debugfs") if not shutil.which(name)]
    return f"needs {', '.join(missing)}" if missing else ""


def _loop(stack: ExitStack, file: Path, partition: Partition | None = None) -> str:
    options = ["--offset", str(partition.offset), "--sizelimit", str(partition.size)] if partition else []
    command = ["losetup", "--find", "--show", *options, file]
    device = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    stack.callback(subprocess.run, ["losetup", "--detach", device], check=False)
    return device


def _end(pid_file: Path) -> None:
    """End the storage daemon and wait until its log is complete."""
    process = int(pid_file.read_text())
    handle = os.pidfd_open(process)
    signal.pidfd_send_signal(handle, signal.SIGTERM)
    select.select([handle], [], [], 60)
    os.close(handle)
