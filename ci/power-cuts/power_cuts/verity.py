"""dm-verity's hash tree as the images have it: SHA-256, blocks of 4096 bytes, no superblock, after the data."""

import hashlib
from collections.abc import Callable

BLOCK = 4096
_DIGEST = hashlib.sha256().digest_size
_FANOUT = BLOCK // _DIGEST
MOST_BLOCKS = 1 << 24

Read = Callable[[int, int], bytes]
"""Reads so many bytes at an offset."""


def levels(data_blocks: int) -> list[int]:
    """How many blocks each level of the tree has, from the one above the data to the top."""
    counts = []
    count = data_blocks
    while count > 1:
        count = -(-count // _FANOUT)
        counts.append(count)
    return counts


def _hash_blocks(blocks: Callable[[int], bytes], count: int, salt: bytes) -> bytes:
    salted = hashlib.sha256(salt)
    digests = bytearray()
    for number in range(count):
        state = salted.copy()
        state.update(blocks(number))
        digests += state.digest()
    return bytes(digests)


def _padded(digests: bytes) -> bytes:
    return digests.ljust(-(-len(digests) // BLOCK) * BLOCK, b"\0")


def build(data: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """The tree to append to the data, and its root hash."""
    tree = []
    below = data
    while True:
        digests = _hash_blocks(lambda number, below=below: _block(below, number), len(below) // BLOCK, salt)
        if len(digests) == _DIGEST:
            return b"".join(reversed(tree)), digests
        below = _padded(digests)
        tree.append(below)


def _block(data: bytes, number: int) -> bytes:
    return data[number * BLOCK : (number + 1) * BLOCK]


def verify(read: Read, size: int, data_blocks: int, root: bytes, salt: bytes) -> bool:
    """Whether every data block and every block of the tree is what the root hash says."""
    counts = levels(data_blocks)
    if not 0 < data_blocks <= MOST_BLOCKS or (data_blocks + sum(counts)) * BLOCK > size:
        return False
    position = data_blocks + sum(counts)
    below = 0
    below_count = data_blocks
    for count in counts:
        position -= count
        digests = _hash_blocks(lambda n, b=below: read((b + n) * BLOCK, BLOCK), below_count, salt)
        if _padded(digests) != read(position * BLOCK, count * BLOCK):
            return False
        below, below_count = position, count
    return _hash_blocks(lambda n: read((below + n) * BLOCK, BLOCK), 1, salt) == root
