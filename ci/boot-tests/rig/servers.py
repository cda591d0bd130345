"""Servers on this machine that a box talks to."""

import contextlib
import socket
import subprocess
import tempfile
import threading
from collections import Counter
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Handler(SimpleHTTPRequestHandler):
    """Gives files and parts of files, several parts in one answer too, as nginx does."""

    BOUNDARY = "00000000000000000001"

    def log_message(self, *_):
        """Say nothing about each request."""

    def do_GET(self):
        """Answer, with the parts that are asked for where there are any."""
        path = Path(self.translate_path(self.path))
        wanted = self.headers.get("Range", "")
        if self.server.ranges and wanted.startswith("bytes=") and path.is_file():
            self._give_parts(path, wanted.removeprefix("bytes="))
        else:
            super().do_GET()

    def copyfile(self, source, outputfile):
        """Send a whole file, as much of it as is taken."""
        with contextlib.suppress(ConnectionError):
            while piece := source.read(1 << 16):
                outputfile.write(piece)
                self._count(len(piece))

    def _give_parts(self, path, wanted):
        size = path.stat().st_size
        parts = []
        for part in wanted.split(","):
            first, last = part.strip().split("-")
            parts.append((int(first), min(int(last) if last else size, size - 1)))
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        with path.open("rb") as file:
            if len(parts) == 1:
                self.send_header("Content-Range", f"bytes {parts[0][0]}-{parts[0][1]}/{size}")
                body = self._part(file, *parts[0])
            else:
                self.send_header("Content-Type", f"multipart/byteranges; boundary={self.BOUNDARY}")
                body = b"".join(
                    f"\r\n--{self.BOUNDARY}\r\nContent-Range: bytes {first}-{last}/{size}\r\n\r\n".encode()
                    + self._part(file, first, last)
                    for first, last in parts
                )
                body += f"\r\n--{self.BOUNDARY}--\r\n".encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._count(len(body))
        self.wfile.write(body)

    @staticmethod
    def _part(file, first, last):
        file.seek(first)
        return file.read(last + 1 - first)

    def _count(self, size):
        self.server.sent[self.path.lstrip("/")] += size


class Files:
    """Serves the files of a folder over HTTP, and counts what it sends of each."""

    def __init__(self, folder, address="127.0.0.1"):
        """Start to serve."""
        self._server = ThreadingHTTPServer((address, 0), partial(_Handler, directory=str(folder)))
        self._server.ranges = True
        self.sent = self._server.sent = Counter()
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def know_ranges(self, known):
        """Give parts of files from now on, or only whole ones."""
        self._server.ranges = known

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
