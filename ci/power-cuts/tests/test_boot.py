"""The boot logic: for every state of the disk, the slot that the product's boot script comes to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from power_cuts import boot_script
from power_cuts.boot import Box, Verdict
from power_cuts.boot_loader import RawEnvironment
from power_cuts.boot_run import BootLogicError, Damage
from power_cuts.environment import SIZE, encode
from power_cuts.partitions import Partition
from power_cuts.small_disk import PARTITIONS, Breaks, SmallDisk, slot_image
from power_cuts.verity import verify

A, B = slot_image(1), slot_image(2)
OFFSETS = (0x100000, 0x180000)


class Disk:
    """The small disk, in memory, with both slots filled."""

    def __init__(self, folder: Path) -> None:
        """Make the disk."""
        disk = SmallDisk(folder, files=False, breaks=Breaks(), has_data=False)
        self.loader = disk.recording.loader
        self.content = bytearray(disk.recording.base.read_bytes())
        self.put(PARTITIONS[2].offset, B[0])

    def put(self, offset: int, content: bytes) -> None:
        """Write."""
        self.content[offset : offset + len(content)] = content

    def environment(self, copy: int = 0, flags: int = 9, **changes: str) -> None:
        """Write a copy of the environment."""
        variables = self.loader.defaults | {f"verity_a_{key}": value for key, value in A[1].items()}
        variables |= {f"verity_b_{key}": value for key, value in B[1].items()} | changes
        self.put(OFFSETS[copy], encode(variables, flags))

    @contextmanager
    def altered(self) -> Iterator[None]:
        """Take back what is written in the block."""
        before = bytes(self.content)
        yield
        self.content[:] = before

    def settle(self) -> Verdict:
        """Power on."""

        def read(offset: int, length: int) -> bytes:
            return bytes(self.content[offset : offset + length])

        def is_whole(partition: Partition, blocks: int, root: bytes, salt: bytes) -> bool:
            return verify(lambda o, n: read(partition.offset + o, n), partition.size, blocks, root, salt)

        return Box(read, len(self.content), self.loader, is_whole).settle()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Disk:
    """One disk for all."""
    return Disk(tmp_path_factory.mktemp("disk"))


@pytest.fixture
def disk(made: Disk) -> Iterator[Disk]:
    """The disk, as it was made."""
    with made.altered():
        yield made


def outcomes(verdict: Verdict) -> list[tuple[str | None, bool, str]]:
    """What happened at each start."""
    return [(start.slot, start.trial, start.outcome) for start in verdict.starts]


@pytest.mark.parametrize("slot", ["a", "b"])
def test_a_committed_slot_comes_up(disk: Disk, slot: str) -> None:
    disk.environment(amora_slot=slot)
    verdict = disk.settle()
    assert (verdict.slot, verdict.went_back) == (slot, False)
    assert outcomes(verdict) == [(slot, False, "up")]


def test_a_trial_that_succeeds_is_committed_and_stays(disk: Disk) -> None:
    disk.environment(amora_slot="b", upgrade_available="1", ustate="1")
    assert outcomes(disk.settle()) == [("b", True, "up"), ("b", False, "up")]


@pytest.mark.parametrize("tried", range(4))
def test_a_damaged_trial_has_what_is_left_of_three_tries_and_is_given_up(disk: Disk, tried: int) -> None:
    disk.environment(amora_slot="b", upgrade_available="1", ustate="1", bootcount=str(tried))
    disk.put(PARTITIONS[2].offset + 500_000, b"damage")
    verdict = disk.settle()
    assert (verdict.slot, verdict.damaged_trial) == ("a", True) if tried < 3 else ("a", False)
    tries = 3 - tried
    given_up = [(None, False, "reset")] * tries, [("b", True, Damage.PANIC)] * tries
    assert outcomes(verdict) in [[*tries_made, ("a", False, "up")] for tries_made in given_up]
    assert verdict.went_back or outcomes(verdict)[0][0] is None or tried == 3


def test_an_empty_trial_slot_is_given_up(disk: Disk) -> None:
    disk.environment(amora_slot="b", upgrade_available="1")
    disk.put(PARTITIONS[2].offset, bytes(PARTITIONS[2].size))
    verdict = disk.settle()
    assert outcomes(verdict) == [(None, False, "reset")] * 3 + [("a", False, "up")]
    assert not verdict.damaged_trial, "nothing was started that was not signed"


def test_a_committed_slot_without_a_kernel_leaves_the_other_running(disk: Disk) -> None:
    disk.environment(amora_slot="b")
    disk.put(PARTITIONS[2].offset, bytes(PARTITIONS[2].size))
    assert outcomes(disk.settle()) == [("a", False, "up")]


def test_a_committed_slot_that_is_damaged_is_a_brick(disk: Disk) -> None:
    disk.environment(amora_slot="b")
    disk.put(PARTITIONS[2].offset + 500_000, b"damage")
    verdict = disk.settle()
    assert verdict.slot is None
    assert "still not up" in verdict.reason


def test_a_slot_without_a_root_hash_does_not_start(disk: Disk) -> None:
    disk.environment(amora_slot="b", verity_b_hash="")
    assert disk.settle().slot == "a"
    disk.environment(amora_slot="b", verity_b_hash="", verity_a_hash="")
    assert disk.settle().slot is None


@pytest.mark.parametrize("damaged", [0, 1])
def test_one_damaged_copy_of_the_environment_is_survived(disk: Disk, damaged: int) -> None:
    disk.environment(0, 4, amora_slot="a")
    disk.environment(1, 5, amora_slot="b")
    disk.put(OFFSETS[damaged] + 100, b"damage")
    assert disk.settle().slot == "ba"[damaged]


def test_both_copies_damaged_is_a_brick(disk: Disk) -> None:
    for offset in OFFSETS:
        disk.put(offset + 100, b"damage")
    assert disk.settle().slot is None


def test_a_second_cut_while_a_try_is_counted_is_survived(disk: Disk) -> None:
    disk.environment(0, 4, amora_slot="b", upgrade_available="1")
    disk.put(OFFSETS[1], bytes(SIZE))
    verdict = disk.settle()
    assert verdict.slot == "b"
    assert len(verdict.cut_during_saves) == 2, "the try's count and the commit"


def test_with_a_single_copy_a_second_cut_is_a_brick(disk: Disk) -> None:
    loader, disk.loader = disk.loader, replace(disk.loader, location=RawEnvironment(OFFSETS[:1]))
    variables = loader.defaults | {"amora_slot": "b", "upgrade_available": "1"}
    variables |= {f"verity_b_{key}": value for key, value in B[1].items()}
    disk.put(OFFSETS[0], encode(variables, redundant=False))
    verdict = disk.settle()
    disk.loader = loader
    assert verdict.slot is None
    assert "second cut" in verdict.reason


def test_a_damaged_boot_script_is_a_brick(disk: Disk) -> None:
    at = bytes(disk.content).index(b"# Starts the slot")
    disk.put(at, b"damage")
    assert disk.settle().slot is None


def test_without_the_primary_partition_table_the_backup_serves(disk: Disk) -> None:
    disk.environment(amora_slot="a")
    disk.put(512, bytes(512))
    assert outcomes(disk.settle()) == [("a", False, "up")], "the boot script tells Linux to look for it"


def test_without_any_partition_table_nothing_starts(disk: Disk) -> None:
    disk.environment(amora_slot="a")
    disk.put(512, bytes(512))
    disk.put(len(disk.content) - 512, bytes(512))
    assert disk.settle().slot is None


def test_stored_variables_that_are_not_listed_are_ignored(disk: Disk) -> None:
    disk.environment(amora_slot="a", bootcmd="reset", altbootcmd="reset", devnum="7")
    assert disk.settle().slot == "a"


def test_a_boot_loader_without_a_list_takes_all_of_the_stored_environment(disk: Disk) -> None:
    disk.environment(amora_slot="a", bootcmd="true")
    loader, disk.loader = disk.loader, replace(disk.loader, writeable=None)
    verdict = disk.settle()
    disk.loader = loader
    assert verdict.reason == "U-Boot stops at its prompt"


def test_a_script_that_is_not_understood_is_no_verdict(disk: Disk) -> None:
    loader, disk.loader = disk.loader, replace(disk.loader, defaults=disk.loader.defaults | {"bootcmd": "md 0"})
    disk.put(OFFSETS[0], bytes(SIZE))
    with pytest.raises(BootLogicError, match="md"):
        disk.settle()
    disk.loader = loader


def test_a_script_image_is_read_as_made_and_damage_is_found() -> None:
    image = boot_script.script_image("echo hello\n")
    assert boot_script.script_text(image) == "echo hello\n"
    for place in range(len(image)):
        damaged = bytearray(image)
        damaged[place] ^= 4
        assert boot_script.script_text(bytes(damaged)) is None
        assert boot_script.script_text(image[:place]) is None
