"""Cuts: for every seed, only what hardware may leave, and always the same."""

import random
from pathlib import Path

import pytest
from power_cuts.cut import ERASE_BLOCK, HONEST, Choice, Cut, Manner, Survivor, torn
from power_cuts.disk import Disk
from power_cuts.write_log import DISCARD, FUA, SECTOR, LogError, LogWriter, WriteLog

SECTORS = 512
DISK = SECTORS * SECTOR


def random_log(path: Path, seed: int) -> None:
    """A log with everything in it."""
    chance = random.Random(seed)
    with LogWriter(path) as log:
        for _ in range(120):
            begin = chance.randrange(SECTORS)
            count = min(chance.choice((1, 1, 2, 8, 32)), SECTORS - begin)
            match chance.randrange(10):
                case 0 | 1:
                    log.flush()
                case 2:
                    log.discard(begin * SECTOR, count * SECTOR)
                case 3:
                    log.write(begin * SECTOR, chance.randbytes(count * SECTOR), FUA)
                case _:
                    log.write(begin * SECTOR, chance.randbytes(count * SECTOR))


def cuts(path: Path, manners: tuple[Manner, ...] = HONEST) -> list[Cut]:
    """Many cuts, in the order in which a disk can have them."""
    with WriteLog(path, DISK) as log:
        choice = Choice(log, 5, manners=manners)
        return sorted((choice.cut(number) for number in range(150)), key=lambda cut: cut.durable)


@pytest.mark.parametrize("seed", range(4))
def test_a_cut_leaves_only_what_hardware_may(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "log"
    random_log(path, seed)
    with WriteLog(path, DISK) as log:
        for cut in cuts(path):
            kept = {survivor.entry: survivor for survivor in cut.survivors}
            assert all(cut.durable <= entry < cut.position for entry in kept)
            assert not any(entry.is_barrier for entry in log.entries[cut.durable + 1 : cut.position])
            for entry in log.entries[cut.durable : cut.position]:
                if entry.is_durable_itself:
                    assert kept[entry.index].mask is None, "what was forced through the cache is there"
                if entry.index in kept and kept[entry.index].mask is not None:
                    assert 0 < kept[entry.index].mask < (1 << entry.sectors) - 1
                if cut.manner is Manner.ALL and entry.length:
                    assert kept[entry.index].mask is None


@pytest.mark.parametrize("seed", range(4))
def test_the_disk_is_what_a_naive_disk_would_be(tmp_path: Path, seed: int) -> None:
    path, base = tmp_path / "log", tmp_path / "base"
    random_log(path, seed)
    before = random.Random(seed).randbytes(DISK)
    base.write_bytes(before)
    with WriteLog(path, DISK) as log:
        disk = Disk(base, log)
        for cut in cuts(path, (*HONEST, Manner.ERASED_BLOCK)):
            expected = bytearray(before)
            for entry in log.entries[: cut.durable]:
                expected[entry.offset : entry.end] = log.data(entry)
            durable = bytes(expected)
            for survivor in cut.survivors:
                entry = log.entries[survivor.entry]
                for sector in range(entry.sectors):
                    if survivor.mask is None or survivor.mask >> sector & 1:
                        at = entry.offset + sector * SECTOR
                        expected[at : at + SECTOR] = log.data(entry, sector * SECTOR, SECTOR)
            for at, content in cut.garbage:
                expected[at : at + len(content)] = content[: DISK - at]
            with disk.cut(cut):
                assert disk.read(0, DISK) == expected
                touched = bytearray(durable)
                for begin, end in disk.changed:
                    touched[begin:end] = expected[begin:end]
                assert touched == expected, "the disk names all that the cut changed"
            assert disk.read(0, DISK) == durable
        disk.close()
    assert base.read_bytes() == before


def test_every_manner_comes_and_cuts_repeat(tmp_path: Path) -> None:
    path = tmp_path / "log"
    random_log(path, 1)
    first = cuts(path)
    assert first == cuts(path)
    assert {cut.manner for cut in first} == set(HONEST)
    assert any(survivor.mask is not None for cut in first for survivor in cut.survivors)
    assert any(cut.lost for cut in first)


def test_garbage_is_a_whole_erase_block_around_a_write_in_the_cache(tmp_path: Path) -> None:
    path = tmp_path / "log"
    random_log(path, 2)
    found = [garbage for cut in cuts(path, (Manner.ERASED_BLOCK,)) for garbage in cut.garbage]
    assert found
    assert all(offset % ERASE_BLOCK == 0 and len(content) == ERASE_BLOCK for offset, content in found)


def test_the_decisive_writes_are_cut_often(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with LogWriter(path) as log:
        for number in range(3000):
            log.write((number % SECTORS) * SECTOR, bytes(SECTOR))
            if number % 10 == 9:
                log.flush()
    with WriteLog(path, DISK) as read:
        choice = Choice(read, 1, is_decisive=lambda entry: entry.index == 1500)
        near = sum(1500 <= choice.cut(number).position <= 1502 for number in range(300))
    assert near > 60


def test_a_torn_write_is_never_whole() -> None:
    chance = random.Random(3)
    for sectors in (1, 2, 3, 32, 2048):
        for _ in range(200):
            assert 0 <= torn(sectors, chance) < (1 << sectors) - 1
    assert torn(1, chance) == 0, "a sector is whole or not there"


def test_runs_name_the_sectors_of_a_mask() -> None:
    assert list(Survivor(0).runs(5)) == [(0, 5)]
    assert list(Survivor(0, 0b10110).runs(5)) == [(1, 2), (4, 1)]
    assert list(Survivor(0, 0).runs(5)) == []


def test_a_discard_leaves_zeros_or_what_was_there(tmp_path: Path) -> None:
    path, base = tmp_path / "log", tmp_path / "base"
    base.write_bytes(b"x" * DISK)
    with LogWriter(path) as writer:
        writer.discard(0, SECTOR)
    with WriteLog(path, DISK) as log:
        assert log.entries[0].flags == DISCARD
        disk = Disk(base, log)
        with disk.cut(Cut(0, 1, 0, Manner.ALL, (Survivor(0),))):
            assert disk.read(0, SECTOR) == bytes(SECTOR)
        with disk.cut(Cut(0, 1, 0, Manner.NONE, ())):
            assert disk.read(0, SECTOR) == b"x" * SECTOR
        disk.close()


def test_a_disk_does_not_roll_back(tmp_path: Path) -> None:
    path, base = tmp_path / "log", tmp_path / "base"
    base.write_bytes(bytes(DISK))
    random_log(path, 1)
    with WriteLog(path, DISK) as log:
        disk = Disk(base, log)
        disk.advance(50)
        with pytest.raises(LogError, match="forward"):
            disk.advance(10)
        disk.close()
