"""The environment: which copy counts, and what a save leaves."""

import random

import pytest
from power_cuts.environment import SIZE, Copy, Environment, EnvironmentTooBigError, choose, encode, parse


def test_a_copy_is_read_as_written() -> None:
    variables = {"amora_slot": "b", "altbootcmd": "run bootcmd", "empty": "", "sum": "a=b"}
    for redundant in (True, False):
        raw = encode(variables, 7, redundant=redundant)
        assert len(raw) == SIZE
        assert parse(raw, redundant=redundant) == Copy(7 if redundant else 0, variables)


def test_a_copy_with_any_wrong_bit_is_damaged() -> None:
    raw = encode({"amora_slot": "a"}, 3)
    chance = random.Random(1)
    places = [*range(0, 4), *(chance.randrange(5, SIZE) for _ in range(300))]
    for place in places:
        damaged = bytearray(raw)
        damaged[place] ^= 1 << chance.randrange(8)
        assert parse(bytes(damaged)) is None


def test_missing_and_short_copies_are_damaged() -> None:
    assert parse(None) is None
    assert parse(b"") is None
    assert parse(bytes(5)) is None
    assert parse(encode({}, 1)[:-1]) is None


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        (None, None, None),
        (1, None, 0),
        (None, 1, 1),
        (1, 1, 0),
        (1, 2, 1),
        (2, 1, 0),
        (255, 0, 1),
        (0, 255, 0),
        (254, 255, 1),
        (255, 1, 0),
    ],
)
def test_the_copy_that_counts_is_the_one_that_u_boot_takes(
    first: int | None, second: int | None, counts: int | None
) -> None:
    copies = [None if flags is None else Copy(flags, {}) for flags in (first, second)]
    assert choose(*copies) == counts


def test_a_save_goes_to_the_other_copy_and_counts_from_then_on() -> None:
    raw = encode({"n": "0"}, 250)
    environment = Environment.read(raw, raw)
    stored = [raw, raw]
    for number in range(1, 20):
        before = environment.active
        environment, target, written = environment.saved({"n": str(number)})
        assert target != before
        stored[target] = written
        assert environment.variables == {"n": str(number)}
        assert Environment.read(*stored) == environment, "what is kept in mind is what is on the disk"


def test_a_single_copy_is_overwritten() -> None:
    environment = Environment.read(encode({"n": "0"}, redundant=False))
    environment, target, written = environment.saved({"n": "1"})
    assert target == 0
    assert Environment.read(written).variables == {"n": "1"}


def test_a_save_when_both_copies_are_damaged_gives_one_that_counts() -> None:
    environment, target, written = Environment.read(None, None).saved({"n": "1"})
    assert target == 0
    assert Environment.read(written, None).variables == environment.variables == {"n": "1"}


def test_too_many_variables_are_refused() -> None:
    with pytest.raises(EnvironmentTooBigError):
        encode({"a": "x" * SIZE})
