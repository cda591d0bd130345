"""The partition table of a new card grows; a loss of power at any write of it leaves a table that can be read."""

import itertools
import os
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[3] / "meta-amora/recipes-amora/amora-base/files/grow-table"
SECTOR = 512
MIB = 2048
LAYOUT = f"""\
label: gpt
first-lba: 2048
start={MIB}, size={MIB // 2}, name=boot
size={MIB // 2}, name=rootA
size={MIB // 2}, name=rootB
size={MIB // 2}, name=data
"""
IMAGE = 4 * MIB
CARD = 6 * MIB


@pytest.fixture
def card(tmp_path):
    """A card with an image written onto it that is smaller than the card."""
    if not shutil.which("sfdisk"):
        pytest.fail("sfdisk is missing: install fdisk")
    path = tmp_path / "card"
    path.write_bytes(b"")
    os.truncate(path, IMAGE * SECTOR)
    subprocess.run(["sfdisk", "--quiet", path], input=LAYOUT, text=True, check=True)
    os.truncate(path, CARD * SECTOR)
    return path


def grow(card: Path, tmp_path: Path) -> list[bytes]:
    """Run the program; return the card before it and after each flush, by a `dd` that keeps what it left."""
    tools = tmp_path / "tools"
    tools.mkdir()
    real = shutil.which("dd")
    (tools / "dd").write_text(
        f'#!/bin/sh\n{real} "$@" || exit\ncase "$*" in\n*of={card}\\ *,fsync*) cp {card} "{tmp_path}/after.$$" ;;\n'
        f'*of={card}\\ *) echo "a write without a flush: $*" >&2; exit 1 ;;\nesac\n'
    )
    (tools / "dd").chmod(0o755)
    states = [card.read_bytes()]
    path = f"{tools}:{os.environ['PATH']}:/usr/sbin:/sbin"
    subprocess.run(["sh", PROGRAM, card, "4", str(CARD)], check=True, env={**os.environ, "PATH": path})
    states += [
        after.read_bytes() for after in sorted(tmp_path.glob("after.*"), key=lambda file: file.stat().st_mtime_ns)
    ]
    return states


def table(disk: bytes, sector: int) -> dict[str, tuple[int, int]] | None:
    """Return the partitions by the header in a sector, as Linux and U-Boot read it; nothing where it is torn."""
    header = disk[sector * SECTOR :][:92]
    if header[:8] != b"EFI PART":
        return None
    size, checksum = struct.unpack_from("<II", header, 12)
    own, _, _, _ = struct.unpack_from("<QQQQ", header, 24)
    start, count, length, entries_checksum = struct.unpack_from("<QIII", header, 72)
    if size != 92 or zlib.crc32(header[:16] + bytes(4) + header[20:]) != checksum or own != sector:
        return None
    entries = disk[start * SECTOR :][: count * length]
    if zlib.crc32(entries) != entries_checksum:
        return None
    found = {}
    for entry in (entries[at : at + length] for at in range(0, len(entries), length)):
        first, last = struct.unpack_from("<QQ", entry, 32)
        if first:
            found[entry[56:128].decode("utf-16-le").rstrip("\0")] = (first, last)
    return found


def read(disk: bytes) -> dict[str, tuple[int, int]] | None:
    """Return what a start finds: the primary table, otherwise the one in the last sector."""
    return table(disk, 1) or table(disk, len(disk) // SECTOR - 1)


def torn(before: bytes, after: bytes):
    """Yield the disk with each choice of the sectors that differ, as any of them may be lost before the flush."""
    changed = [at for at in range(0, len(before), SECTOR) if before[at : at + SECTOR] != after[at : at + SECTOR]]
    assert 0 < len(changed) <= 8
    for count in range(len(changed) + 1):
        for written in itertools.combinations(changed, count):
            disk = bytearray(before)
            for at in written:
                disk[at : at + SECTOR] = after[at : at + SECTOR]
            yield bytes(disk)


def test_the_last_partition_reaches_the_end(card, tmp_path):
    before = read(card.read_bytes())
    grow(card, tmp_path)
    after = read(card.read_bytes())
    assert after["data"] == (before["data"][0], CARD - 34)
    assert {name: after[name] for name in ("boot", "rootA", "rootB")} == {
        name: before[name] for name in ("boot", "rootA", "rootB")
    }
    assert table(card.read_bytes(), 1) == table(card.read_bytes(), CARD - 1)


def test_a_cut_at_any_write_leaves_a_table(card, tmp_path):
    states = grow(card, tmp_path)
    assert len(states) == 3
    cuts = 0
    for before, after in itertools.pairwise(states):
        for disk in torn(before, after):
            found = read(disk)
            assert found is not None, "no table can be read"
            assert found in (read(states[0]), read(states[-1]))
            cuts += 1
    assert cuts >= 2**3


def test_a_cut_start_is_taken_up(card, tmp_path):
    states = grow(card, tmp_path)
    card.write_bytes(states[1])
    again = tmp_path / "again"
    again.mkdir()
    grow(card, again)
    assert read(card.read_bytes()) == read(states[-1])


def test_both_tables_at_once_would_be_found_out(card, tmp_path):
    states = grow(card, tmp_path)
    assert any(read(disk) is None for disk in torn(states[0], states[-1]))
