"""The data partition after a cut: repaired as the box repairs it, then read."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from power_cuts.disk import Disk
from power_cuts.partitions import Partition
from power_cuts.promises import FOLDER

_COPY = 1 << 20


@dataclass(frozen=True, slots=True)
class Recovered:
    """What came of the partition: what is wrong with it, and what the test's files hold."""

    problems: list[str]
    files: dict[str, bytes] = field(default_factory=dict)
    thorough: bool = False
    """Whether the quick repair was not enough."""


def _extents(file: int, size: int) -> Iterator[tuple[int, int]]:
    position = 0
    while position < size:
        try:
            begin = os.lseek(file, position, os.SEEK_DATA)
        except OSError:
            return
        position = min(os.lseek(file, begin, os.SEEK_HOLE), size)
        yield begin, position


def copy_sparse(source: int, target: int, size: int, at: int = 0) -> None:
    """Copy so many bytes from an offset of one file to the beginning of another, leaving holes as holes."""
    for begin, end in _extents(source, at + size):
        position = max(begin, at)
        while position < end:
            chunk = os.pread(source, min(_COPY, end - position), position)
            if not chunk:
                return
            os.pwrite(target, chunk, position - at)
            position += len(chunk)


class DataPartition:
    """Looks at the data partition of one disk, cut after cut, in the order in which the disk rolls forward."""

    def __init__(self, base: Path, offset: int, disk_size: int, folder: Path) -> None:
        """Copy the partition as it was at first into a folder of one's own."""
        self._offset = offset
        self._size = disk_size - offset
        self._mirror = folder / "data"
        self._scratch = folder / "data-after-cut"
        self._dumped = folder / "files"
        self._applied = 0
        self._last: tuple[object, Recovered] | None = None
        self._writes = 0
        with base.open("rb") as source, self._mirror.open("wb") as target:
            target.truncate(self._size)
            copy_sparse(source.fileno(), target.fileno(), self._size, offset)

    def _follow(self, disk: Disk) -> None:
        """Bring the mirror to what is durable on the disk."""
        with self._mirror.open("r+b") as file:
            for entry in disk.log.entries[self._applied : disk.durable]:
                begin = max(entry.offset, self._offset)
                if begin < entry.end:
                    data = disk.log.data(entry, begin - entry.offset)
                    os.pwrite(file.fileno(), data, begin - self._offset)
                    self._writes += 1
        self._applied = disk.durable

    def recover(self, disk: Disk, partition: Partition) -> Recovered:
        """Let the box's own repair run on the partition as the cut left it, and see what is in it."""
        self._follow(disk)
        changed = [(max(begin, self._offset), end) for begin, end in disk.changed if end > self._offset and end > begin]
        state = (partition, self._writes, tuple((begin, disk.read(begin, end - begin)) for begin, end in changed))
        if self._last and self._last[0] == state:
            return self._last[1]
        with self._mirror.open("rb") as source, self._scratch.open("wb") as target:
            target.truncate(partition.size)
            copy_sparse(source.fileno(), target.fileno(), partition.size)
            for begin, end in changed:
                length = min(end, self._offset + partition.size) - begin
                if length > 0:
                    os.pwrite(target.fileno(), disk.read(begin, length), begin - self._offset)
        shutil.rmtree(self._dumped, ignore_errors=True)
        result = examine(self._scratch, self._dumped)
        self._last = (state, result)
        return result


def examine(partition: Path, folder: Path) -> Recovered:
    """Repair a partition as the box does, and read the files of interest into a folder that is made for them."""
    # As amora-init does it; what a quick repair leaves alone, such as a torn superblock, the thorough one mends.
    quick = _run("e2fsck", "-p", partition)
    thorough = quick.returncode >= 4
    if thorough:
        mended = _run("e2fsck", "-f", "-y", partition)
        if mended.returncode >= 4:
            return Recovered([f"the box cannot repair /data: {_first_line(mended)}"])
    # Forced, it also clears what is left over without harm, such as the mark that files were being deleted.
    settled = _run("e2fsck", "-f", "-p", partition)
    check = _run("e2fsck", "-f", "-n", partition)
    if settled.returncode >= 4 or check.returncode != 0:
        return Recovered([f"/data is damaged after its repair: {_first_line(check)}"], thorough=thorough)
    folder.mkdir()
    for name in (FOLDER, "amora"):
        _run("debugfs", "-R", f"rdump /{name} {folder}", partition)
    kept = folder / FOLDER
    files = {path.name: path.read_bytes() for path in kept.iterdir() if path.is_file()} if kept.is_dir() else {}
    return Recovered(_torn_documents(folder / "amora"), files, thorough)


def _torn_documents(folder: Path) -> list[str]:
    """The product's own state files that cannot be read: they are replaced whole, or not at all."""
    found = []
    for path in sorted(folder.rglob("*.json")) if folder.is_dir() else ():
        try:
            json.loads(path.read_bytes())
        except ValueError:
            found.append(f"/data/amora/{path.relative_to(folder)} is torn")
    return found


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, check=False, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=300
    )


def _first_line(process: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in (process.stdout + process.stderr).splitlines() if line and not line.startswith("e2fsck ")]
    return lines[0] if lines else f"exit status {process.returncode}"
