"""The boot partition: files are found, and damage is an error and never an endless walk."""

import random

import pytest
from power_cuts import fat

FILES = {"boot.scr": b"s" * 5000, "uboot.env": b"e" * 16384, "uboot-redund.env": b"r" * 16384, "EMPTY": b""}


@pytest.fixture(scope="module")
def image() -> bytes:
    """A small volume."""
    return fat.build(12 << 20, FILES)


def volume(image: bytes | bytearray) -> fat.Volume:
    """Read a volume."""
    return fat.Volume(lambda offset, length: bytes(image[offset : offset + length]))


def test_files_are_read_as_written(image: bytes) -> None:
    read = volume(image)
    assert {file.path.removeprefix("/"): read.content(file) for file in read.files()} == FILES
    assert read.find("UBOOT-REDUND.ENV") == read.find("/uboot-redund.env")
    assert read.find("absent") is None
    assert read.problems() == []


def test_damage_is_an_error_or_harmless(image: bytes) -> None:
    chance = random.Random(6)
    metadata = 4 * 512 + 2 * 33 * 512 + 8 * 32
    for _ in range(300):
        damaged = bytearray(image)
        for _ in range(chance.randrange(1, 12)):
            damaged[chance.randrange(metadata)] = chance.randrange(256)
        try:
            read = volume(damaged)
            for file in read.files():
                if file.size < 1 << 20:
                    read.content(file)
            read.problems()
        except fat.FatError:
            pass


def table_entry(damaged: bytearray, cluster: int, value: int) -> None:
    """Change an entry in both copies of the table."""
    sectors = int.from_bytes(damaged[22:24], "little")
    for copy in range(2):
        at = (4 + copy * sectors) * 512 + cluster * 2
        damaged[at : at + 2] = value.to_bytes(2, "little")


def test_a_loop_a_crossing_and_a_lost_end_are_found(image: bytes) -> None:
    environment = volume(image).find("uboot.env")
    script = volume(image).find("boot.scr")
    assert environment is not None
    assert script is not None
    loop, crossing, outside = bytearray(image), bytearray(image), bytearray(image)
    table_entry(loop, environment.clusters[3], environment.clusters[0])
    table_entry(crossing, script.clusters[0], environment.clusters[0])
    table_entry(outside, environment.clusters[3], 0xFFF0)
    assert any("never ends" in problem for problem in volume(loop).problems())
    assert any("share cluster" in problem for problem in volume(crossing).problems())
    assert any("does not exist" in problem for problem in volume(outside).problems())


def test_tables_that_differ_are_found(image: bytes) -> None:
    damaged = bytearray(image)
    damaged[4 * 512 + 40 * 2] ^= 1
    assert "the two tables differ" in volume(damaged).problems()


def test_what_is_no_volume_is_refused() -> None:
    for content in (b"", bytes(512), b"\xeb" * 4096):
        with pytest.raises(fat.FatError):
            volume(content)
