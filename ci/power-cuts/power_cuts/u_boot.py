"""The real boot loader on a small disk: the product's U-Boot in QEMU, with a kernel of a few instructions in each slot.

That kernel tells on the serial port what U-Boot handed it and then switches the machine off (a slot that comes up), or
resets it (an update that never proves itself). So U-Boot's own choice of the environment, its counting, its shell,
its saving and its file systems are run on the very disk that a cut left, in some seconds, and must come to what is
modelled.
"""

import itertools
import os
import re
import signal
import struct
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from power_cuts import verity
from power_cuts.boot import Box, Start, state_of
from power_cuts.campaign import Judge, choose
from power_cuts.recording import Recording
from power_cuts.small_disk import BAD, FIRST, GOOD, Image, appended

_CHECKOUT = Path(__file__).parents[3]
_IN_WORKSHOP = _CHECKOUT / "ci/image/in"
U_BOOT = _CHECKOUT / "build/image/u-boot-virt.bin"
_WORKSHOP = _CHECKOUT / "build/image/workshop"

_SWITCH_OFF, _RESET = 0x84000008, 0x84000009
# An arm64 Image: its header, then code for QEMU's `virt`. It writes the text at the end to the serial port, then what
# there is from "amora.slot=" on in the device tree at x0, and calls the firmware (PSCI).
_HEADER = struct.pack("<IIQQQQQQII", 0x14000010, 0, 0x10000, 0x10000, 0xA, 0, 0, 0, 0x644D5241, 0)
_CODE = (
    0xD2A12002,  # mov x2, #0x9000000  the serial port
    0x10000361,  # adr x1, text
    0x38401423,  # 1: ldrb w3, [x1], #1
    0x34000063,  # cbz w3, 2f
    0x39000043,  # strb w3, [x2]
    0x17FFFFFD,  # b 1b
    0xAA0003E4,  # 2: mov x4, x0
    0x10000245,  # adr x5, needle
    0x384014A6,  # 3: ldrb w6, [x5], #1
    0x340000C6,  # cbz w6, 4f
    0x38401487,  # ldrb w7, [x4], #1
    0x6B0700DF,  # cmp w6, w7
    0x54FFFF80,  # b.eq 3b
    0x91000400,  # add x0, x0, #1
    0x17FFFFF8,  # b 2b
    0x38401403,  # 4: ldrb w3, [x0], #1
    0x34000063,  # cbz w3, 5f
    0x39000043,  # strb w3, [x2]
    0x17FFFFFD,  # b 4b
    0x52800143,  # 5: mov w3, #'\n'
    0x39000043,  # strb w3, [x2]
    0x18000060,  # ldr w0, function
    0xD4000002,  # hvc #0
    0x14000000,  # b .
)
_STARTED = re.compile(rb"AMORA-PROBE image=(\d) amora\.slot=([ab]) amora\.trial=([01]) amora\.tries=(\d+)")
_TIMEOUT = 300


class BootLoaderError(Exception):
    """The boot loader could not be run, or did not end."""


@dataclass(frozen=True, slots=True)
class Started:
    """One kernel that U-Boot started."""

    slot: str
    trial: bool
    tries: int


def cannot_run() -> str:
    """Why the boot loader cannot be run here; empty when it can."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [path for path in (_WORKSHOP, U_BOOT) if not path.exists()]
    return f"needs {missing[0].relative_to(_CHECKOUT)}" if missing else ""


def kernel(number: int, *, comes_up: bool) -> bytes:
    """A kernel that says which image it is in."""
    code = struct.pack(f"<{len(_CODE)}I", *_CODE)
    function = struct.pack("<I", _SWITCH_OFF if comes_up else _RESET)
    return _HEADER + code + function + b"amora.slot=\0" + f"AMORA-PROBE image={number} \0".encode()


def image(number: int) -> Image:
    """A slot with such a kernel in a real squashfs, and other files beside it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        root, result = Path(folder) / "root", Path(folder) / "root.squashfs"
        (root / "boot").mkdir(parents=True)
        (root / "boot/Image").write_bytes(kernel(number, comes_up=number != BAD).ljust(8192, b"\0"))
        (root / "others").write_bytes(os.urandom(2 << 20))
        options = ["-quiet", "-no-progress", "-comp", "zstd", "-all-root", "-noappend"]
        subprocess.run([_IN_WORKSHOP, "mksquashfs", root, result, *options], check=True, stdout=subprocess.DEVNULL)
        data = result.read_bytes()
    return appended(data.ljust(-(-len(data) // verity.BLOCK) * verity.BLOCK, b"\0"))


def images() -> Callable[[int], Image]:
    """The three images of a small disk, each made once."""
    made = {number: image(number) for number in (FIRST, GOOD, BAD)}
    return made.__getitem__


def run(disk: Path) -> tuple[list[Started], str]:
    """Power on with a disk and wait until the machine is switched off: what was started, and the console's text."""
    command = [
        _IN_WORKSHOP,
        *("qemu-system-aarch64", "-M", "virt,acpi=off", "-cpu", "cortex-a72", "-m", "512", "-nodefaults"),
        *("-display", "none", "-serial", "stdio", "-bios", U_BOOT),
        *("-drive", f"file={disk},if=virtio,format=raw,cache=writeback"),
    ]
    machine = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        console, _ = machine.communicate(timeout=_TIMEOUT)
    except subprocess.TimeoutExpired as error:
        os.killpg(machine.pid, signal.SIGKILL)
        console, _ = machine.communicate()
        raise BootLoaderError(f"not switched off after {_TIMEOUT} s: {console[-2000:]!r}") from error
    if machine.returncode != 0:
        raise BootLoaderError(f"QEMU ended with {machine.returncode}: {console[-2000:]!r}")
    started = [Started(match[2].decode(), match[3] == b"1", int(match[4])) for match in _STARTED.finditer(console)]
    return started, console.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One disk, as the model and as the real boot loader went through it."""

    cut: int
    modelled: tuple[Started, ...]
    modelled_state: str
    real: tuple[Started, ...]
    real_state: str
    console: str

    @property
    def agrees(self) -> bool:
        """Whether both started the same and left the same environment."""
        return (self.modelled, self.modelled_state) == (self.real, self.real_state)


def modelled(box: Box) -> tuple[tuple[Started, ...], str]:
    """What the model has started until a slot comes up, and the environment as it is then."""
    starts: list[Start] = []
    for start in box.settle().starts:
        starts.append(start)
        if start.outcome == "up":
            break
    return tuple(Started(start.slot, start.trial, start.tries) for start in starts if start.slot), starts[-1].state


def compare(recording: Recording, seed: int, count: int, most: int) -> list[Comparison]:
    """Choose so many cuts, and run the real boot loader on at most some: first of all on each way that it may go."""
    ways: dict[object, list[int]] = {}
    cuts = {cut.number: cut for cut in choose(recording, seed, range(count))}
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        judge = Judge(recording, Path(folder))
        for cut in cuts.values():
            with judge.disk.cut(cut):
                box = judge.box()
                sound = tuple(copy is not None for copy in box.environment.copies)
                ways.setdefault((modelled(box), sound), []).append(cut.number)
        judge.close()
        rounds = [number for turn in itertools.zip_longest(*ways.values()) for number in turn if number is not None]
        chosen = sorted((cuts[number] for number in rounds[:most]), key=lambda cut: (cut.durable, cut.position))
        judge = Judge(recording, Path(folder))
        compared = []
        for cut in chosen:
            disk = Path(folder) / "disk.img"
            with judge.disk.cut(cut):
                expected, expected_state = modelled(judge.box())
                disk.write_bytes(judge.disk.read(0, judge.disk.size))
            started, console = run(disk)
            state = _state_on(disk, recording)
            compared.append(Comparison(cut.number, expected, expected_state, tuple(started), state, console))
        judge.close()
    return compared


def _state_on(disk: Path, recording: Recording) -> str:
    """The environment as U-Boot left it on a disk."""
    content = disk.read_bytes()
    box = Box(lambda at, length: content[at : at + length], len(content), recording.loader, lambda *_: True)
    return state_of(box.environment)
