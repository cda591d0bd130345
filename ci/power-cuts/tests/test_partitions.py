"""The partition table: what each reader makes of a damaged one."""

import random

from power_cuts.partitions import Tables, layout
from power_cuts.small_disk import PARTITIONS
from power_cuts.write_log import SECTOR

SIZE = 49 << 20
LAST = SIZE - SECTOR


class Sparse:
    """A disk with only the table on it."""

    def __init__(self) -> None:
        """Write the table."""
        self.sectors: dict[int, bytes] = {}
        for offset, content in layout(SIZE, PARTITIONS):
            for at in range(0, len(content), SECTOR):
                self.sectors[offset + at] = content[at : at + SECTOR]

    def read(self, offset: int, length: int) -> bytes:
        """Read sectors."""
        return b"".join(self.sectors.get(at, bytes(SECTOR)) for at in range(offset, offset + length, SECTOR))

    def damage(self, offset: int, place: int = 20) -> None:
        """Flip a bit of a sector."""
        content = bytearray(self.sectors.get(offset, bytes(SECTOR)))
        content[place] ^= 1
        self.sectors[offset] = bytes(content)

    def tables(self) -> Tables:
        """Read both tables."""
        return Tables.read(self.read, SIZE)


def test_a_sound_table_is_read_by_all() -> None:
    tables = Sparse().tables()
    assert tables.primary == tables.backup
    assert tables.for_u_boot == tables.for_linux("quiet") == tables.primary
    assert tables.primary is not None
    assert list(tables.primary.partitions) == PARTITIONS
    assert tables.primary.named("rootB") == tables.primary.numbered(3)


def test_without_the_primary_u_boot_takes_the_backup_and_linux_only_when_told() -> None:
    for offset in (SECTOR, 2 * SECTOR):
        disk = Sparse()
        disk.damage(offset)
        tables = disk.tables()
        assert tables.primary is None
        assert tables.for_u_boot is not None
        assert tables.for_linux("root=/dev/vda2") is None
        assert tables.for_linux("root=/dev/vda2 gpt") == tables.backup


def test_without_the_protective_mbr_linux_finds_nothing_unless_told() -> None:
    disk = Sparse()
    disk.damage(0, 510)
    assert disk.tables().for_linux("") is None
    assert disk.tables().for_linux("gpt") is not None
    assert disk.tables().for_u_boot is not None


def test_a_damaged_backup_harms_nobody() -> None:
    disk = Sparse()
    disk.damage(LAST)
    assert disk.tables().for_linux("") is not None


def test_any_damage_to_both_is_found() -> None:
    chance = random.Random(4)
    for _ in range(50):
        disk = Sparse()
        disk.damage(SECTOR, chance.randrange(92))
        disk.damage(LAST, chance.randrange(92))
        assert disk.tables().for_u_boot is None
