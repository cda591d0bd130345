"""As little MQTT 3.1.1 as measuring needs: a blocking client whose own cost is some tens of microseconds."""

import socket
import struct


def _text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack(">H", len(encoded)) + encoded


def _packet(kind: int, body: bytes) -> bytes:
    length, size = b"", len(body)
    while True:
        size, digit = divmod(size, 128)
        length += bytes([digit | (0x80 if size else 0)])
        if not size:
            return bytes([kind]) + length + body


class Client:
    """A connection; what it subscribes to arrives with QoS 0, so that nothing needs to be acknowledged."""

    def __init__(self, port: int, name: str):
        """Connects."""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile("rb")
        self.socket.sendall(_packet(0x10, _text("MQTT") + b"\x04\x02\x00\x00" + _text(name)))
        kind, body = self._read()
        if kind != 0x20 or body[1] != 0:
            raise ConnectionError(f"the broker refused: {body!r}")
        self.number = 0

    def _read(self) -> tuple[int, bytes]:
        head = self.input.read(1)
        if not head:
            raise ConnectionError("the broker closed the connection")
        length, shift = 0, 0
        while True:
            digit = self.input.read(1)[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                return head[0], self.input.read(length)

    def subscribe(self, topic: str) -> None:
        """Subscribes and waits for the broker's yes."""
        self.socket.sendall(_packet(0x82, b"\x00\x01" + _text(topic) + b"\x00"))
        while self._read()[0] != 0x90:
            pass

    def publish(self, topic: str, body: bytes) -> None:
        """Publishes with QoS 1 and does not wait."""
        self.number = self.number % 65_535 + 1
        self.socket.sendall(_packet(0x32, _text(topic) + struct.pack(">H", self.number) + body))

    def receive(self) -> tuple[str, bytes]:
        """The next message."""
        while True:
            kind, body = self._read()
            if kind & 0xF0 == 0x30:
                size = struct.unpack(">H", body[:2])[0]
                skip = 2 if kind & 0x06 else 0
                return body[2 : 2 + size].decode(), body[2 + size + skip :]

    def close(self) -> None:
        """Goes without a word."""
        self.input.close()
        self.socket.close()
