"""Measures a voice client in a call with the hub's stand-in, whatever it is built with.

By itself it measures the one in Python, `ci/voice`: `build/python/bin/python ci/bench/voice_call.py`.
"""

import io
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import wave
from array import array
from dataclasses import dataclass
from pathlib import Path

from machine import Process, free_port, wait_until
from measure import median

ROOT = Path(__file__).resolve().parents[2]
RATE = 48_000
DEVICE = "bench"
CLICK = 480
"""Samples of the click that the microphone hears."""
PERIOD = 2.0
"""Seconds between clicks: longer than any delay that is to be told apart."""


@dataclass(frozen=True)
class Result:
    """What was measured; times in seconds."""

    connected: list[float]
    """From the program's start to a standing call."""
    reconnected: float
    """From the hub's restart to a standing call."""
    processor_percent: float
    """Of one core, while sound flows both ways."""
    memory: float
    """MB, after that."""
    delay: list[float]
    """From the mouth to the packet's arrival at the hub."""


def wav(samples: array) -> bytes:
    """The samples as a WAV file."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", None))
        file.writeframes(samples.tobytes())
    return content.getvalue()


def clicks() -> bytes:
    """What the microphone hears: a short tone at the beginning of each period, and silence."""
    tone = [round(20_000 * math.sin(2 * math.pi * 1000 * number / RATE)) for number in range(CLICK)]
    return wav(array("h", tone + [0] * (round(PERIOD * RATE) - CLICK)))


def delays(heard: array, packets: list[dict], mouth: float) -> list[float]:
    """How long each click took: `heard` from position 0, the packets that brought it, and when the mouth began."""
    found, silent_until = [], 0
    arrivals = [(packet["position"], packet["arrival"]) for packet in packets if packet["position"] is not None]
    for number, sample in enumerate(heard):
        if number >= silent_until and abs(sample) > 5_000:
            silent_until = number + round(PERIOD / 2 * RATE)
            arrival = max((pair for pair in arrivals if pair[0] <= number), default=None)
            if arrival and (spoken := arrival[1] - mouth) >= 0:
                found.append(spoken % PERIOD)
    return found


class Hub:
    """The stand-in, which may be stopped and started again at its port."""

    def __init__(self, program: Path, folder: Path):
        """Starts nothing yet."""
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.command, self.log = [str(program), f"--port={self.port}"], folder / "hub.log"

    def start(self) -> Process:
        """Runs it."""
        process = Process(self.log, self.command)
        wait_until("the hub", lambda: self.get("/health") is not None)
        return process

    def get(self, path: str):
        """What it answers; nothing while it does not."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=10) as answer:
                content, kind = answer.read(), answer.headers.get_content_type()
        except OSError:
            return None
        return json.loads(content) if kind == "application/json" else content

    def say(self, seconds: float) -> None:
        """Sends noise as fast as it is played."""
        noise = wav(array("h", (number * 7919 % 4001 - 2000 for number in range(round(seconds * RATE)))))
        urllib.request.urlopen(f"{self.address}/devices/{DEVICE}/say?pace=0.02", noise).read()

    def wait_for_call(self) -> float:
        """Seconds until the call stands."""
        begin = time.perf_counter()
        while (self.get(f"/devices/{DEVICE}") or {}).get("state") != "connected":
            if time.perf_counter() - begin > 120:
                raise TimeoutError("the device did not connect")
            time.sleep(0.005)
        return time.perf_counter() - begin


def measure(start, mouth, program: Path, folder: Path, seconds: float = 20.0, starts: int = 3) -> Result:
    """Measures the client that `start(hub's address, microphone's file)` runs.

    `mouth(process)` tells when, on the Unix clock, the first sample of the file was spoken.
    """
    microphone = folder / "clicks.wav"
    microphone.write_bytes(clicks())
    hub = Hub(program, folder)
    connected = []
    for _ in range(starts):
        with hub.start(), start(hub.address, microphone):
            connected.append(hub.wait_for_call())
    with start(hub.address, microphone) as device:
        with hub.start():
            hub.wait_for_call()
            speech = threading.Thread(target=hub.say, args=[seconds + 1])
            speech.start()
            time.sleep(1)
            before, begin = device.processor_seconds(), time.monotonic()
            time.sleep(seconds)
            percent = 100 * (device.processor_seconds() - before) / (time.monotonic() - begin)
            memory = device.memory()
            speech.join()
            with wave.open(io.BytesIO(hub.get(f"/devices/{DEVICE}/heard"))) as file:
                heard = array("h", file.readframes(file.getnframes()))
            delay = delays(heard, hub.get(f"/devices/{DEVICE}/packets"), mouth(device))
        with hub.start():
            reconnected = hub.wait_for_call()
    return Result(connected, reconnected, percent, memory, delay)


def python_client(hub: str, microphone: Path) -> Process:
    """The client of `ci/voice`."""
    command = [sys.executable, "-m", "voice.client", "--hub-url", hub, "--device-id", DEVICE]
    command += ["--microphone", str(microphone), "--health-port", "0"]
    path = os.pathsep.join([str(ROOT / "build" / "voice"), str(ROOT / "ci")])
    log = microphone.with_name("client.log")
    log.unlink(missing_ok=True)
    return Process(log, command, PYTHONPATH=path)


def python_mouth(process: Process) -> float:
    """When it began to hear, by its log."""
    return float(re.search(r"the microphone hears from ([\d.]+)", process.log.read_text())[1])


def main() -> None:
    """Measures the client in Python and prints it."""
    manifest = str(ROOT / "amora-service" / "Cargo.toml")
    build = ["cargo", "build", "--quiet", "--locked", "--release", "--manifest-path", manifest]
    subprocess.run([*build, "--package", "amora-peer-hub"], check=True)
    program = ROOT / "amora-service" / "target" / "release" / "hub-stand-in"
    with tempfile.TemporaryDirectory(prefix="amora-bench-", dir="/tmp") as folder:
        result = measure(python_client, python_mouth, program, Path(folder))
    print(f"start → connected, median   {median(result.connected) * 1000:8.0f} ms")
    print(f"hub restarted → connected   {result.reconnected:8.1f} s")
    print(f"processor in a call         {result.processor_percent:8.1f} % of one core")
    print(f"memory in a call            {result.memory:8.0f} MB")
    samples = [round(seconds * RATE) for seconds in result.delay]
    print(f"mouth → wire, median        {median(samples):8.0f} samples ({median(result.delay) * 1000:.0f} ms)")


if __name__ == "__main__":
    main()
