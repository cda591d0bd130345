"""A player controlled over MQTT, built with paho-mqtt and python-mpd2 the way the original AmoraOS was.

It speaks the same device dialect: commands are looked up by name, each is answered, the state is published again after
each, and a thread reads MPD's status once a second. `python -m python_device.device BROKER_PORT MPD_SOCKET PREFIX ID`.
"""

import json
import sys
import threading
import time

import mpd
import paho.mqtt.client as mqtt


class Player:
    """MPD behind one lock, as its client library is not safe to share."""

    def __init__(self, socket: str):
        """Connects."""
        self.lock = threading.Lock()
        self.client = mpd.MPDClient()
        self.client.timeout = 10
        self.client.connect(socket)

    def status(self) -> dict:
        """The original's player status."""
        with self.lock:
            status, song = self.client.status(), self.client.currentsong()
        current = None
        if song:
            current = {
                "title": song.get("title", song["file"]),
                "artist": song.get("artist", "Unknown"),
                "album": song.get("album", "Unknown"),
                "file": song["file"],
                "duration": float(song.get("duration", 0)),
                "position": float(status.get("elapsed", 0)),
            }
        return {
            "state": status["state"],
            "current_song": current,
            "volume": int(status.get("volume", 0)),
            "repeat": status["repeat"] == "1",
            "random": status["random"] == "1",
        }

    def run(self, command: str, params: dict):
        """Carries out one command of the closed list."""
        with self.lock:
            match command:
                case "play" | "stop" | "next" | "previous":
                    return getattr(self.client, command)()
                case "pause":
                    return self.client.pause(1)
                case "set_volume":
                    return self.client.setvol(max(0, min(100, int(params["volume"]))))
                case "get_volume":
                    return int(self.client.status().get("volume", 0))
                case "set_repeat":
                    return self.client.repeat(int(params["repeat"]))
                case "set_random":
                    return self.client.random(int(params["random"]))
        if command == "get_status":
            return self.status()
        raise LookupError(f"Command {command} not supported")


class Device:
    """The MQTT side."""

    def __init__(self, player: Player, port: int, prefix: str, name: str):
        """Connects, with the Last Will in place."""
        self.player = player
        self.topic = f"{prefix}/{name}"
        self.last = None
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"device-{name}")
        self.client.will_set(f"{self.topic}/connection", self.connection("offline"), qos=1, retain=True)
        self.client.on_connect = self.on_connect
        self.client.on_message = self.on_message
        self.client.connect("127.0.0.1", port, keepalive=60)

    @staticmethod
    def connection(status: str) -> str:
        """A connection message."""
        return json.dumps({"status": status, "timestamp": time.time()})

    def on_connect(self, *_) -> None:
        """Subscribes and says hello."""
        self.client.subscribe(f"{self.topic}/commands", qos=1)
        self.publish_state()
        self.client.publish(f"{self.topic}/connection", self.connection("online"), qos=1, retain=True)

    def on_message(self, _client, _data, message) -> None:
        """Answers one command."""
        request = json.loads(message.payload)
        answer = {"command_id": request["command_id"], "result": True, "data": None}
        try:
            answer["data"] = {"result": self.player.run(request["command"], request.get("params") or {})}
            answer["message"] = f"Command {request['command']} executed"
        except (LookupError, ValueError, mpd.MPDError) as error:
            answer |= {"result": False, "message": f"Error executing command: {error}"}
        answer["timestamp"] = time.time()
        self.client.publish(f"{self.topic}/responses", json.dumps(answer), qos=1)
        self.publish_state()

    def publish_state(self) -> None:
        """Publishes the state, retained."""
        state = self.player.status()
        self.last = state
        self.client.publish(f"{self.topic}/state", json.dumps({"timestamp": time.time(), **state}), qos=1, retain=True)

    def poll(self) -> None:
        """Publishes a change within a second, and everything every five."""
        full = time.monotonic()
        while True:
            time.sleep(1.0)
            if self.player.status() != self.last or time.monotonic() - full >= 5:
                full = time.monotonic()
                self.publish_state()


def main() -> None:
    """Runs for ever."""
    port, socket, prefix, name = sys.argv[1:]
    device = Device(Player(socket), int(port), prefix, name)
    threading.Thread(target=device.poll, daemon=True).start()
    device.client.loop_forever()


if __name__ == "__main__":
    main()
