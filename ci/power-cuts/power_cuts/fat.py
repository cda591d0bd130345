"""The boot partition's file system (FAT16 and FAT32): its files, where they lie, and whether it is whole.

Written for damaged file systems: a chain that loops, leaves the volume or is crossed by another is an error.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SECTOR = 512
_LONG_NAME = 0x0F
_DIRECTORY, _VOLUME = 0x10, 0x08
_DEEPEST = 16
MOST_FILES = 10_000
MOST_BYTES = 512 * 1024 * 1024

Read = Callable[[int, int], bytes]


class FatError(Exception):
    """The file system is damaged, or is none."""


@dataclass(frozen=True, slots=True)
class File:
    """A file and the clusters it has."""

    path: str
    size: int
    clusters: tuple[int, ...]
    is_directory: bool


class Volume:
    """A FAT file system that is read through a function."""

    def __init__(self, read: Read) -> None:
        """Read the boot sector and the table; raise FatError when they cannot be."""
        self._read = read
        boot = read(0, SECTOR)
        if len(boot) < SECTOR or boot[510:512] != b"\x55\xaa":
            raise FatError("no boot sector")
        sector_size, per_cluster, reserved, tables, root_entries, small = struct.unpack_from("<HBHBHH", boot, 11)
        (large,) = struct.unpack_from("<I", boot, 32)
        (table_sectors,) = struct.unpack_from("<H", boot, 22)
        if table_sectors == 0:
            (table_sectors,) = struct.unpack_from("<I", boot, 36)
        if sector_size not in (512, 1024, 2048, 4096) or per_cluster == 0 or per_cluster & (per_cluster - 1):
            raise FatError("the boot sector makes no sense")
        if not 1 <= tables <= 2 or reserved == 0 or table_sectors == 0:
            raise FatError("the boot sector makes no sense")
        root_sectors = -(-root_entries * 32 // sector_size)
        data = reserved + tables * table_sectors + root_sectors
        self.clusters = ((small or large) - data) // per_cluster
        if self.clusters < 4085:
            raise FatError("FAT12, or smaller than any volume")
        self._is_32 = self.clusters >= 65525
        self.cluster_size = per_cluster * sector_size
        self._data = data * sector_size
        entry = 4 if self._is_32 else 2
        table_size = table_sectors * sector_size
        if table_size > MOST_BYTES // 4 or table_size < (self.clusters + 2) * entry:
            raise FatError("the table does not fit the volume")
        raw = read(reserved * sector_size, table_size)
        if len(raw) < table_size:
            raise FatError("the table is cut off")
        self._table = memoryview(raw[: table_size // entry * entry]).cast("I" if self._is_32 else "H")
        self._copies = [
            read((reserved + copy * table_sectors) * sector_size, (self.clusters + 2) * entry) for copy in range(tables)
        ]
        (self._root_cluster,) = struct.unpack_from("<I", boot, 44)
        self._root = ((reserved + tables * table_sectors) * sector_size, root_entries * 32)

    def offset(self, cluster: int) -> int:
        """Where a cluster lies in the volume."""
        return self._data + (cluster - 2) * self.cluster_size

    def _chain(self, first: int) -> tuple[int, ...]:
        mask, end = (0x0FFFFFFF, 0x0FFFFFF8) if self._is_32 else (0xFFFF, 0xFFF8)
        chain: list[int] = []
        cluster = first
        while True:
            if not 2 <= cluster < self.clusters + 2:
                raise FatError(f"a chain leads to cluster {cluster}, which does not exist")
            chain.append(cluster)
            if len(chain) > self.clusters or len(chain) * self.cluster_size > MOST_BYTES:
                raise FatError("a chain never ends")
            cluster = self._table[cluster] & mask
            if cluster >= end:
                return tuple(chain)

    def _content(self, clusters: tuple[int, ...]) -> bytes:
        return b"".join(self._read(self.offset(cluster), self.cluster_size) for cluster in clusters)

    def files(self) -> Iterator[File]:
        """Every file and folder, depth first."""
        root = self._content(self._chain(self._root_cluster)) if self._is_32 else self._read(*self._root)
        for count, file in enumerate(self._walk(root, "", 0)):
            if count >= MOST_FILES:
                raise FatError("more files than a boot partition has")
            yield file

    def _walk(self, directory: bytes, folder: str, depth: int) -> Iterator[File]:
        if depth > _DEEPEST:
            raise FatError("folders lie within each other without end")
        long_name: dict[int, str] = {}
        for position in range(0, len(directory) - 31, 32):
            entry = directory[position : position + 32]
            if entry[0] == 0:
                return
            attributes = entry[11]
            if entry[0] == 0xE5:
                long_name = {}
            elif attributes & 0x3F == _LONG_NAME:
                characters = entry[1:11] + entry[14:26] + entry[28:32]
                long_name[entry[0] & 0x1F] = characters.decode("utf-16-le", "replace")
            elif attributes & _VOLUME or entry[:1] == b".":
                long_name = {}
            else:
                name = "".join(long_name[key] for key in sorted(long_name)).split("\0", 1)[0] or _short_name(entry)
                long_name = {}
                (high,) = struct.unpack_from("<H", entry, 20)
                low, size = struct.unpack_from("<HI", entry, 26)
                first = low | (high << 16 if self._is_32 else 0)
                is_directory = bool(attributes & _DIRECTORY)
                clusters = self._chain(first) if first else ()
                path = f"{folder}/{name}"
                yield File(path, size, clusters, is_directory)
                if is_directory:
                    yield from self._walk(self._content(clusters), path, depth + 1)

    def find(self, path: str) -> File | None:
        """The file at a path; upper and lower case are the same."""
        wanted = "/" + path.strip("/").lower()
        return next((file for file in self.files() if file.path.lower() == wanted), None)

    def content(self, file: File) -> bytes:
        """What is in a file."""
        if file.size > len(file.clusters) * self.cluster_size:
            raise FatError(f"{file.path} is {file.size} bytes long but has {len(file.clusters)} clusters")
        return self._content(file.clusters)[: file.size]

    def problems(self) -> list[str]:
        """What is wrong with the file system, for a person; empty when it is whole."""
        found = []
        if any(copy[8:] != self._copies[0][8:] for copy in self._copies):
            found.append("the two tables differ")
        owners: dict[int, str] = {}
        try:
            for file in self.files():
                needed = -(-file.size // self.cluster_size)
                if not file.is_directory and len(file.clusters) != needed:
                    found.append(f"{file.path}: {file.size} bytes in {len(file.clusters)} clusters")
                for cluster in file.clusters:
                    if cluster in owners:
                        found.append(f"{file.path} and {owners[cluster]} share cluster {cluster}")
                        break
                    owners[cluster] = file.path
        except FatError as error:
            found.append(str(error))
        return found


def _short_name(entry: bytes) -> str:
    base = entry[:8].decode("latin-1").rstrip()
    extension = entry[8:11].decode("latin-1").rstrip()
    if entry[12] & 0x08:
        base = base.lower()
    if entry[12] & 0x10:
        extension = extension.lower()
    return f"{base}.{extension}" if extension else base


def build(size: int, files: dict[str, bytes]) -> bytes:
    """A FAT16 volume with files in its root, for made-up disks. Their names are 8.3, or get a long name besides."""
    cluster = 2048
    reserved, root_entries = 4, 512
    table_sectors = -(-(size // cluster + 2) * 2 // SECTOR)
    data = reserved + 2 * table_sectors + root_entries * 32 // SECTOR
    boot = bytearray(SECTOR)
    boot[0:3] = b"\xeb\x3c\x90"
    boot[3:11] = b"AMORA   "
    struct.pack_into(
        "<HBHBHHBHHHII",
        boot,
        11,
        SECTOR,
        cluster // SECTOR,
        reserved,
        2,
        root_entries,
        0,
        0xF8,
        table_sectors,
        63,
        255,
        0,
        size // SECTOR,
    )
    boot[36:62] = struct.pack("<BBBI11s8s", 0x80, 0, 0x29, 0x414D4F52, b"NO NAME    ", b"FAT16   ").ljust(26, b" ")
    boot[510:512] = b"\x55\xaa"
    table = [0xFFF8, 0xFFFF]
    directory = b""
    contents = b""
    for place, (name, content) in enumerate(files.items()):
        count = -(-len(content) // cluster)
        first = len(table) if count else 0
        table += [*range(first + 1, first + count), 0xFFFF] if count else []
        contents += content.ljust(count * cluster, b"\0")
        directory += _entries(name, place, first, len(content))
    packed = struct.pack(f"<{len(table)}H", *table).ljust(table_sectors * SECTOR, b"\0")
    volume = bytes(boot).ljust(reserved * SECTOR, b"\0") + packed * 2 + directory.ljust(root_entries * 32, b"\0")
    if len(volume) != data * SECTOR or len(volume) + len(contents) > size:
        raise FatError("the files do not fit")
    return (volume + contents).ljust(size, b"\0")


def _entries(name: str, place: int, first: int, size: int) -> bytes:
    base, _, extension = name.upper().partition(".")
    is_long = len(base) > 8 or len(extension) > 3 or name != name.upper()
    short = (f"{base[:6]}~{place % 9 + 1}" if len(base) > 8 else base).ljust(8)[:8] + extension[:3].ljust(3)
    raw = short.encode("ascii")
    result = b""
    if is_long:
        checksum = 0
        for byte in raw:
            checksum = ((checksum >> 1) + (checksum << 7 & 0x80) + byte) & 0xFF
        padded = (name + "\0").encode("utf-16-le") if len(name) % 13 else name.encode("utf-16-le")
        parts = [padded[at : at + 26].ljust(26, b"\xff") for at in range(0, len(padded), 26)]
        for number in range(len(parts), 0, -1):
            part = parts[number - 1]
            order = number | (0x40 if number == len(parts) else 0)
            head = bytes([order]) + part[:10] + bytes([_LONG_NAME, 0, checksum])
            result += head + part[10:22] + b"\0\0" + part[22:26]
    return result + raw + struct.pack("<BBBHHHHHHHI", 0x20, 0, 0, 0, 0, 0, 0, 0, 0, first, size)
