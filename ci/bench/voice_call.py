"""Measures the voice desk side by side with a voice client in Python, each in a call with the same stand-in for a hub.

By itself it prints the section of docs/performance.md: `build/python/bin/python ci/bench/voice_call.py`.
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
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from machine import Process, free_port, wait_until
from measure import median

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "ci"))
from voice.talk import Talker  # noqa: E402  # found by the line before

RATE = 48_000
DEVICE = "bench"
CLICK = 480
"""Samples of the click that the microphone hears."""
PERIOD = 2.0
"""Seconds between clicks: longer than any delay that is to be told apart."""
CUSHION = 0.080
"""Seconds after which the simulated room hears what is said into it after a pause."""
CARD_PERIOD = 0.005
"""Seconds of the simulated card's period: within it, the room hears at its beginning what comes at its end."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    starts: int = 5
    restarts: int = 3
    seconds: float = 20.0
    """How long each load is."""


@dataclass(frozen=True)
class Result:
    """What was measured; times in seconds, memory in MB, processor time in percent of one core."""

    connected: list[float]
    """From the program's start to a standing call."""
    reconnected: list[float]
    """From the hub's restart to a standing call."""
    recovered: list[float]
    """The same where the hub was killed before: it said no farewell."""
    processor: float
    """While people speak both ways."""
    processor_without_call: float
    """While no hub answers."""
    memory: float
    """Resident, after the call."""
    own_memory: float
    """Its share of it: what several programs have in common counts for each in part."""
    delay: list[float]
    """From the mouth to the packet's arrival at the hub."""


def wav(samples: array) -> bytes:
    """The samples as a WAV file."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", None))
        file.writeframes(samples.tobytes())
    return content.getvalue()


def click() -> array:
    """A short tone."""
    return array("h", (round(20_000 * math.sin(2 * math.pi * 1000 * number / RATE)) for number in range(CLICK)))


def clicks() -> array:
    """A short tone at the beginning of a period, and silence."""
    return click() + array("h", bytes(2 * (round(PERIOD * RATE) - CLICK)))


def talk(text: str, voice: str) -> array:
    """Somebody who says it without end."""
    convert = ["sox", "-t", "wav", "-", "-r", str(RATE), "-t", "s16", "-", "norm", "-10"]
    spoken = subprocess.run(["espeak-ng", "-v", voice, "--stdout", text], check=True, capture_output=True).stdout
    return array("h", subprocess.run(convert, input=spoken, check=True, capture_output=True).stdout)


def talk_at_the_box() -> array:
    """Who talks into the microphone."""
    return talk("What is the weather going to be like tomorrow? Set a timer for ten minutes, and play music.", "en")


def talk_at_the_hub() -> array:
    """Who answers: in another voice and other words, as an echo is known by its likeness to what sounds."""
    return talk("It will be cloudy at first, and brighten up in the afternoon. Your tea is ready.", "en+f3")


def delays(heard: array, packets: list[dict], spoken: list[float]) -> list[float]:
    """How long each click took: `heard` from position 0, the packets that brought it, and when clicks were spoken."""
    found, silent_until = [], 0
    arrivals = [(packet["position"], packet["arrival"]) for packet in packets if packet["position"] is not None]
    for number, sample in enumerate(heard):
        if number >= silent_until and abs(sample) > 5_000:
            silent_until = number + round(PERIOD / 2 * RATE)
            arrival = max((pair for pair in arrivals if pair[0] <= number), default=None)
            if arrival and (before := [moment for moment in spoken if moment <= arrival[1]]):
                found.append(arrival[1] - max(before))
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

    def say(self, sound: bytes) -> None:
        """Sends speech as fast as it is played."""
        urllib.request.urlopen(f"{self.address}/devices/{DEVICE}/say?pace=0.02", sound).read()

    def wait_for_call(self) -> float:
        """Seconds until the call stands."""
        begin = time.perf_counter()
        while (self.get(f"/devices/{DEVICE}") or {}).get("state") != "connected":
            if time.perf_counter() - begin > 120:
                raise TimeoutError("the device did not connect")
            time.sleep(0.005)
        return time.perf_counter() - begin


class PythonClient:
    """The client of `ci/voice`, whose microphone hears a file again and again."""

    name = "Python"

    def __init__(self, folder: Path):
        """Writes into a folder."""
        self.folder = folder

    @contextmanager
    def running(self, hub: str, hears: array | None = None):
        """Runs it; gives the process, and when clicks that it hears were spoken."""
        file, log = self.folder / "microphone.wav", self.folder / "client.log"
        file.write_bytes(wav(hears or array("h", bytes(2 * RATE))))
        log.unlink(missing_ok=True)
        command = [sys.executable, "-m", "voice.client", "--hub-url", hub, "--device-id", DEVICE]
        command += ["--microphone", str(file), "--health-port", "0"]
        path = os.pathsep.join([str(ROOT / "build" / "voice"), str(ROOT / "ci")])
        with Process(log, command, PYTHONPATH=path) as process:
            yield process, partial(self.spoken, log)

    @staticmethod
    def spoken(log: Path) -> list[float]:
        """When the file began, again and again, by its log."""
        start = float(re.search(r"the microphone hears from ([\d.]+)", log.read_text())[1])
        return [start + number * PERIOD for number in range(1 + int((time.time() - start) / PERIOD))]


class Service:
    """The service with no other part than the voice desk, in a simulated room that is talked into."""

    name = "AmoraOS"

    def __init__(self, program: Path, folder: Path, voice: str = ""):
        """Writes into a folder; `voice` is more of the section of that name."""
        self.program, self.folder, self.voice = program, folder, voice

    @contextmanager
    def running(self, hub: str, hears: array | None = None):
        """Runs it; gives the process, and when clicks that it hears were spoken."""
        voice = f'[voice]\nhub_url = "{hub}"\ndevice_id = "{DEVICE}"\n{self.voice}\n' if hub else ""
        control, configuration = self.folder / "control.socket", self.folder / "amora.toml"
        control.unlink(missing_ok=True)
        configuration.write_text(
            f'[device]\nid = "{DEVICE}"\ndata = "{self.folder}"\n[audio]\ncard = "room"\nready_chime = false\n'
            f'[web]\naddress = "127.0.0.1"\nport = {free_port()}\nsocket = "{control}"\n[log]\nlevel = "warn"\n{voice}'
        )
        spoken, ended = [], threading.Event()
        log = self.folder / "service.log"
        with Process(log, [str(self.program), "--config", str(configuration)]) as process:
            mouth = threading.Thread(target=self.talk, args=[control, hears, spoken, ended]) if hears else None
            if mouth:
                wait_until("the service", control.exists)
                mouth.start()
            try:
                yield process, lambda: spoken
            finally:
                ended.set()
                if mouth:
                    mouth.join()

    def talk(self, control: Path, hears: array, spoken: list[float], ended: threading.Event) -> None:
        """Says it again and again, as soon as the room is there to be talked into."""
        while not ended.is_set():
            try:
                with Talker(control) as talker:
                    say(talker, hears, spoken, ended)
            except ConnectionError:
                ended.wait(0.05)


def say(talker: Talker, hears: array, spoken: list[float], ended: threading.Event) -> None:
    """Says it again and again: each click as one message after a pause, and notes when that was."""
    are_clicks = hears == clicks()
    while not ended.is_set():
        if are_clicks:
            # Never later than it was, so that no delay is told shorter than it is.
            spoken.append(time.time() + CUSHION - CARD_PERIOD)
            talker.say(hears[:CLICK].tobytes())
            ended.wait(PERIOD)
            continue
        for start in range(0, len(hears), RATE):
            if not ended.is_set():
                talker.speak(hears[start : start + RATE].tobytes())


def load(process: Process, seconds: float) -> float:
    """Percent of one core that it uses."""
    before, begin = process.processor_seconds(), time.monotonic()
    time.sleep(seconds)
    return 100 * (process.processor_seconds() - before) / (time.monotonic() - begin)


def measure_delay(client, hub: Hub, seconds: float) -> list[float]:
    """How long clicks take to the hub, which is silent meanwhile."""
    with hub.start(), client.running(hub.address, clicks()) as (_, spoken):
        hub.wait_for_call()
        time.sleep(seconds)
        with wave.open(io.BytesIO(hub.get(f"/devices/{DEVICE}/heard"))) as file:
            heard = array("h", file.readframes(file.getnframes()))
        return delays(heard, hub.get(f"/devices/{DEVICE}/packets"), spoken())


def measure(client, program: Path, folder: Path, plan: Plan) -> Result:
    """Measures one of the two, against a hub that is this program."""
    hub, connected, reconnected, recovered = Hub(program, folder), [], [], []
    for _ in range(plan.starts):
        with hub.start(), client.running(hub.address):
            connected.append(hub.wait_for_call())
    with client.running(hub.address, talk_at_the_box()) as (process, _):
        time.sleep(3)
        without_call = load(process, plan.seconds)
        with hub.start():
            hub.wait_for_call()
            sound = talk_at_the_hub()
            sound *= math.ceil((plan.seconds + 2) * RATE / len(sound))
            speech = threading.Thread(target=hub.say, args=[wav(sound)])
            speech.start()
            time.sleep(1)
            processor = load(process, plan.seconds)
            memory, own_memory = process.memory(), process.own_memory()
            speech.join()
        for _ in range(plan.restarts):
            with hub.start():
                reconnected.append(hub.wait_for_call())
                time.sleep(1)
        for _ in range(plan.restarts):
            with hub.start() as killed:
                hub.wait_for_call()
                time.sleep(1)
                killed.process.kill()
            with hub.start():
                recovered.append(hub.wait_for_call())
                time.sleep(1)
    delay = measure_delay(client, hub, plan.seconds)
    return Result(connected, reconnected, recovered, processor, without_call, memory, own_memory, delay)


@dataclass(frozen=True)
class Comparison:
    """Both clients, and what only the service can be asked."""

    ours: Result
    theirs: Result
    low_latency: list[float]
    """Delays with the profile of that name."""
    silent: float
    """Percent of one core that the service uses without the section `[voice]`."""


def compare(programs: Path, folder: Path, plan: Plan) -> Comparison:
    """Measures one after the other."""
    hub, service, folder = programs / "hub-stand-in", programs / "amora-service", folder / "voice"
    folder.mkdir()
    print("Measuring the voice desk", flush=True)
    ours = measure(Service(service, folder), hub, folder, plan)
    swift = Service(service, folder, 'profile = "low_latency"')
    low_latency = measure_delay(swift, Hub(hub, folder), plan.seconds)
    with Service(service, folder).running("") as (process, _):
        time.sleep(3)
        silent = load(process, plan.seconds)
    print("Measuring the voice client in Python", flush=True)
    theirs = measure(PythonClient(folder), hub, folder, plan)
    return Comparison(ours, theirs, low_latency, silent)


def table(comparison: Comparison) -> str:
    """The comparison as a Markdown table."""
    ours, theirs = comparison.ours, comparison.theirs
    rows = [("", "AmoraOS", "Python client", "ratio", "goal"), ("---", "---:", "---:", "---:", "---")]

    def row(name: str, unit: str, mine: float, other: float, goal: str = "") -> None:
        rows.append((name, f"{mine:,.3g} {unit}", f"{other:,.3g} {unit}", f"{other / mine:,.1f}×", goal))

    def delay(name: str, mine: list[float], goal: str) -> None:
        both = [median(mine), median(theirs.delay)]
        texts = [f"{seconds * 1000:.0f} ms ({seconds * RATE:,.0f} samples)" for seconds in both]
        rows.append((name, *texts, f"{both[1] / both[0]:,.1f}×", goal))

    row("CPU in a call, of one core", "%", ours.processor, theirs.processor, "≤ 1/10")
    row("CPU while no hub answers", "%", ours.processor_without_call, theirs.processor_without_call)
    row("memory in a call, resident", "MB", ours.memory, theirs.memory, "≤ 1/5")
    row("memory in a call, its share (PSS)", "MB", ours.own_memory, theirs.own_memory, "≤ 1/5")
    row("start → connected, median", "ms", median(ours.connected) * 1000, median(theirs.connected) * 1000)
    row("hub restarted → connected, median", "s", median(ours.reconnected), median(theirs.reconnected))
    row("hub killed and restarted → connected, median", "s", median(ours.recovered), median(theirs.recovered))
    delay("mouth → wire, median", ours.delay, "≤ 35 ms")
    delay("mouth → wire, `low_latency`, median", comparison.low_latency, "≤ 20 ms")
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def section(comparison: Comparison, plan: Plan) -> str:
    """The page's section."""
    seconds = plan.seconds
    return f"""## The voice call

The service with no other part than `[voice]`, and the voice client of `ci/voice` on aiortc and SpeexDSP, one after the
other against the same hub (`amora-service/peers/hub`) over loopback, each with its defaults.

{table(comparison)}

- CPU: user and system time of the whole process for {seconds:.0f} s, nothing taken off, while somebody talks into the
  microphone and the hub talks without pause. Both cancel echo and carry Opus and SRTP both ways. AmoraOS also runs its
  whole sound engine and the simulation of a room with its loudspeaker, reverberation and microphone: without `[voice]`
  that is {comparison.silent:.1f} % here. The Python client has files for a card: it neither mixes nor resamples,
  nothing comes back from its loudspeaker, and no clocks drift.
- Start: from running the program to a call that stands at the hub, {plan.starts} times. Restart: the hub ends and is
  started again, {plan.restarts} times; both hear its farewell, and wait 3 s before they call again. Killed, it says no
  farewell, and is started again at once, {plan.restarts} times: whoever was in a call with it has to find out.
- Mouth to wire: a click every {PERIOD:.0f} s while the hub is silent, from when it is spoken to the arrival at the hub
  of the packet that it is found in, by the clock of the machine. It holds the card's period (20 ms in the Python
  client, 5 ms in AmoraOS), echo cancelling, the packet's length and the codec's delay. AmoraOS is talked into over a
  WebSocket, whose time counts too; a click counts as spoken a whole period before the room hears it.
"""


def main() -> None:
    """Measures and prints only; the argument is how many seconds each load lasts."""
    plan = Plan(seconds=float(sys.argv[1])) if len(sys.argv) > 1 else Plan()
    programs = ROOT / "amora-service" / "target" / "release"
    with tempfile.TemporaryDirectory(prefix="amora-bench-", dir="/tmp") as folder:
        print(section(compare(programs, Path(folder), plan), plan))


if __name__ == "__main__":
    main()
