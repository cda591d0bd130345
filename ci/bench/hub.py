"""The stand-in for IoT Hub as the bench sees it: the service side of one device, over the stand-in's HTTP interface."""

import http.client
import json
import math
import os
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

NAME = "localhost"


@dataclass(frozen=True)
class Arrival:
    """A message that the hub took."""

    number: int
    """The number that the device gave it."""
    written: float
    """When the device wrote it, in seconds since 1970."""
    taken: float
    """When the hub took it."""


class Control:
    """A connection to the stand-in's service side, for one thread."""

    def __init__(self, address: str):
        """Connects at the first question."""
        where = urlsplit(address)
        self.connection = http.client.HTTPConnection(where.hostname, where.port, timeout=120)

    def ask(self, method: str, path: str, body=None):
        """Sends a request and returns the answer."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content.decode()}")
        return json.loads(content) if content else None


class Device:
    """The service side of one device."""

    def __init__(self, address: str, name: str):
        """Registers it."""
        self.address = address
        self.path, self.twin_path = f"/hubs/{NAME}/devices/{name}", f"/hubs/{NAME}/twins/{name}"
        self.control = Control(address)
        self.connection_string = self.control.ask("PUT", self.path)["connectionString"]
        self.arrivals: list[Arrival] = []
        self.arrived = threading.Condition()
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        control, after = Control(self.address), 0
        while True:
            try:
                messages = control.ask("GET", f"{self.path}/messages?after={after}&count=1&seconds=30")
            except (http.client.HTTPException, OSError):
                # The stand-in has ended; whoever still waits for a message waits in vain, and says so.
                return
            for message in messages:
                after, body = message["sequence"], json.loads(message["text"])
                with self.arrived:
                    for part in body if isinstance(body, list) else [body]:
                        written = datetime.fromisoformat(part["timestamp"]).timestamp()
                        self.arrivals.append(Arrival(part["sequence"], written, message["enqueued"]))
                    self.arrived.notify_all()

    def first_written_after(self, moment: float, seconds: float) -> Arrival | None:
        """The first message that the device wrote after a moment, once the hub has it."""

        def found() -> Arrival | None:
            later = (arrival for arrival in reversed(self.arrivals) if arrival.written > moment)
            return min(later, key=lambda arrival: arrival.taken, default=None)

        with self.arrived:
            return self.arrived.wait_for(found, seconds)

    def has_sent(self, count: int, seconds: float) -> bool:
        """Waits until the hub has so many messages."""
        with self.arrived:
            return self.arrived.wait_for(lambda: len(self.arrivals) >= count, seconds)

    def desire(self, value: float) -> None:
        """Desires an interval between messages."""
        change = {"properties": {"desired": {"telemetry_interval": value}}}
        self.control.ask("PATCH", self.twin_path, change)

    def answers(self, value: float, seconds: float) -> bool:
        """Waits until the device has reported that it obeys this value."""
        version = 0
        end = datetime.now().timestamp() + seconds
        while (left := end - datetime.now().timestamp()) > 0:
            path = f"{self.twin_path}?reported={version}&seconds={min(left, 60):.3f}"
            reported = self.control.ask("GET", path)["properties"]["reported"]
            answer = reported.get("telemetry_interval")
            if isinstance(answer, dict) and answer["ac"] == 200 and math.isclose(answer["value"], value, abs_tol=1e-9):
                return True
            version = reported["$version"] + 1
        return False

    def connections(self) -> int:
        """How often it has connected."""
        return self.control.ask("GET", f"{self.path}/history").count("connected")


@contextmanager
def running(program: Path, folder: Path):
    """Runs the stand-in; gives its service side's address, its MQTT port and the authority to trust."""
    command = [program, "--hub", NAME, "--mqtt-port=0", "--https-port=0", "--control-port=0"]
    with (folder / "stand-in.log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, "RUST_LOG": "warn"}
        )
    try:
        address = process.stdout.readline().strip()
        about = Control(address).ask("GET", "/")
        authority = folder / "authority.pem"
        authority.write_text(about["authority"])
        yield address, int(about["mqtt"].rsplit(":")[-1]), authority
    finally:
        process.terminate()
        process.wait()
