"""The disk as a power cut leaves it, made from the image before the recording and the write log.

The image is mapped privately: what the log brings is written into this process's copy of its pages and the file is
never changed. Rolling forward to a later cut costs only the writes in between; a cut's own writes are taken back.
"""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from power_cuts.cut import Cut
from power_cuts.write_log import SECTOR, Entry, LogError, WriteLog


class Disk:
    """What is on the disk: everything durable at a position of the log, and within `cut` what survived besides."""

    def __init__(self, base: Path, log: WriteLog) -> None:
        """Begin with the image as it was before the first write of the log."""
        with base.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self.log = log
        self.durable = 0
        self.changed: list[tuple[int, int]] = []
        """Begin and end of what the cut being looked at wrote on top of what was durable."""
        self._dirty: list[Entry] = []

    @property
    def size(self) -> int:
        """The disk's size in bytes."""
        return len(self._bytes)

    def read(self, offset: int, length: int) -> bytes:
        """What a read of the disk gives."""
        return self._bytes[offset : offset + length]

    def advance(self, durable: int) -> None:
        """Roll forward until the first `durable` entries of the log are on the disk."""
        if durable < self.durable:
            raise LogError("a disk only rolls forward: sort the cuts by what is durable at them")
        for entry in self.log.entries[self.durable : durable]:
            if entry.length:
                self._bytes[entry.offset : entry.end] = self.log.data(entry)
                self._dirty.append(entry)
        self.durable = durable

    def written(self) -> Iterator[tuple[int, int]]:
        """Begin and end of everything that differs from the image: what became durable, then what the cut left."""
        yield from ((entry.offset, entry.end) for entry in self._dirty)
        yield from self.changed

    def last_durable_write(self, begin: int, end: int) -> int:
        """The last durable entry that wrote to a part of the disk; -1 when none did."""
        return next((entry.index for entry in reversed(self._dirty) if entry.offset < end and entry.end > begin), -1)

    @contextmanager
    def cut(self, cut: Cut) -> Iterator[None]:
        """Have the disk as the cut leaves it, until the block ends."""
        self.advance(cut.durable)
        undo: list[tuple[int, bytes]] = []
        for survivor in cut.survivors:
            entry = self.log.entries[survivor.entry]
            for first, count in survivor.runs(entry.sectors):
                begin, length = entry.offset + first * SECTOR, count * SECTOR
                undo.append((begin, self._bytes[begin : begin + length]))
                self._bytes[begin : begin + length] = self.log.data(entry, first * SECTOR, length)
        for begin, content in cut.garbage:
            end = min(begin + len(content), self.size)
            undo.append((begin, self._bytes[begin:end]))
            self._bytes[begin:end] = content[: end - begin]
        self.changed = [(begin, begin + len(content)) for begin, content in undo]
        try:
            yield
        finally:
            for begin, content in reversed(undo):
                self._bytes[begin : begin + len(content)] = content
            self.changed = []

    def close(self) -> None:
        """Let the image go."""
        self._bytes.close()
