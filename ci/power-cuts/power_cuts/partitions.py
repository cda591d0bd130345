"""The partition table (GPT), as U-Boot and as Linux find it."""

import binascii
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from power_cuts.write_log import SECTOR

_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_ENTRY = struct.Struct("<16s16sQQQ72s")
_LINUX = uuid.UUID("0FC63DAF-8483-4772-8E79-3D69D8477DE4")
_BASIC_DATA = uuid.UUID("EBD0A0A2-B9E5-4433-87C0-68B6B72699C7")
_ENTRIES = 128
_MOST_ENTRIES = 1024

Read = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition. Offsets are in bytes."""

    number: int
    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Table:
    """One copy of the table that was read and is sound."""

    partitions: tuple[Partition, ...]

    def named(self, name: str) -> Partition | None:
        """The partition of that label."""
        return next((partition for partition in self.partitions if partition.name == name), None)

    def numbered(self, number: int) -> Partition | None:
        """The partition of that number."""
        return next((partition for partition in self.partitions if partition.number == number), None)


@dataclass(frozen=True, slots=True)
class Tables:
    """Both copies, and whether the protective MBR stands."""

    primary: Table | None
    backup: Table | None
    protected: bool

    @classmethod
    def read(cls, read: Read, disk_size: int) -> "Tables":
        """Read whatever is sound."""
        mbr = read(0, SECTOR)
        protected = mbr[510:512] == b"\x55\xaa" and any(mbr[446 + 16 * entry + 4] == 0xEE for entry in range(4))
        return cls(_table(read, 1, disk_size), _table(read, disk_size // SECTOR - 1, disk_size), protected)

    @property
    def for_u_boot(self) -> Table | None:
        """U-Boot takes the backup, at the disk's last sector, when the primary is damaged."""
        return self.primary or self.backup

    def for_linux(self, arguments: str) -> Table | None:
        """Linux looks at the backup alone only when it is started with the argument `gpt`, nor minds the MBR then."""
        if "gpt" in arguments.split():
            return self.primary or self.backup
        return self.primary if self.protected else None


def _table(read: Read, lba: int, disk_size: int) -> Table | None:
    raw = read(lba * SECTOR, SECTOR)
    if len(raw) < SECTOR:
        return None
    fields = _HEADER.unpack_from(raw)
    signature, _, header_size, crc, _, mine, _, first, last, _, entries_lba, count, entry_size, entries_crc = fields
    if signature != b"EFI PART" or not _HEADER.size <= header_size <= SECTOR or mine != lba:
        return None
    if binascii.crc32(raw[:16] + bytes(4) + raw[20:header_size]) != crc:
        return None
    if count > _MOST_ENTRIES or entry_size != _ENTRY.size or entries_lba * SECTOR + count * entry_size > disk_size:
        return None
    entries = read(entries_lba * SECTOR, count * entry_size)
    if binascii.crc32(entries) != entries_crc:
        return None
    partitions = []
    for number in range(count):
        kind, _, begin, end, _, name = _ENTRY.unpack_from(entries, number * entry_size)
        if kind == bytes(16):
            continue
        if not first <= begin <= end <= last:
            return None
        text = name.decode("utf-16-le", "replace").split("\0", 1)[0]
        partitions.append(Partition(number + 1, text, begin * SECTOR, (end - begin + 1) * SECTOR))
    return Table(tuple(partitions))


def layout(disk_size: int, partitions: list[Partition]) -> list[tuple[int, bytes]]:
    """The protective MBR and both copies of a table, as offsets and contents."""
    sectors = disk_size // SECTOR
    entries = b""
    for partition in partitions:
        kind = _BASIC_DATA if partition.name == "boot" else _LINUX
        unique = uuid.uuid5(uuid.NAMESPACE_DNS, partition.name)
        begin = partition.offset // SECTOR
        end = begin + partition.size // SECTOR - 1
        name = partition.name.encode("utf-16-le").ljust(72, b"\0")
        entries += _ENTRY.pack(kind.bytes_le, unique.bytes_le, begin, end, 0, name)
    entries = entries.ljust(_ENTRIES * _ENTRY.size, b"\0")
    length = len(entries) // SECTOR
    disk = uuid.uuid5(uuid.NAMESPACE_DNS, "disk").bytes_le

    def header(mine: int, other: int, entries_lba: int) -> bytes:
        common = (0, mine, other, 2 + length, sectors - length - 2, disk, entries_lba, _ENTRIES, _ENTRY.size)
        checked = binascii.crc32(entries)
        crc = binascii.crc32(_HEADER.pack(b"EFI PART", 0x10000, _HEADER.size, 0, *common, checked))
        return _HEADER.pack(b"EFI PART", 0x10000, _HEADER.size, crc, *common, checked).ljust(SECTOR, b"\0")

    mbr = bytearray(SECTOR)
    mbr[446:462] = struct.pack("<BBBBBBBBII", 0, 0, 2, 0, 0xEE, 255, 255, 255, 1, min(sectors - 1, 0xFFFFFFFF))
    mbr[510:512] = b"\x55\xaa"
    return [
        (0, bytes(mbr)),
        (SECTOR, header(1, sectors - 1, 2)),
        (2 * SECTOR, entries),
        ((sectors - 1 - length) * SECTOR, entries),
        ((sectors - 1) * SECTOR, header(sectors - 1, 1, sectors - 1 - length)),
    ]
