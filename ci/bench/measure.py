"""Measures one device over its MQTT topics, whatever it is built with."""

import json
import math
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from machine import Process
from mqtt import Client

PREFIX, DEVICE = "amora/devices", "bench"
TOPIC = f"{PREFIX}/{DEVICE}"
COMMANDS = f"{TOPIC}/commands"


@dataclass
class Result:
    """What was measured; times in milliseconds."""

    response: list[float]
    state: list[float]
    commands_per_second: float
    start: list[float]
    idle_percent: float
    memory_idle: float
    memory_after: float


def percentile(values: list[float], percent: float) -> float:
    """The smallest value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _command(name: str, number: int, params: dict | None = None) -> bytes:
    return json.dumps({"command": name, "command_id": str(number), "params": params, "timestamp": time.time()}).encode()


def latency(port: int, rounds: int) -> tuple[list[float], list[float]]:
    """From sending `set_volume` to its response, and to the retained state that shows it, one at a time."""
    client = Client(port, "bench-latency")
    client.subscribe(f"{TOPIC}/#")
    responses, states = [], []
    for number in range(rounds + 50):
        volume = 20 + number % 60
        answered = shown = None
        start = time.perf_counter()
        client.publish(COMMANDS, _command("set_volume", number, {"volume": volume}))
        while answered is None or shown is None:
            topic, body = client.receive()
            now = time.perf_counter() - start
            if topic.endswith("/responses") and json.loads(body)["command_id"] == str(number):
                answered = now
            elif topic.endswith("/state") and shown is None and json.loads(body)["volume"] == volume:
                shown = now
        # The first rounds warm up caches and queues on both sides.
        if number >= 50:
            responses.append(answered * 1000)
            states.append(shown * 1000)
    client.close()
    return responses, states


def throughput(port: int, commands: int) -> float:
    """Answered commands per second when mosquitto_pub sends them as fast as it can. All must be answered."""
    client = Client(port, "bench-throughput")
    client.subscribe(f"{TOPIC}/responses")
    lines = b"\n".join(_command("get_volume", number) for number in range(commands)) + b"\n"
    start = time.perf_counter()
    sender = subprocess.Popen(
        ["mosquitto_pub", "--port", str(port), "--topic", COMMANDS, "--qos", "1", "-l"], stdin=subprocess.PIPE
    )
    sender.stdin.write(lines)
    sender.stdin.close()
    waiting = {str(number) for number in range(commands)}
    while waiting:
        waiting.discard(json.loads(client.receive()[1])["command_id"])
    seconds = time.perf_counter() - start
    sender.wait()
    client.close()
    return commands / seconds


def start_up(port: int, start) -> float:
    """From starting the program to its `online`, in milliseconds."""
    client = Client(port, "bench-start")
    client.publish(f"{TOPIC}/connection", b"")
    client.subscribe(f"{TOPIC}/connection")
    begin = time.perf_counter()
    with start():
        while True:
            _, body = client.receive()
            if body and json.loads(body)["status"] == "online":
                break
        milliseconds = (time.perf_counter() - begin) * 1000
    client.close()
    return milliseconds


def idle(device: Process, seconds: float) -> float:
    """Percent of one core used while nothing is asked."""
    before, start = device.processor_seconds(), time.monotonic()
    time.sleep(seconds)
    return 100 * (device.processor_seconds() - before) / (time.monotonic() - start)


def measure(port: int, start, commands: int) -> Result:
    """Everything, for the device that `start()` runs."""
    starts = [start_up(port, start) for _ in range(7)]
    with start() as device:
        client = Client(port, "bench-online")
        client.subscribe(f"{TOPIC}/connection")
        while json.loads(client.receive()[1] or b'{"status":""}')["status"] != "online":
            pass
        client.close()
        time.sleep(3)
        idle_percent, memory_idle = idle(device, 15), device.memory()
        responses, states = latency(port, 1000)
        rate = throughput(port, commands)
        return Result(responses, states, rate, starts, idle_percent, memory_idle, device.memory())


def median(values: list[float]) -> float:
    """The median."""
    return statistics.median(values)


def engine_cost(programs: Path) -> str:
    """What the sound engine's own measurement says, as a Markdown table."""
    printed = subprocess.run([str(programs / "examples" / "engine_cost")], check=True, capture_output=True, text=True)
    suffix = "_ms_per_second"
    costs = {key: cost for key, cost in json.loads(printed.stdout).items() if key.endswith(suffix)}
    rows = ["| playing | ms of one core per second of sound |", "| --- | ---: |"]
    rows += [f"| {key.removesuffix(suffix).replace('_', ' ')} | {cost:.2f} |" for key, cost in costs.items()]
    return "\n".join(rows)
