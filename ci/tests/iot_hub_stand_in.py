"""Our stand-in for IoT Hub as tests use it: starts the program, and does what a fleet's operator does."""

import json
import os
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from azure.iot.device import IoTHubDeviceClient

ROOT = Path(__file__).resolve().parents[2]
HUB = "stand-in.azure-devices.net"
OTHER_HUB = "other.azure-devices.net"
PROVISIONING = "global.azure-devices-provisioning.net"
SCOPE = "0ne00000000"
PATIENCE = 60


class StandIn:
    """The running program, by its HTTP interface."""

    def __init__(self, control: str):
        """Ask the program at this address where it listens."""
        self.control = control
        about = self.ask("GET", "/")
        self.authority = about["authority"]
        self.ports = {8883: int(about["mqtt"].rsplit(":")[-1]), 443: int(about["https"].rsplit(":")[-1])}

    def ask(self, method: str, path: str, body=None):
        """Send a request and return the answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        request = urllib.request.Request(self.control + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def device(self, name: str, hub=HUB) -> "Device":
        """Return what the cloud knows of a device."""
        return Device(self, name, hub)

    def register(self, name: str, authentication=None) -> "Device":
        """Register a device with the hub."""
        device = self.device(name)
        answer = self.ask("PUT", device.path, authentication)
        device.connection_string = answer.get("connectionString")
        return device

    def enrol(self, name: str, attestation: dict, **more):
        """Add an enrolment."""
        self.ask("PUT", f"/enrolments/{name}", {"attestation": attestation, "hub": HUB, **more})


class Device:
    """The service side of one device."""

    def __init__(self, stand_in: StandIn, name: str, hub: str):
        """Take its names."""
        self.stand_in, self.name = stand_in, name
        self.path, self.twin_path = f"/hubs/{hub}/devices/{name}", f"/hubs/{hub}/twins/{name}"
        self.connection_string = None

    def ask(self, method: str, what: str, body=None):
        """Send a request about the device."""
        return self.stand_in.ask(method, f"{self.path}/{what}", body)

    def twin(self) -> dict:
        """Return the twin as the hub has it."""
        return self.stand_in.ask("GET", self.twin_path)

    def desire(self, properties: dict):
        """Change desired properties."""
        self.stand_in.ask("PATCH", self.twin_path, {"properties": {"desired": properties}})

    def received(self, count: int) -> list[dict]:
        """Wait for so many messages and return all."""
        messages = self.ask("GET", f"messages?count={count}&seconds={PATIENCE}")
        assert len(messages) >= count, messages
        return messages

    def send(self, text: str, **properties):
        """Send a message to the device."""
        self.ask("POST", "messages", {"text": text, "properties": properties})

    def invoke(self, name: str, payload=None, response=PATIENCE, connect=PATIENCE):
        """Call a method."""
        timeouts = {"responseTimeoutInSeconds": response, "connectTimeoutInSeconds": connect}
        call = {"methodName": name, "payload": payload, **timeouts}
        return self.stand_in.ask("POST", f"{self.twin_path}/methods", call)

    def history(self) -> list:
        """Return what went on with the device's connections."""
        return self.ask("GET", "history")

    @contextmanager
    def client(self, **options):
        """Connect as the device, with its key."""
        options = {"server_verification_cert": self.stand_in.authority, "connection_retry_interval": 1, **options}
        client = IoTHubDeviceClient.create_from_connection_string(self.connection_string, **options)
        with connected(client):
            yield client


@contextmanager
def connected(client: IoTHubDeviceClient):
    """Connect a client for as long as it is used."""
    try:
        client.connect()
        yield client
    finally:
        client.shutdown()


def wait_for(what, seconds=PATIENCE):
    """Ask again and again until there is an answer."""
    end = time.monotonic() + seconds
    while True:
        if answer := what():
            return answer
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)


@contextmanager
def running(folder: Path, hubs=(HUB, OTHER_HUB)):
    """Build and run the program, with its log in a folder."""
    manifest = ROOT / "amora-service/Cargo.toml"
    build = ["cargo", "build", "--quiet", "--locked", "--manifest-path", manifest, "-p", "amora-peer-iot-hub"]
    subprocess.run(build, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "amora-service/target"))
    log = folder / "log"
    command = [target / "debug/iot-hub-stand-in", "--scope", SCOPE, *(f"--hub={hub}" for hub in hubs)]
    ports = ["--mqtt-port=0", "--https-port=0", "--control-port=0"]
    with log.open("w") as errors:
        process = subprocess.Popen(command + ports, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://"), log.read_text()
        yield StandIn(address)
    finally:
        process.terminate()
        process.wait()
