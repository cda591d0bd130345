"""The voice desk's peers as tests use them: the hubs in Rust and Python, and the client in Python."""

import functools
import io
import json
import math
import os
import subprocess
import sys
import urllib.error
import urllib.request
import wave
from array import array
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RATE = 48_000
PATIENCE = 60


class Program:
    """A running program that prints its address."""

    def __init__(self, command: list, log: Path):
        """Start it and wait until it listens."""
        self.log = log
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NAILA_")}
        environment["PYTHONPATH"] = os.pathsep.join(map(str, [ROOT / "build/voice", ROOT / "ci"]))
        with log.open("a") as errors:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        self.address = self.process.stdout.readline().strip()
        assert self.address.startswith("http://"), log.read_text()

    def ask(self, method: str, path: str, body=None, kind="application/json"):
        """Send a request; return the answer's status and content, read as JSON where it is."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, body, {"Content-Type": kind}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                content, status, kind = answer.read(), answer.status, answer.headers.get_content_type()
        except urllib.error.HTTPError as error:
            content, status, kind = error.read(), error.code, error.headers.get_content_type()
        return status, json.loads(content) if content and kind == "application/json" else content

    def stop(self) -> int:
        """End it and return how it ended."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


def python(module: str, *arguments) -> list:
    """Return the command that runs one of the programs in Python."""
    return [sys.executable, "-m", f"voice.{module}", *map(str, arguments)]


@functools.cache
def rust(name: str, kind="--bin", package="amora-peer-hub") -> Path:
    """Build a program in Rust: of the hub, unless another package is asked for."""
    manifest = ROOT / "amora-service/Cargo.toml"
    build = ["cargo", "build", "--quiet", "--locked", "--manifest-path", manifest, "-p", package, kind, name]
    subprocess.run(build, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "amora-service/target")) / "debug"
    return target / ("examples" if kind == "--example" else "") / name


@contextmanager
def running(command: list, log: Path):
    """Run a program."""
    program = Program(command, log)
    try:
        yield program
    finally:
        program.process.terminate()
        program.process.wait()


def client(hub: Program, folder: Path, microphone: bytes, *more):
    """Run the client, with a sound file for its microphone; it writes `played.wav`."""
    file = folder / "microphone.wav"
    file.write_bytes(microphone)
    flags = ["--hub-url", hub.address, "--device-id", "desk", "--health-port", 0, "--reconnect-delay", 0.2]
    flags += ["--max-reconnect-delay", 0.5, "--microphone", file, "--speaker", folder / "played.wav"]
    return running(python("client", *flags, *more), folder / "client.log")


def tone(hertz: float, seconds: float) -> bytes:
    """Return a WAV file of a tone at −12 dBFS."""
    samples = (round(8231 * math.sin(2 * math.pi * hertz * number / RATE)) for number in range(round(seconds * RATE)))
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", None))
        file.writeframes(array("h", samples).tobytes())
    return content.getvalue()


def sentence(text: str) -> bytes:
    """Return a WAV file of a sentence between silences."""
    convert = ["sox", "-t", "wav", "-", "-r", str(RATE), "-t", "wav", "-", "pad", "0.3", "0.7"]
    spoken = subprocess.run(["espeak-ng", "--stdout", text], check=True, capture_output=True).stdout
    return subprocess.run(convert, input=spoken, check=True, capture_output=True).stdout


def samples_of(content: bytes) -> array:
    """Return the samples of a WAV file."""
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        return array("h", file.readframes(file.getnframes()))


def share_of(hertz: float, samples) -> float:
    """Return which part of the power is a tone's; 0 for silence."""
    window = [0.5 - 0.5 * math.cos(2 * math.pi * number / len(samples)) for number in range(len(samples))]
    weighted = [sample * weight for sample, weight in zip(samples, window, strict=True)]
    turn = 2 * math.pi * hertz / RATE
    real = sum(sample * math.cos(turn * number) for number, sample in enumerate(weighted))
    imaginary = sum(sample * math.sin(turn * number) for number, sample in enumerate(weighted))
    power = sum(sample * sample for sample in weighted)
    # A tone of amplitude a under this window: |DFT|² = (a n / 4)², and the power is a² n 3/16.
    return (real * real + imaginary * imaginary) * 3 / len(samples) / power if power else 0.0
