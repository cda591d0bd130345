"""U-Boot's environment in two copies, chosen among and written as U-Boot and libubootenv do.

A copy is a CRC32 of the data, a flags byte, and the variables as `name=value` strings that end with a zero byte each,
and one more for the last. Of two sound copies the one with the higher flags counts, and 0 comes after 255; whoever
saves overwrites the other copy with flags one higher. With a single copy there is no flags byte.
"""

import binascii
import struct
from dataclasses import dataclass, replace

SIZE = 0x4000


class EnvironmentTooBigError(Exception):
    """The variables do not fit in a copy."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy that was read and is sound."""

    flags: int
    variables: dict[str, str]


def parse(raw: bytes | None, *, redundant: bool = True) -> Copy | None:
    """Read a copy; None when it is missing or its CRC is wrong."""
    header = 5 if redundant else 4
    if raw is None or len(raw) <= header:
        return None
    if binascii.crc32(raw[header:]) != struct.unpack_from("<I", raw)[0]:
        return None
    variables = {}
    for text in raw[header:].split(b"\0\0", 1)[0].split(b"\0"):
        name, equals, value = text.partition(b"=")
        if equals and name:
            variables[name.decode("latin-1")] = value.decode("latin-1")
    return Copy(raw[4] if redundant else 0, variables)


def encode(variables: dict[str, str], flags: int = 1, *, size: int = SIZE, redundant: bool = True) -> bytes:
    """Write a copy."""
    header = 5 if redundant else 4
    data = b"".join(f"{name}={value}\0".encode("latin-1") for name, value in sorted(variables.items())) + b"\0"
    if len(data) > size - header:
        raise EnvironmentTooBigError(f"{len(data)} bytes of variables do not fit in {size}")
    data = data.ljust(size - header, b"\0")
    return struct.pack("<I", binascii.crc32(data)) + (bytes([flags & 0xFF]) if redundant else b"") + data


def choose(first: Copy | None, second: Copy | None) -> int | None:
    """The copy that counts, 0 or 1; None when neither is sound."""
    if first is None or second is None:
        return 0 if first else 1 if second else None
    if first.flags == 255 and second.flags == 0:
        return 1
    if second.flags == 255 and first.flags == 0:
        return 0
    return 1 if second.flags > first.flags else 0


@dataclass(frozen=True, slots=True)
class Environment:
    """Both copies, as they are on the disk."""

    copies: tuple[Copy | None, ...]
    size: int = SIZE

    @classmethod
    def read(cls, *raw: bytes | None, size: int = SIZE) -> "Environment":
        """Read one copy or two."""
        redundant = len(raw) > 1
        return cls(tuple(parse(copy, redundant=redundant) for copy in raw), size)

    @property
    def active(self) -> int | None:
        """The copy that counts; None when none is sound."""
        if len(self.copies) == 1:
            return 0 if self.copies[0] else None
        return choose(*self.copies)

    @property
    def variables(self) -> dict[str, str] | None:
        """The variables of the copy that counts."""
        copy = None if self.active is None else self.copies[self.active]
        return dict(copy.variables) if copy else None

    def torn(self) -> "Environment":
        """The environment when the power is cut during a save: the copy that was being written is damaged."""
        copies = list(self.copies)
        copies[self._target] = None
        return replace(self, copies=tuple(copies))

    @property
    def _target(self) -> int:
        return 1 if len(self.copies) > 1 and self.active == 0 else 0

    def saved(self, variables: dict[str, str]) -> tuple["Environment", int, bytes]:
        """The environment after a save, which copy it wrote, and the bytes."""
        redundant = len(self.copies) > 1
        active = self.active
        current = None if active is None else self.copies[active]
        flags = ((current.flags if current else 0) + 1) & 0xFF
        target = self._target
        raw = encode(variables, flags, size=self.size, redundant=redundant)
        copies = list(self.copies)
        copies[target] = Copy(flags if redundant else 0, dict(variables))
        return replace(self, copies=tuple(copies)), target, raw
