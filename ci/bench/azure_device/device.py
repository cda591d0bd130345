"""A device on Microsoft's device SDK for Python: telemetry, twin and a method.

It follows the SDK's own guide to telemetry over links that break (`connect_retry_with_telemetry` in its samples):
the SDK connects again by itself, with its own defaults, and the program waits until it has. Unlike there a message for
which the SDK raises an error is not given up but sent again.
`python -m azure_device.device PORT AUTHORITY CONNECTION_STRING INTERVAL`.
"""

import json
import queue
import socket
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from azure.iot.device import IoTHubDeviceClient, Message, MethodResponse
from azure.iot.device.exceptions import ClientError, OperationCancelled, OperationTimeout, ServiceError

TRANSIENT = (ClientError, OperationCancelled, OperationTimeout, ServiceError)
AGAIN = 0.1


class Device:
    """Sends its status at an interval, and obeys desired properties and a method."""

    def __init__(self, client: IoTHubDeviceClient, interval: float):
        """Takes a client that is not connected yet."""
        self.client, self.interval = client, interval
        self.changed = threading.Event()
        self.written = queue.SimpleQueue()
        self.connected = threading.Event()
        client.on_connection_state_change = self.notice
        client.on_method_request_received = self.answer
        client.on_twin_desired_properties_patch_received = self.obey

    def run(self) -> None:
        """Runs for ever."""
        self.client.connect()
        self.until_done(lambda: self.obey(self.client.get_twin()["desired"]))
        threading.Thread(target=self.write, daemon=True).start()
        while True:
            self.until_done(self.client.send_message, self.written.get())

    def notice(self) -> None:
        """Keeps in mind whether there is a connection."""
        if self.client.connected:
            self.connected.set()
        else:
            self.connected.clear()

    def until_done(self, action, *arguments) -> None:
        """Does something with the hub, while there is a connection, until the SDK reports success."""
        while True:
            self.connected.wait()
            try:
                return action(*arguments)
            except TRANSIENT as error:
                print(f"again: {error!r}", file=sys.stderr, flush=True)
                time.sleep(AGAIN)

    def write(self) -> None:
        """Numbers the messages and queues them."""
        number = 0
        while True:
            if self.changed.wait(self.interval):
                self.changed.clear()
                continue
            number += 1
            self.written.put(self.message(number))

    def message(self, number: int) -> Message:
        """A status message."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        status = {"state": "stop", "current_song": None, "volume": 0, "repeat": False, "random": False}
        body = {"messageType": "playerStatus", "timestamp": now, "status": status}
        body |= {"deviceId": "azure", "sequence": number}
        message = Message(json.dumps(body), content_encoding="utf-8", content_type="application/json")
        message.message_id = f"playerStatus-{number}"
        message.custom_properties["messageType"] = "playerStatus"
        return message

    def obey(self, desired: dict) -> None:
        """Takes the interval that the cloud desires, and says so."""
        if "telemetry_interval" not in desired:
            return
        self.interval = desired["telemetry_interval"]
        self.changed.set()
        answer = {"value": self.interval, "ac": 200, "ad": "", "av": desired["$version"]}
        self.until_done(self.client.patch_twin_reported_properties, {"telemetry_interval": answer})

    def answer(self, request) -> None:
        """Answers a direct method."""
        status, payload = (200, {"result": True}) if request.name == "getStatus" else (404, {"result": False})
        response = MethodResponse.create_from_method_request(request, status, payload)
        self.until_done(self.client.send_method_response, response)


def lead_to(port: int) -> None:
    """Has the SDK's fixed port of a hub lead to this one: it has no setting for that."""
    resolve = socket.getaddrinfo
    socket.getaddrinfo = lambda host, asked, *more, **options: resolve(
        host, port if asked == 8883 else asked, *more, **options
    )


def main() -> None:
    """Reads the arguments and runs the device."""
    port, authority, connection_string, interval = sys.argv[1:]
    lead_to(int(port))
    client = IoTHubDeviceClient.create_from_connection_string(
        connection_string, server_verification_cert=Path(authority).read_text()
    )
    Device(client, float(interval)).run()


if __name__ == "__main__":
    main()
