"""The write log: every write, discard and flush that a disk received, in order.

The format is the one of Linux's dm-log-writes target, which QEMU's `blklogwrites` driver writes too.
"""

import mmap
import struct
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import Self

SECTOR = 512
MAGIC = 0x6A736677736872
VERSION = 1
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
MOST_ENTRIES = 20_000_000

_SUPERBLOCK = struct.Struct("<QQQI")
_ENTRY = struct.Struct("<QQQQ")


class LogError(Exception):
    """The log is not one, is damaged, or does not belong to the disk."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One request that the disk completed. Offsets and lengths are in bytes."""

    index: int
    flags: int
    offset: int
    length: int
    data: int
    """Where the data lies in the log; meaningless for a discard."""

    @property
    def is_barrier(self) -> bool:
        """Whether everything that was completed before this request is durable once this one is."""
        return bool(self.flags & FLUSH)

    @property
    def is_discard(self) -> bool:
        """Whether the request gave the sectors up instead of writing them."""
        return bool(self.flags & DISCARD)

    @property
    def is_durable_itself(self) -> bool:
        """Whether the data was forced through the disk's cache."""
        return bool(self.flags & FUA)

    @property
    def end(self) -> int:
        """The first byte after what was written."""
        return self.offset + self.length

    @property
    def sectors(self) -> int:
        """The number of sectors written."""
        return self.length // SECTOR


class WriteLog:
    """A log that was read and found sound."""

    def __init__(self, path: Path, disk_size: int) -> None:
        """Read the log of a disk of so many bytes; raise LogError for one that cannot be of that disk."""
        self.path = path
        try:
            size = path.stat().st_size
            if size < _SUPERBLOCK.size:
                raise LogError(f"{path}: too short for a write log: {size} bytes")
            with path.open("rb") as file:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise LogError(f"{path}: {error.strerror}") from error
        try:
            self.entries = self._read_entries(disk_size)
        except LogError:
            self._bytes.close()
            raise
        self._barriers = [entry.index for entry in self.entries if entry.is_barrier]

    def _read_entries(self, disk_size: int) -> list[Entry]:
        magic, version, count, unit = _SUPERBLOCK.unpack_from(self._bytes)
        if magic != MAGIC:
            raise LogError(f"{self.path}: not a write log (magic {magic:#x})")
        if version != VERSION:
            raise LogError(f"{self.path}: version {version} of the format is not known")
        if not SECTOR <= unit <= 1 << 20 or unit & (unit - 1):
            raise LogError(f"{self.path}: a sector of {unit} bytes cannot be")
        if count > min(MOST_ENTRIES, len(self._bytes) // unit):
            raise LogError(f"{self.path}: {count} entries do not fit in {len(self._bytes)} bytes")
        entries = []
        position = unit
        for index in range(count):
            if position + _ENTRY.size > len(self._bytes):
                raise LogError(f"{self.path}: entry {index} of {count} is cut off")
            sector, sectors, flags, _ = _ENTRY.unpack_from(self._bytes, position)
            if flags & ~(FLUSH | FUA | DISCARD | MARK):
                raise LogError(f"{self.path}: entry {index} has unknown flags {flags:#x}")
            offset, length = sector * unit, sectors * unit
            if offset + length > disk_size:
                raise LogError(f"{self.path}: entry {index} writes {length} bytes at {offset}, beyond the disk")
            data = position + unit
            position = data + (0 if flags & DISCARD else length)
            if position > len(self._bytes):
                raise LogError(f"{self.path}: the data of entry {index} is cut off")
            entries.append(Entry(index, flags, offset, length, data))
        return entries

    def data(self, entry: Entry, start: int = 0, length: int | None = None) -> bytes:
        """What an entry wrote, or a part of it; zeros for a discard."""
        length = entry.length - start if length is None else length
        if entry.is_discard:
            return bytes(length)
        return self._bytes[entry.data + start : entry.data + start + length]

    def durable_before(self, position: int) -> int:
        """The number of leading entries that are surely on the disk once `position` entries were completed."""
        barrier = bisect_left(self._barriers, position) - 1
        return self._barriers[barrier] if barrier >= 0 else 0

    def close(self) -> None:
        """Let the file go."""
        self._bytes.close()

    def __enter__(self) -> Self:
        """Nothing to do: the log is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the file go."""
        self.close()


class LogWriter:
    """Writes a log, for disks that are made up instead of recorded."""

    def __init__(self, path: Path) -> None:
        """Begin an empty log."""
        self._file = path.open("wb")
        self._file.write(bytes(SECTOR))
        self._count = 0

    def write(self, offset: int, data: bytes, flags: int = 0) -> None:
        """Log a write of whole sectors."""
        if offset % SECTOR or len(data) % SECTOR:
            raise LogError(f"{len(data)} bytes at {offset} are not whole sectors")
        self._entry(offset, len(data), flags)
        self._file.write(data)

    def discard(self, offset: int, length: int) -> None:
        """Log that sectors were given up."""
        self._entry(offset, length, DISCARD)

    def flush(self) -> None:
        """Log a flush of the disk's cache."""
        self._entry(0, 0, FLUSH)

    def _entry(self, offset: int, length: int, flags: int) -> None:
        header = _ENTRY.pack(offset // SECTOR, length // SECTOR, flags, 0)
        self._file.write(header.ljust(SECTOR, b"\0"))
        self._count += 1

    def close(self) -> None:
        """Write the superblock and let the file go."""
        self._file.seek(0)
        self._file.write(_SUPERBLOCK.pack(MAGIC, VERSION, self._count, SECTOR))
        self._file.close()

    def __enter__(self) -> Self:
        """Nothing to do: the log is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the log."""
        self.close()
