"""Measures the IoT Hub door side by side with a device on Microsoft's SDK, against the stand-in for a hub."""

import os
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import distributions
from pathlib import Path

import hub
from hub import Arrival, Device
from machine import Process, wait_until
from measure import percentile
from relay import Relay

BENCH = Path(__file__).resolve().parent
SDK = BENCH.parents[1] / "build" / "azure"
INTERVAL = 0.1
"""Seconds between messages."""
QUIET = 3600.0
"""The same, to have it send nothing while it is measured idle."""
IDLE = 20.0
"""Seconds of that."""
PATIENCE = 180.0
"""Who is not back after so many seconds counts with these."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    seed: int = 1
    cuts: int = 50
    stay: tuple[float, float] = (1.0, 7.0)
    """Seconds of a working link before each cut."""
    down: float = 20.0
    """Most seconds that the link is down; every other cut, by lot, is a mere reset."""
    patches: int = 100
    messages: int = 1000

    def schedule(self) -> list[tuple[float, float]]:
        """The cuts: how long the link works before, and how long it is down then."""
        lot = random.Random(self.seed)
        return [
            (lot.uniform(*self.stay), lot.uniform(0, self.down) if lot.random() < 0.5 else 0.0)
            for _ in range(self.cuts)
        ]


@dataclass(frozen=True)
class Numbers:
    """What became of the numbered messages."""

    wanted: int
    lost: int
    twice: int
    disordered: int

    @classmethod
    def of(cls, arrivals: list[Arrival]) -> "Numbers":
        """Counts, between the lowest and the highest number that arrived."""
        seen: set[int] = set()
        twice = disordered = highest = 0
        for arrival in arrivals:
            if arrival.number in seen:
                twice += 1
            elif arrival.number < highest:
                disordered += 1
            seen.add(arrival.number)
            highest = max(highest, arrival.number)
        wanted = highest - min(seen) + 1
        return cls(wanted, wanted - len(seen), twice, disordered)


@dataclass
class Result:
    """What was measured of one device; times in seconds."""

    back: list[float]
    telemetry_back: list[float]
    twin_back: list[float]
    numbers: Numbers
    connections: int
    memory_of_cuts: float
    round_trip: list[float]
    processor: float
    """Processor seconds for 1,000 messages."""
    processor_over_idle: float
    """The same without what the idle process uses."""
    memory: float


class Peer:
    """One of the two devices: a name, and how it is started."""

    def __init__(self, name: str, start):
        """`start(folder, connection string, port, authority, report interval)` gives a process."""
        self.name, self.start = name, start

    @contextmanager
    def running(self, folder: Path, stand_in, report_interval: float = 5.0):
        """Runs it behind a link of its own, as a device that the hub has not seen before."""
        address, port, authority = stand_in
        folder.mkdir()
        device, relay = Device(address, f"{self.name}-{folder.name}"), Relay(port)
        with self.start(folder, device.connection_string, relay.port, authority, report_interval) as process:
            wait_until(f"{self.name} to send", lambda: device.arrivals)
            yield device, relay, process


def amora(program: Path, folder: Path, connection_string: str, port: int, authority: Path, pace: float) -> Process:
    """The service with no other door than the one to IoT Hub."""
    (folder / "amora.toml").write_text(
        f'[device]\nid = "bench"\ndata = "{folder}"\n[log]\nlevel = "warn"\n'
        f'[iot_hub]\nconnection_string = "{connection_string}"\nport = {port}\nevents = false\n'
        f'telemetry_interval = {INTERVAL}\nreport_interval = {pace}\n[iot_hub.tls]\nca_file = "{authority}"\n'
    )
    return Process(folder / "log", [str(program), "--config", str(folder / "amora.toml")])


def azure(folder: Path, connection_string: str, port: int, authority: Path, _pace: float) -> Process:
    """The device on Microsoft's SDK."""
    arguments = [str(port), str(authority), connection_string, str(INTERVAL)]
    command = [sys.executable, "-m", "azure_device.device", *arguments]
    return Process(folder / "log", command, PYTHONPATH=os.pathsep.join([str(SDK), str(BENCH)]))


def intervals():
    """Values to desire: each is new, and none changes the rate by more than a thousandth part."""
    number = 0
    while True:
        number += 1
        yield round(INTERVAL + number * 1e-7, 7)


def cut(device: Device, relay: Relay, plan: Plan, told) -> tuple[list[float], list[float]]:
    """Cuts the link as planned; gives how long telemetry and the twin then took to work again."""
    telemetry, twin = [], []
    desired = intervals()
    for number, (stay, down) in enumerate(plan.schedule(), 1):
        time.sleep(stay)
        if down:
            relay.close()
            time.sleep(down)
            back = time.time()
            relay.reopen()
        else:
            relay.cut()
            back = time.time()
        value = next(desired)
        device.desire(value)
        with ThreadPoolExecutor(1) as waiting:
            arrival = waiting.submit(device.first_written_after, back, PATIENCE)
            answered = device.answers(value, PATIENCE)
            twin.append(time.time() - back if answered else PATIENCE)
            telemetry.append(arrival.result().taken - back if arrival.result() else PATIENCE)
        told(f"cut {number}: down {down:.1f} s, telemetry after {telemetry[-1]:.2f} s, twin after {twin[-1]:.2f} s")
    return telemetry, twin


def round_trips(device: Device, count: int) -> list[float]:
    """From desiring to the answer at the hub, one at a time at random moments."""
    lot, desired, times = random.Random(count), intervals(), []
    for _ in range(count):
        time.sleep(lot.uniform(0.15, 0.25))
        value = next(desired)
        begin = time.perf_counter()
        obeyed(device, value)
        times.append(time.perf_counter() - begin)
    return times


def obeyed(device: Device, value: float) -> None:
    """Desires an interval and waits until the device has it."""
    device.desire(value)
    if not device.answers(value, PATIENCE):
        raise TimeoutError("a desired property was not answered")


def cost(device: Device, process: Process, messages: int) -> tuple[float, float]:
    """Processor seconds of the process for 1,000 messages at the steady rate, and without what it uses idle."""
    obeyed(device, QUIET)
    time.sleep(1)
    used, start = process.processor_seconds(), time.monotonic()
    time.sleep(IDLE)
    idle = (process.processor_seconds() - used) / (time.monotonic() - start)
    obeyed(device, INTERVAL)
    used, start, sent = process.processor_seconds(), time.monotonic(), len(device.arrivals)
    if not device.has_sent(sent + messages, messages * INTERVAL * 10):
        raise TimeoutError("the messages did not come")
    whole, share = process.processor_seconds() - used, 1000 / (len(device.arrivals) - sent)
    return whole * share, (whole - idle * (time.monotonic() - start)) * share


def measure_one(peer: Peer, folder: Path, stand_in, plan: Plan, alone: threading.Lock, meet) -> Result:
    """Everything of one device, while the other is measured beside it."""
    folder = folder / peer.name
    folder.mkdir()
    told = lambda text: print(f"  {peer.name}: {text}", flush=True)  # noqa: E731
    with peer.running(folder / "cuts", stand_in) as (device, relay, process):
        telemetry, twin = cut(device, relay, plan, told)
        device.first_written_after(time.time(), PATIENCE)
        numbers, connections = Numbers.of(list(device.arrivals)), device.connections()
        memory_of_cuts = process.peak_memory()
    meet()
    with peer.running(folder / "steady", stand_in, report_interval=0.1) as (device, _, process):
        time.sleep(3)
        with alone:
            trips = round_trips(device, plan.patches)
        meet()
        processor, over_idle = cost(device, process, plan.messages)
        memory = process.peak_memory()
    back = [max(pair) for pair in zip(telemetry, twin, strict=True)]
    return Result(back, telemetry, twin, numbers, connections, memory_of_cuts, trips, processor, over_idle, memory)


def measure_both(programs: Path, folder: Path, plan: Plan) -> tuple[Result, Result]:
    """The door and the SDK at the same time, each behind a link of its own with the same cuts."""
    alone, barrier = threading.Lock(), threading.Barrier(2)
    with hub.running(programs / "iot-hub-stand-in", folder) as stand_in, ThreadPoolExecutor(2) as both:

        def measured(peer: Peer) -> Result:
            try:
                return measure_one(peer, folder, stand_in, plan, alone, barrier.wait)
            except BaseException:
                barrier.abort()
                raise

        peers = Peer("amora", partial(amora, programs / "amora-service")), Peer("azure", azure)
        ours, theirs = both.map(measured, peers)
    return ours, theirs


def table(ours: Result, theirs: Result) -> str:
    """The comparison as a Markdown table."""
    rows = [("", "AmoraOS", "Microsoft's SDK", "ratio", "goal"), ("---", "---:", "---:", "---:", "---")]

    def row(name: str, unit: str, pick, goal: str = "") -> None:
        mine, other = pick(ours), pick(theirs)
        rows.append((name, f"{mine:,.3g} {unit}", f"{other:,.3g} {unit}", f"{other / mine:,.1f}×", goal))

    def count(name: str, pick, goal: str) -> None:
        rows.append((name, f"{pick(ours):,}", f"{pick(theirs):,}", "", goal))

    for percent, goal in ((50, ""), (95, "≤ 3 s"), (100, "")):
        name = f"p{percent}" if percent < 100 else "longest"
        row(f"link back → working again, {name}", "s", lambda one, at=percent: percentile(one.back, at), goal)
    row("of that telemetry, p95", "s", lambda one: percentile(one.telemetry_back, 95))
    row("of that the twin, p95", "s", lambda one: percentile(one.twin_back, 95))
    count("messages wanted during the cuts", lambda one: one.numbers.wanted, "")
    count("never arrived", lambda one: one.numbers.lost, "0")
    count("out of order", lambda one: one.numbers.disordered, "0")
    count("arrived once more with its number", lambda one: one.numbers.twice, "")
    row("twin: desired → answered, p50", "ms", lambda one: percentile(one.round_trip, 50) * 1000)
    row("twin: desired → answered, p95", "ms", lambda one: percentile(one.round_trip, 95) * 1000)
    row("processor time for 1,000 messages", "s", lambda one: one.processor)
    row("of that more than idle", "s", lambda one: one.processor_over_idle)
    row("memory, highest, steady", "MB", lambda one: one.memory)
    row("memory, highest, with the cuts", "MB", lambda one: one.memory_of_cuts)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def sdk_version() -> str:
    """The version of the SDK that was measured."""
    found = distributions(path=[str(SDK)])
    return next(f"{one.name} {one.version}" for one in found if one.name == "azure-iot-device")


def section(ours: Result, theirs: Result, plan: Plan) -> str:
    """The page's section."""
    resets = sum(down == 0 for _, down in plan.schedule())
    refused, (least, most) = plan.cuts - resets, plan.stay
    return f"""## IoT Hub

The service with no other door than this one, and `ci/bench/azure_device` on Microsoft's {sdk_version()}: both
at the same time, over TLS, against the same stand-in for a hub on the same machine, each behind a link of its own.

{table(ours, theirs)}

- {plan.cuts} cuts of each link, the same for both, from seed {plan.seed}: {resets} mere resets, and {refused} times
  refused for up to {plan.down:.0f} s. The link works for {least:.0f} to {most:.0f} s before each, counted from when the
  device works again.
- Working again: a message written after the link was back is at the hub, and a property desired then is answered. Who
  is not back after {PATIENCE:.0f} s counts with these.
- After a mere reset the SDK connects again at once, the door at random within two seconds, so that a fleet does not
  come back in one instant: hence the median. While the link is down the SDK tries every ten seconds; a program that
  sends without waiting for the connection, unlike Microsoft's guide, has it try with each message.
- A message every {INTERVAL} s. AmoraOS writes each to the disk before it is sent; the Python device keeps them in
  memory, and sends again what the SDK gives up. Delivery is at least once: what the hub took while its answer was
  lost comes again, with the same number.
- The SDK and the door are used with their own defaults. Only in the steady part, for the twin, `report_interval` is
  0.1 s: at its default an answer less than 5 s after another patch waits for that time to pass.
- Twin: {plan.patches} patches, one at a time. Processor time: {plan.messages:,} messages at the steady rate. That of
  AmoraOS includes the whole sound engine, which mixes and hands to a simulated card all the time, and so does its
  memory; the row below it leaves out what either uses idle, measured for {IDLE:.0f} s before.
"""


def main() -> None:
    """Measures and prints only; the arguments are how many cuts, patches and messages."""
    plan = Plan(**dict(zip(("cuts", "patches", "messages"), map(int, sys.argv[1:]), strict=False)))
    programs = BENCH.parents[1] / "amora-service" / "target" / "release"
    with tempfile.TemporaryDirectory(prefix="amora-bench-", dir="/tmp") as folder:
        print(section(*measure_both(programs, Path(folder), plan), plan))


if __name__ == "__main__":
    main()
