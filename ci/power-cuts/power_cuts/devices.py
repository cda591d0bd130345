"""The disks that log what an update writes: one of this program's making, and one that Linux has mounted."""

import json
import os
import subprocess
from pathlib import Path
from typing import Protocol

from power_cuts.promises import FOLDER, MARK_OFFSET
from power_cuts.write_log import SECTOR, LogWriter

_KEEP_PROMISES = Path(__file__).parents[1] / "keep-promises"


class Device(Protocol):
    """A disk that logs."""

    def write(self, offset: int, data: bytes) -> None:
        """Write through the page cache, if there is one."""

    def sync(self) -> None:
        """Have everything written so far on the medium."""

    def phase(self, name: str) -> None:
        """Mark in the log that a phase begins."""


class MadeUp(Device):
    """Logs what it is told, without a file system."""

    def __init__(self, log: LogWriter) -> None:
        """Write to a log."""
        self._log = log

    def write(self, offset: int, data: bytes) -> None:
        """Log it in requests as large as the kernel makes them."""
        for begin in range(0, len(data), 64 * 1024):
            self._log.write(offset + begin, data[begin : begin + 64 * 1024])

    def sync(self) -> None:
        """Log a flush."""
        self._log.flush()

    def phase(self, name: str) -> None:
        """Log a mark."""
        self._log.write(MARK_OFFSET, f"AMORA-MARK {json.dumps({'phase': name})}\n".encode().ljust(SECTOR))


class Mounted(Device):
    """A loop device over a disk that QEMU logs, its data partition mounted where the kernel can write to it."""

    def __init__(self, disk: Path, mount: Path) -> None:
        """Open the loop device; `mount` is where its data partition is."""
        self.disk = disk
        self.mount = mount
        self._file = os.open(disk, os.O_RDWR)

    def write(self, offset: int, data: bytes) -> None:
        """Write it into the kernel's page cache."""
        os.pwrite(self._file, data, offset)

    def sync(self) -> None:
        """Have the kernel write it out."""
        os.fsync(self._file)

    def read(self, offset: int, length: int) -> bytes:
        """Read what is there now."""
        return os.pread(self._file, length, offset)

    def phase(self, name: str) -> None:
        """Have the program that keeps promises say so."""
        keep_promises(self, "phase", name)

    def close(self) -> None:
        """Give the loop device back."""
        os.close(self._file)


def keep_promises(device: Mounted, rounds: str, *more: str, **variables: str) -> None:
    """Have the program of that name write to the mounted `/data`, so many rounds of what it promises."""
    command = [_KEEP_PROMISES, device.mount / FOLDER, device.disk, rounds, *more]
    subprocess.run(command, check=True, env=os.environ | variables, timeout=120)
