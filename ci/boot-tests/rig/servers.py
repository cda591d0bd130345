"""Servers on this machine that a box talks to."""

import socket
import subprocess
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing about each request."""


class Files:
    """Serves the files of a folder over HTTP."""

    def __init__(self, folder, address="127.0.0.1"):
        """Start to serve."""
        self._server = ThreadingHTTPServer((address, 0), partial(_Quiet, directory=str(folder)))
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


class Broker:
    """An MQTT broker that can go away and come back at the same port."""

    def __init__(self, address="127.0.0.1"):
        """Start it."""
        with socket.socket() as probe:
            probe.bind((address, 0))
            self.port = probe.getsockname()[1]
        self._folder = tempfile.TemporaryDirectory()
        self._settings = Path(self._folder.name) / "mosquitto.conf"
        self._settings.write_text(f"listener {self.port} {address}\nallow_anonymous true\npersistence false\n")
        self._process = None
        self.start()

    def start(self):
        """Be there."""
        if self._process is not None:
            return
        self._process = subprocess.Popen(["mosquitto", "-c", self._settings], stderr=subprocess.DEVNULL)

    def stop(self):
        """Go away."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def close(self):
        """Stop for good."""
        self.stop()
        self._folder.cleanup()
