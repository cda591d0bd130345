"""The box as tests of the voice desk use it: the service with a simulated room, in a folder of its own."""

import http.client
import json
import math
import operator
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from array import array
from contextlib import contextmanager
from pathlib import Path

from iot_hub_stand_in import wait_for
from voice_peers import PATIENCE, ROOT, rust

sys.path.insert(0, str(ROOT / "ci"))
sys.path.insert(0, str(ROOT / "ci/bench"))
from machine import free_port
from voice.talk import Talker

DEVICE = "kitchen"
BLOCK = 960
"""Samples of a measurement: 20 ms."""


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path):
        """Take the socket's path."""
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        """Connect to it."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


class Box:
    """The running service."""

    def __init__(self, folder: Path, voice: str, room: str, prefix: list, page: bool, grace: float):
        """Start it with these lines in `[voice]` and `[audio.room]`, by a command that begins with `prefix`."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.control, self.log = folder, folder / "control.socket", folder / "service.log"
        self.fifo, self.recording = folder / "music.fifo", folder / "recording.wav"
        self.page = free_port() if page else None
        page_line = f'health_address = "127.0.0.1:{self.page}"\n' if page else ""
        os.mkfifo(self.fifo)
        (folder / "data").mkdir()
        (folder / "amora.toml").write_text(
            f'[device]\nid = "{DEVICE}"\ndata = "{folder}/data"\n'
            f'[audio]\ncard = "room"\nvolume = 100\nready_chime = false\nrecorder = "{self.recording}"\n'
            f'[audio.room]\n{room}\n[audio.music]\nfifo = "{self.fifo}"\n'
            f'[web]\naddress = "127.0.0.1"\nport = {free_port()}\nsocket = "{self.control}"\n'
            f"[voice]\nreconnect_delay = 0.3\nmax_reconnect_delay = 1\ndisconnected_grace = {grace}\n"
            f"{page_line}{voice}\n"
        )
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("NAILA_", "AMORA_"))}
        command = [*prefix, rust("amora-service", package="amora-service"), "--config", folder / "amora.toml"]
        with self.log.open("a") as errors:
            self.process = subprocess.Popen(command, stdout=errors, stderr=errors, env=environment)
        wait_for(lambda: self.control.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()

    def state(self) -> dict:
        """Return all that the box tells of itself."""
        connection = UnixConnection(self.control)
        connection.request("GET", "/api/state")
        answer = json.load(connection.getresponse())
        connection.close()
        return answer

    def voice(self) -> dict:
        """Return what it tells of the call."""
        return self.state()["voice"]

    def wait_for_call(self):
        """Wait until the call stands."""
        wait_for(lambda: self.voice()["link"] == "connected")

    def health(self) -> tuple[int, dict]:
        """Return the status and the body of the health page."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.page}/health", timeout=PATIENCE) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def hears(self, samples: array, until=lambda: False):
        """Say something in its room, as fast as it is heard; not to its end when `until` is true before."""
        second = 48_000
        with Talker(self.control) as talker:
            for start in range(0, len(samples), second):
                if until():
                    break
                talker.speak(samples[start : start + second].tobytes())

    def lines(self) -> list[dict]:
        """Return the numbers of each line of metrics in the log."""
        pattern = r"metrics \| mic_sent=(\d+) mic_dropped=(\d+) tts_received=(\d+) tts_played=(\d+) mic_q="
        names = ["mic_sent", "mic_dropped", "tts_received", "tts_played"]
        found = re.findall(pattern, self.log.read_text())
        return [dict(zip(names, map(int, numbers), strict=True)) for numbers in found]

    def lost(self) -> int:
        """Return how often sound was lost because the machine was too busy, as the box counts it."""
        counters = self.state()["audio"]["counters"]
        return counters["xruns"] + counters["underruns"]

    @contextmanager
    def music(self, hertz: float, seconds: float):
        """Play a tone at −20 dBFS from its FIFO, and wait until it flows."""
        samples = self.folder / "tone.f32"
        tone = ["sox", "-n", "-r", "48000", "-c", "2", "-t", "f32", samples, "synth", str(seconds), "sine", str(hertz)]
        subprocess.run([*tone, "gain", "-20"], check=True)
        # For both ways, so that opening it waits for nobody.
        fifo = os.open(self.fifo, os.O_RDWR)
        with subprocess.Popen(["cat", samples], stdout=fifo) as player:
            os.close(fifo)
            try:
                wait_for(lambda: self.state()["audio"]["music"]["flowing"])
                yield
            finally:
                player.kill()

    def played(self) -> array:
        """Return what left the card, the left channel. The service must have ended."""
        convert = ["sox", self.recording, "-t", "f32", "-", "remix", "1"]
        return array("f", subprocess.run(convert, check=True, capture_output=True).stdout)

    def stop(self):
        """End it in good order, so that its recording is whole."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.log.read_text()


@contextmanager
def box(folder: Path, hub: str, *, voice="", room="", prefix=(), page=True, grace=0.5):
    """Run a box that calls the hub at this address."""
    lines = voice or f'hub_url = "{hub}"\ndevice_id = "{DEVICE}"'
    running = Box(folder, lines, room, list(prefix), page, grace)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def gaps(samples: array, hertz: float) -> list[int]:
    """Return how many blocks each pause has between a tone's first sound and its last."""
    turn = 2 * math.pi * hertz / 48_000
    cosine = [math.cos(turn * number) for number in range(BLOCK)]
    sine = [math.sin(turn * number) for number in range(BLOCK)]
    loud = []
    for start in range(0, len(samples) - BLOCK, BLOCK):
        block = samples[start : start + BLOCK]
        real = sum(map(operator.mul, block, cosine))
        imaginary = sum(map(operator.mul, block, sine))
        loud.append(math.hypot(real, imaginary) * 2 / BLOCK > 0.05)
    if True not in loud:
        return [len(loud)]
    first, last = loud.index(True), len(loud) - 1 - loud[::-1].index(True)
    pauses, length = [], 0
    for sounds in loud[first : last + 1]:
        if sounds and length:
            pauses.append(length)
        length = 0 if sounds else length + 1
    return pauses
