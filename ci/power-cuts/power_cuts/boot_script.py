"""A boot script as mkimage packs it, with its checksums."""

import binascii
import struct

_SCRIPT = struct.Struct(">IIIIIIIBBBB32s")
_SCRIPT_MAGIC = 0x27051956


def script_text(raw: bytes) -> str | None:
    """The text of a boot script made by mkimage; None when one of its checksums is wrong."""
    if len(raw) < _SCRIPT.size + 8:
        return None
    magic, header_crc, _, size, _, _, data_crc, *_ = _SCRIPT.unpack_from(raw)
    header = raw[:4] + bytes(4) + raw[8 : _SCRIPT.size]
    data = raw[_SCRIPT.size : _SCRIPT.size + size]
    if magic != _SCRIPT_MAGIC or binascii.crc32(header) != header_crc or len(data) != size:
        return None
    if binascii.crc32(data) != data_crc:
        return None
    length, terminator = struct.unpack_from(">II", data)
    if terminator != 0 or length > len(data) - 8:
        return None
    return data[8 : 8 + length].decode("utf-8", "replace")


def script_image(text: str) -> bytes:
    """A boot script as mkimage makes it."""
    encoded = text.encode()
    data = struct.pack(">II", len(encoded), 0) + encoded
    fields = (0, len(data), 0, 0, binascii.crc32(data), 5, 22, 6, 0, b"amora")
    crc = binascii.crc32(_SCRIPT.pack(_SCRIPT_MAGIC, 0, *fields))
    return _SCRIPT.pack(_SCRIPT_MAGIC, crc, *fields) + data
