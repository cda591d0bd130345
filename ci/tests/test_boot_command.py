"""`ci/image/boot`, as somebody uses it who wants to try the image: its page, its sound, its end."""

import json
import math
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
import wave
from array import array
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "build/image/disk.img"
# Emulation on a busy machine takes its time.
PATIENCE = 900
FREQUENCY = 1000
# A card that is played nothing is silent; a tone is told from that by far.
LOUD = 0.02

pytestmark = pytest.mark.skipif(not IMAGE.exists(), reason="the reference image is not built")


def until(what, condition):
    """Wait until a condition gives something true, and return that."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(1)
    raise AssertionError(f"waited {PATIENCE} s in vain until {what}")


@pytest.fixture
def booted(tmp_path):
    """Start the command; what it has said so far, and the file that the sound goes into."""
    disk, sound, said = tmp_path / "disk.img", tmp_path / "sound.wav", tmp_path / "said"
    subprocess.run(["cp", "--sparse=always", IMAGE, disk], check=True)
    command = [ROOT / "ci/image/boot", "--disk", disk, "--sound", sound]
    with said.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield process, lambda: said.read_text(errors="replace"), sound
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_page_to_open_and_sound_to_hear(booted):
    process, said, sound = booted
    address = until("the page's address is said", lambda: re.search(r"http://127\.0\.0\.1:\d+", said())).group()
    until("the box is ready", lambda: "AMORA-READY slot=" in said() or process.poll() is not None)
    assert process.poll() is None, said()[-4000:]
    code = until("the login code is said", lambda: typed(process, "amoractl login", r"#code=([\w-]+)", said)).group(1)

    until("the page answers", lambda: ask(address, "/health") is not None)
    until("sound flows", lambda: ask(address, "/api/state", code)["audio"]["card"]["running"])
    tone = {"frequency": FREQUENCY, "level": -12, "duration": 2000}
    assert "channels" in ask(address, "/api/commands/audio.test", code, tone)["data"]

    process.stdin.write(b"\x01x")
    process.stdin.flush()
    assert process.wait(timeout=60) == 0
    with wave.open(str(sound)) as recording:
        assert (recording.getframerate(), recording.getsampwidth()) == (48_000, 2)
        samples = array("h", recording.readframes(recording.getnframes()))[:: recording.getnchannels()]
    assert pitch(samples) == pytest.approx(FREQUENCY, rel=0.01)


def typed(process, command, pattern, said):
    """Type a command at the console, which may not have a shell yet; what is found of the answer."""
    process.stdin.write(f"{command}\n".encode())
    process.stdin.flush()
    time.sleep(5)
    return re.search(pattern, said())


def ask(address, path, code=None, body=None):
    """Send a request; what was answered, or `None` where nothing could be reached."""
    headers = {"Content-Type": "application/json"}
    if code:
        headers["Authorization"] = f"Bearer {code}"
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(address + path, data, headers), timeout=120) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        assert path == "/health", error.read()
    except OSError:
        pass
    return None


def pitch(samples):
    """Return the frequency of the loudest half second: its ways from below to above zero."""
    length = 24_000
    blocks = [samples[start : start + length] for start in range(0, len(samples) - length, length)]
    loudness = [math.sqrt(sum(sample * sample for sample in block[::7]) / len(block[::7])) / 32_768 for block in blocks]
    loudest = max(range(len(blocks)), key=loudness.__getitem__)
    assert loudness[loudest] > LOUD, "nothing was heard"
    block = blocks[loudest]
    ups = [i + block[i] / (block[i] - block[i + 1]) for i in range(len(block) - 1) if block[i] < 0 <= block[i + 1]]
    return 48_000 * (len(ups) - 1) / (ups[-1] - ups[0])
