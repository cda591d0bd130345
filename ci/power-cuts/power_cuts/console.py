"""A machine under QEMU that is spoken to through its serial console."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

_KEPT = 1 << 20
ANSWER = 600.0


class ConsoleError(Exception):
    """The machine did not say what was waited for."""


class Machine:
    """QEMU, its console's text, and a root shell on it once there is one."""

    def __init__(self, command: Sequence[str | Path], log: Path) -> None:
        """Switch on; all that the console says goes into a file as well, what QEMU itself says into one beside it."""
        self._log = log.open("wb")
        self._complaints = log.with_suffix(".qemu").open("wb")
        self._text = b""
        self._position = 0
        self._commands = 0
        self._arrived = threading.Condition()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints, start_new_session=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while chunk := os.read(self._process.stdout.fileno(), 65536):
            self._log.write(chunk)
            self._log.flush()
            with self._arrived:
                self._text += chunk.replace(b"\r", b"")
                excess = min(len(self._text) - _KEPT, self._position)
                if excess > 0:
                    self._text, self._position = self._text[excess:], self._position - excess
                self._arrived.notify_all()
        with self._arrived:
            self._arrived.notify_all()

    def expect(self, pattern: str, seconds: float) -> re.Match[bytes]:
        """Wait until the console says something; what was before it is passed over."""
        searched = re.compile(pattern.encode(), re.MULTILINE)
        deadline = time.monotonic() + seconds
        with self._arrived:
            while True:
                match = searched.search(self._text, self._position)
                if match:
                    self._position = match.end()
                    return match
                left = deadline - time.monotonic()
                if left <= 0 or not self._reader.is_alive():
                    tail = self._text[-1500:].decode("utf-8", "replace")
                    raise ConsoleError(f"{pattern!r} did not come in {seconds:.0f} s; the last of it:\n{tail}")
                self._arrived.wait(min(left, 1))

    def send(self, text: str) -> None:
        """Type."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def take_shell(self) -> None:
        """Have the root shell that waits on the console say nothing but what is asked."""
        self.send("\nset +o emacs; stty -echo cols 4000; dmesg -n 1; PS1=\n")
        self.run("true")

    def run(self, command: str, seconds: float = ANSWER) -> str:
        """Run a command that must succeed, and give what it printed."""
        self._commands += 1
        number = self._commands
        self.send(f"printf 'begin-%s\\n' {number}; {command}\nprintf 'end-%s-%s\\n' {number} $?\n")
        match = self.expect(rf"begin-{number}\n((?:.|\n)*?)end-{number}-(\d+)\n", seconds)
        output = match[1].decode("utf-8", "replace")
        if match[2] != b"0":
            raise ConsoleError(f"{command!r} ended with {match[2].decode()}: {output[-1500:]}")
        return output

    def await_end(self, seconds: float) -> None:
        """Wait until the machine has switched itself off."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise ConsoleError(f"the machine is not off after {seconds:.0f} s") from error

    def cut_power(self) -> None:
        """End it at once."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        self._log.close()
        self._complaints.close()

    def __enter__(self) -> Self:
        """It is switched on already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Switch off."""
        self.cut_power()
