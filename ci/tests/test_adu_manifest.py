"""The import manifest for Device Update, and what Microsoft's own client makes of it."""

import base64
import hashlib
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.iot.deviceupdate import DeviceUpdateClient

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "ci/adu-manifest"
TEMPLATE = ROOT / "meta-amora/recipes-core/images/files/sw-description"


def entry(name: str, content: bytes) -> bytes:
    """A file in an archive as SWUpdate's tools write it."""
    fields = [0, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070702" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4)


def swu(path: Path, *, version: str = "1.4.0", board: str = "raspberrypi4-64") -> Path:
    """An update with the description that our builds have."""
    text = TEMPLATE.read_text().replace("@@AMORA_VERSION@@", version).replace("@@AMORA_BOARD@@", board)
    path.write_bytes(
        entry("sw-description", text.encode()) + entry("root.squashfs", bytes(5000)) + entry("TRAILER!!!", b"")
    )
    return path


def run(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, check=False)


def made(update: Path, *arguments: str) -> dict:
    result = run(update, *arguments)
    assert result.returncode == 0, result.stderr
    return json.loads(update.with_suffix(".importmanifest.json").read_text())


def test_version_board_size_and_hash_are_the_updates_own(tmp_path):
    update = swu(tmp_path / "amora-1.4.0.swu")
    manifest = made(update)
    assert manifest["manifestVersion"] == "5.0"
    assert manifest["updateId"] == {"provider": "AmoraOS", "name": "raspberrypi4-64", "version": "1.4.0"}
    assert manifest["compatibility"] == [{"manufacturer": "AmoraOS", "model": "raspberrypi4-64"}]
    (step,) = manifest["instructions"]["steps"]
    assert step["handler"] == "microsoft/swupdate:2"
    assert step["files"] == ["amora-1.4.0.swu"]
    assert step["handlerProperties"] == {"installedCriteria": "1.4.0", "swuFileName": "amora-1.4.0.swu"}
    (file,) = manifest["files"]
    content = update.read_bytes()
    assert file["filename"] == update.name
    assert file["sizeInBytes"] == len(content)
    assert base64.b64decode(file["hashes"]["sha256"]) == hashlib.sha256(content).digest()


def test_an_image_version_that_the_service_does_not_take_needs_another(tmp_path):
    update = swu(tmp_path / "update.swu", version="1.4.0-rc.1")
    result = run(update)
    assert result.returncode == 1
    assert "--version" in result.stderr
    assert not update.with_suffix(".importmanifest.json").exists()
    manifest = made(update, "--version", "1.4.0.1")
    assert manifest["updateId"]["version"] == "1.4.0.1"
    assert manifest["instructions"]["steps"][0]["handlerProperties"]["installedCriteria"] == "1.4.0-rc.1"


@pytest.mark.parametrize("version", ["1", "1.2.3.4.5", "1.2147483648", "v1.2", "1..2"])
def test_a_version_beyond_the_services_limits_is_refused(tmp_path, version):
    assert run(swu(tmp_path / "update.swu"), "--version", version).returncode == 1


@pytest.mark.parametrize(
    "content", [b"", b"not an archive", entry("root", b"x"), entry("sw-description", b"x" * 99)[:130]]
)
def test_what_is_no_update_is_refused_and_nothing_written(tmp_path, content):
    update = tmp_path / "update.swu"
    update.write_bytes(content)
    result = run(update)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == [update]


class Service(ThreadingHTTPServer):
    """Takes what the client sends, and answers as the service does."""

    def __init__(self, status: int = 202):
        """Answers an import with `status`."""
        self.status, self.requests = status, []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    def do_POST(self):
        """An import: taken, or not."""
        self.server.requests.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        if self.server.status != 202:
            self.answer({}, {"error": {"code": "InvalidManifest", "message": "no"}})
        else:
            self.answer({"Operation-Location": "/deviceUpdate/instance/updates/operations/1"}, None)

    def do_GET(self):
        """How the import went: well."""
        self.server.requests.append((self.path, b""))
        self.server.status = 200
        self.answer({}, {"operationId": "1", "status": "Succeeded"})

    def answer(self, headers: dict, body: dict | None):
        """Sends what the service would."""
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(self.server.status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": len(content)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Says nothing."""


class Wire(RequestsTransport):
    """The client's own transport, led to a service on this machine."""

    def __init__(self, service: Service):
        """Leads to `service`."""
        super().__init__()
        self.port = service.server_address[1]

    def send(self, request, **options):
        """Sends a request there."""
        address = urlsplit(request.url)
        request.url = address._replace(scheme="http", netloc=f"127.0.0.1:{self.port}").geturl()
        return super().send(request, **options)


def client_of(service: Service) -> DeviceUpdateClient:
    return DeviceUpdateClient("account.api.adu.microsoft.com", "instance", Credential(), transport=Wire(service))


class Credential:
    """A token, as Microsoft Entra ID would give it."""

    def get_token(self, *_, **__):
        """One that does not expire soon."""
        return AccessToken("token", 4_102_444_800)


def test_microsofts_client_sends_what_was_made(tmp_path):
    update = swu(tmp_path / "amora-1.4.0.swu")
    made(update, "--base-url", "https://account.blob.core.windows.net/updates?sv=1&sig=x%2Fy")
    body = json.loads(update.with_suffix(".importrequest.json").read_text())
    service = Service()
    client_of(service).device_update.begin_import_update(body, polling_interval=0).result()
    (path, sent), (asked, _) = service.requests
    assert urlsplit(path).path == "/deviceUpdate/instance/updates:import"
    assert asked.startswith("/deviceUpdate/instance/updates/operations/1")
    (item,) = json.loads(sent)
    written = update.with_suffix(".importmanifest.json")
    assert item["importManifest"]["url"] == (
        "https://account.blob.core.windows.net/updates/amora-1.4.0.importmanifest.json?sv=1&sig=x%2Fy"
    )
    assert item["importManifest"]["sizeInBytes"] == written.stat().st_size
    digest = base64.b64decode(item["importManifest"]["hashes"]["sha256"])
    assert digest == hashlib.sha256(written.read_bytes()).digest()
    (file,) = item["files"]
    assert file["filename"] == json.loads(written.read_text())["files"][0]["filename"]
    assert file["url"].startswith("https://account.blob.core.windows.net/updates/amora-1.4.0.swu?sv=1&sig=")


def test_a_service_that_refuses_is_heard():
    with pytest.raises(HttpResponseError, match="InvalidManifest"):
        client_of(Service(400)).device_update.begin_import_update([])
