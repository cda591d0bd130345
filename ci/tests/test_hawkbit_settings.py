"""The settings for a hawkBit server that docs/target.md shows: SWUpdate itself reads them, and asks as they say."""

import json
import os
import queue
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "meta-amora/recipes-amora/amora-update/files/swupdate.cfg"
PATIENCE = 60


@pytest.fixture
def server():
    """A server that has nothing to order, and keeps what it was asked."""
    asked = queue.Queue()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.put((self.path, self.headers["Authorization"]))
            answer = json.dumps({"config": {"polling": {"sleep": "00:00:01"}}, "_links": {}}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_swupdate_asks_the_server_as_the_page_tells_it(server, tmp_path):
    address, asked = server
    page = (ROOT / "docs/target.md").read_text()
    hawkbit = re.search(r"^suricatta :\n\{.*?^\};$", page, re.MULTILINE | re.DOTALL)[0]
    assert '"https://hawkbit.example.org"' in hawkbit and '"..."' in hawkbit
    hawkbit = hawkbit.replace("https://hawkbit.example.org", address).replace('"..."', '"a token"')

    key, trust = tmp_path / "key.pem", tmp_path / "trust.pem"
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=x",
    ]
    subprocess.run([*make, "-keyout", key, "-out", trust], check=True, capture_output=True)
    image = SETTINGS.read_text().replace("@BOOTLOADER@", "none").replace("/etc/swupdate/trust.pem", str(trust))
    # As `swupdate-start` of the image puts it together.
    settings = tmp_path / "swupdate.cfg"
    settings.write_text(image + hawkbit + "\n")
    command = ["swupdate", "-f", settings, "-H", "raspberrypi4-64:1.0", "-e", "stable,b", "-u", "-c 0"]
    log = tmp_path / "log"
    with log.open("w") as output:
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=tmp_path, env=environment)
    try:
        assert asked.get(timeout=PATIENCE) == ("/default/controller/v1/box-17", "TargetToken a token")
    except queue.Empty:
        pytest.fail(log.read_text())
    finally:
        process.terminate()
        process.wait()
