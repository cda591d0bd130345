"""Talks into the simulated room of a box, through the Unix socket of its web door.

Runs as `python -m voice.talk SOCKET FILE`, where the file holds mono samples of 16 bits at 48 kHz.
"""

import base64
import os
import socket
import struct
import sys
import time
import wave
from pathlib import Path

FRAME = 960
"""Samples of a message: 20 ms."""
RATE = 48_000
LATE = 0.08
"""Seconds after which the room has run out of what was said, and a pause is one."""
BINARY, CLOSE = 0x82, 0x88
"""The first byte of a WebSocket's message that is whole."""


class Talker:
    """Who talks; there is one at a time."""

    def __init__(self, control: Path):
        """Connects. Raises ConnectionError where the box does not listen."""
        self.due = 0.0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(control))
        key = base64.b64encode(os.urandom(16)).decode()
        request = ["GET /api/talk HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket"]
        request += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "", ""]
        self.socket.sendall("\r\n".join(request).encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            byte = self.socket.recv(1)
            if not byte:
                break
            answer += byte
        if b" 101 " not in answer.split(b"\r\n")[0]:
            self.socket.close()
            raise ConnectionError(answer.decode(errors="replace"))

    def __enter__(self) -> "Talker":
        """Nothing to do."""
        return self

    def __exit__(self, *_) -> None:
        """Hangs up."""
        self._send(CLOSE, struct.pack(">H", 1000))
        self.socket.close()

    def say(self, samples: bytes) -> None:
        """Says samples at once. After a pause the room hears them 80 ms later, and keeps a second of them at most."""
        for start in range(0, len(samples), 2 * FRAME):
            self._send(BINARY, samples[start : start + 2 * FRAME])

    def speak(self, samples: bytes) -> None:
        """Says samples as fast as they are heard, and goes on from the last without a seam."""
        for start in range(0, len(samples), 2 * FRAME):
            now = time.monotonic()
            if now > self.due + LATE:
                self.due = now
            time.sleep(max(0.0, self.due - now))
            self.say(samples[start : start + 2 * FRAME])
            self.due += FRAME / RATE

    def _send(self, kind: int, content: bytes) -> None:
        # A client masks what it sends; a mask of zeros leaves it as it is.
        length = bytes([0x80 | len(content)]) if len(content) < 126 else struct.pack(">BH", 0x80 | 126, len(content))
        self.socket.sendall(bytes([kind]) + length + bytes(4) + content)


def main() -> None:
    """Speaks a file."""
    control, file = map(Path, sys.argv[1:])
    with wave.open(str(file)) as sound, Talker(control) as talker:
        if (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) != (1, 2, RATE):
            sys.exit(f"{file} is not mono at 48 kHz with 16 bits")
        talker.speak(sound.readframes(sound.getnframes()))
        time.sleep(1)


if __name__ == "__main__":
    main()
