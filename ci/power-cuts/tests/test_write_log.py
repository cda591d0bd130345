"""The log: what is written is read, and what is no log is refused."""

import random
import struct
from pathlib import Path

import pytest
from power_cuts.write_log import DISCARD, FLUSH, FUA, SECTOR, LogError, LogWriter, WriteLog

DISK = 1 << 20


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log with every kind of entry."""
    path = tmp_path / "log"
    with LogWriter(path) as writer:
        writer.write(0, b"a" * SECTOR)
        writer.flush()
        writer.write(SECTOR, b"b" * 3 * SECTOR, FUA)
        writer.discard(8 * SECTOR, 4 * SECTOR)
        writer.write(2 * SECTOR, b"c" * SECTOR, FLUSH)
    return path


def test_entries_are_read_as_written(log: Path) -> None:
    with WriteLog(log, DISK) as read:
        assert [(entry.offset, entry.length, entry.flags) for entry in read.entries] == [
            (0, SECTOR, 0),
            (0, 0, FLUSH),
            (SECTOR, 3 * SECTOR, FUA),
            (8 * SECTOR, 4 * SECTOR, DISCARD),
            (2 * SECTOR, SECTOR, FLUSH),
        ]
        assert read.data(read.entries[2]) == b"b" * 3 * SECTOR
        assert read.data(read.entries[2], SECTOR, 10) == b"b" * 10
        assert read.data(read.entries[3]) == bytes(4 * SECTOR)
        assert read.data(read.entries[4]) == b"c" * SECTOR


def test_what_is_before_a_completed_flush_is_durable(log: Path) -> None:
    with WriteLog(log, DISK) as read:
        # The flush at 1 is complete once two requests are; what came before it is durable from then on.
        assert [read.durable_before(position) for position in range(6)] == [0, 0, 1, 1, 1, 4]


def test_every_truncation_is_refused(log: Path) -> None:
    whole = log.read_bytes()
    for length in range(0, len(whole), 97):
        log.write_bytes(whole[:length])
        with pytest.raises(LogError):
            WriteLog(log, DISK)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (0, 1, "not a write log"),
        (8, 2, "version 2"),
        (16, 1 << 60, "do not fit"),
        (16, 1 << 40, "do not fit"),
        (SECTOR, 1 << 50, "beyond the disk"),
        (SECTOR + 8, 1 << 50, "beyond the disk"),
        (SECTOR + 16, 64, "unknown flags"),
    ],
)
def test_nonsense_is_refused_with_its_reason(log: Path, place: int, value: int, message: str) -> None:
    content = bytearray(log.read_bytes())
    struct.pack_into("<Q", content, place, value)
    log.write_bytes(content)
    with pytest.raises(LogError, match=message):
        WriteLog(log, DISK)


def test_a_sector_size_that_cannot_be_is_refused(log: Path) -> None:
    content = bytearray(log.read_bytes())
    for size in (0, 1, 511, 513, 1 << 31):
        struct.pack_into("<I", content, 24, size)
        log.write_bytes(content)
        with pytest.raises(LogError, match="sector of"):
            WriteLog(log, DISK)


def test_damage_anywhere_is_refused_or_harmless(log: Path) -> None:
    whole = log.read_bytes()
    chance = random.Random(1)
    for _ in range(500):
        content = bytearray(whole)
        for _ in range(chance.randrange(1, 8)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        log.write_bytes(content)
        try:
            read = WriteLog(log, DISK)
        except LogError:
            continue
        with read:
            assert all(entry.end <= DISK for entry in read.entries)
            assert all(len(read.data(entry)) == entry.length for entry in read.entries)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="absent"):
        WriteLog(tmp_path / "absent", DISK)
