"""The hash tree: the same as veritysetup's, and it finds every flipped bit."""

import hashlib
import random

import pytest
from power_cuts.verity import BLOCK, build, levels, verify

SALT = bytes.fromhex("00112233")


@pytest.mark.parametrize(
    ("blocks", "root", "image"),
    [
        # veritysetup 2.7 format --no-superblock --hash-offset=… --data-blocks=… --salt=00112233
        (
            1,
            "e0426caf749d2f2dba65915299ee131f4ce55c9381f5c70ad7952eeeb7b86fca",
            "3b2f8e02953e0c7563a45ec033c3571edda4e4dd65f1b9179aa99e36579bfc24",
        ),
        (
            2,
            "2c2ad22e61c1d290218cd4ca22a03a5d57159b66ce2ba90c28c42755095355a0",
            "65e9aa2db58c18e1e31023cd2d19a8e22414ed2af9befc2daf8852b5ee96222b",
        ),
        (
            131,
            "63e40cc6f28b6e5a04653a35a49636aa56c7b0dfab8e6fb00010513e59e2b38e",
            "c117227701206cbab43c079d65d54fc30131282713281c60b79cb8c1af94b615",
        ),
    ],
)
def test_the_tree_is_the_one_that_veritysetup_makes(blocks: int, root: str, image: str) -> None:
    data = random.Random(7).randbytes(BLOCK * 131)[: BLOCK * blocks]
    tree, made = build(data, SALT)
    assert made.hex() == root
    assert hashlib.sha256(data + tree).hexdigest() == image
    whole = data + tree
    assert verify(lambda offset, length: whole[offset : offset + length], len(whole), blocks, made, SALT)


def test_every_flipped_bit_is_found() -> None:
    chance = random.Random(2)
    blocks = 200
    data = chance.randbytes(BLOCK * blocks)
    tree, root = build(data, SALT)
    whole = bytearray(data + tree)
    for _ in range(40):
        place, bit = chance.randrange(len(whole)), 1 << chance.randrange(8)
        whole[place] ^= bit
        assert not verify(lambda o, n: bytes(whole[o : o + n]), len(whole), blocks, root, SALT)
        whole[place] ^= bit
    assert verify(lambda o, n: bytes(whole[o : o + n]), len(whole), blocks, root, SALT)


def test_a_tree_that_cannot_be_is_refused() -> None:
    assert not verify(lambda _, length: bytes(length), BLOCK, 0, bytes(32), b"")
    assert not verify(lambda _, length: bytes(length), BLOCK, 5, bytes(32), b"")
    assert not verify(lambda _, length: bytes(length), 1 << 60, 1 << 40, bytes(32), b"")


def test_levels() -> None:
    assert levels(1) == []
    assert levels(2) == [1]
    assert levels(128) == [1]
    assert levels(129) == [2, 1]
    assert levels(128 * 128 + 1) == [129, 2, 1]
