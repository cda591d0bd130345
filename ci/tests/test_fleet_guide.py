"""docs/fleet.md: what it tells operators to type is run, as far as that needs no Azure.

The Python runs with Microsoft's published packages, unchanged (`ci/requirements-azure-services.txt`). What they ask the
hub is led to the service side of our stand-in, where a real box is connected that was enrolled as the page tells. What
they ask the provisioning service and Device Update is looked at and answered here. Two modules are stand-ins of a line:
`uamqp`, which azure-iot-hub imports for messages that the page does not send, and `azure.identity`.
"""

import base64
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import time
import types
from pathlib import Path
from unittest.mock import MagicMock
from urllib.parse import urlsplit

import pytest
import requests
import urllib3
from azure.core.credentials import AccessToken
from iot_hub_stand_in import SCOPE, running, wait_for

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/fleet.md").read_text()
HUB = "localhost"
PROVISIONING = "music-dps.azure-devices-provisioning.net"
GROUP_KEY = base64.b64encode(b"the key of all boxes, thirty-two").decode()
KEY = base64.b64encode(b"a key of the service").decode()
VARIABLES = {
    "IOTHUB_CONNECTION_STRING": f"HostName={HUB};SharedAccessKeyName=service;SharedAccessKey={KEY}",
    "DPS_CONNECTION_STRING": f"HostName={PROVISIONING};SharedAccessKeyName=owner;SharedAccessKey={KEY}",
    "ADU_ENDPOINT": "music-updates.api.adu.microsoft.com",
    "ADU_INSTANCE": "boxes",
}


def blocks(language: str) -> list[str]:
    """The page's blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


class Guide:
    """The page's Python, run piece by piece in one place, as a person at a prompt does."""

    def __init__(self):
        """Run nothing yet."""
        self.names = {}
        self.left = blocks("python")

    def run(self, part: str) -> str:
        """Run the one block that holds this text, and return what it prints."""
        (block,) = [block for block in self.left if part in block]
        self.left.remove(block)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block, f"docs/fleet.md: {part}", "exec"), self.names)
        return printed.getvalue()


class Azure:
    """What stands in for Azure's addresses: our stand-in for the hub, and answers by rote for the rest."""

    def __init__(self, stand_in):
        """Know nothing but the hub."""
        self.stand_in = stand_in
        self.asked = []
        self.answers = {}

    def send(self, real, adapter, request, **options):
        """Answer a request, or lead it to the stand-in."""
        address = urlsplit(request.url)
        if address.hostname == "127.0.0.1":
            return real(adapter, request, **options)
        assert address.scheme == "https"
        if address.hostname == HUB:
            assert request.headers["Authorization"].startswith(f"SharedAccessSignature sr={HUB}&sig=")
            request.url = f"{self.stand_in.control}/hubs/{HUB}{address.path}"
            return real(adapter, request, **options)
        body = json.loads(request.body) if request.body else None
        self.asked.append((request.method, address.hostname, address.path, body))
        answer = io.BytesIO(json.dumps(self.answers[request.method, address.path]).encode())
        headers = {"Content-Type": "application/json"}
        return adapter.build_response(request, urllib3.HTTPResponse(answer, headers, status=200, preload_content=False))


@pytest.fixture
def stand_in(tmp_path):
    with running(tmp_path, hubs=[HUB]) as stand_in:
        (tmp_path / "stand-in.pem").write_text(stand_in.authority)
        yield stand_in


@pytest.fixture
def azure(stand_in, monkeypatch):
    azure, real = Azure(stand_in), requests.adapters.HTTPAdapter.send
    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", lambda *a, **more: azure.send(real, *a, **more))
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    identity = types.ModuleType("azure.identity")
    token = AccessToken("token", int(time.time()) + 3600)
    identity.DefaultAzureCredential = lambda: types.SimpleNamespace(get_token=lambda *_, **__: token)
    monkeypatch.setitem(sys.modules, "uamqp", MagicMock())
    monkeypatch.setitem(sys.modules, "azure.identity", identity)
    return azure


@contextlib.contextmanager
def box(settings: str, stand_in, folder: Path):
    """Run the service with settings of the page; only where the stand-in is, is said beside them."""
    manifest = ROOT / "amora-service/Cargo.toml"
    build = ["cargo", "build", "--quiet", "--locked", "--manifest-path", manifest, "-p", "amora-service"]
    subprocess.run(build, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "amora-service/target"))
    file, port = folder / "amora.toml", stand_in.ports[8883]
    file.write_text(settings)
    places = {
        "device.data": folder / "data",
        "iot_hub.port": port,
        "iot_hub.https_port": stand_in.ports[443],
        "iot_hub.provisioning.host": HUB,
        "iot_hub.provisioning.port": port,
        "iot_hub.report_interval": 0.1,
        "iot_hub.tls.ca_file": folder / "stand-in.pem",
        "audio.card": "room",
        "audio.music.fifo": folder / "music.fifo",
    }
    command = [target / "debug/amora-service", "--config", file]
    command += [f"--set={path}={value}" for path, value in places.items()]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AMORA")}
    log = folder / "box.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        yield lambda: process.poll() is None or pytest.fail(log.read_text())
    finally:
        process.terminate()
        process.wait()


def reported(device, *path: str):
    """What a box reports, or nothing."""
    value = device.twin()["properties"]["reported"]
    for name in path:
        value = (value or {}).get(name)
    return value


def test_a_box_that_is_enrolled_by_the_page_is_seen_called_and_told_by_it(stand_in, azure, tmp_path):
    guide = Guide()

    group = "/enrollmentGroups/boxes"
    azure.answers["PUT", group] = {"enrollmentGroupId": "boxes", "etag": "1"}
    azure.answers["POST", f"{group}/attestationmechanism"] = {
        "type": "symmetricKey",
        "symmetricKey": {"primaryKey": GROUP_KEY, "secondaryKey": GROUP_KEY},
    }
    guide.run("DeviceProvisioningClient")
    assert azure.asked[0][:3] == ("PUT", PROVISIONING, group)
    assert azure.asked[0][3]["attestation"] == {"type": "symmetricKey"}
    assert azure.asked[0][3]["initialTwin"] == {"tags": {"ADUGroup": "ring2"}}

    guide.run("def settings")
    settings = guide.names["settings"]("box-0001", SCOPE, guide.names["group_key"])
    attestation = {"type": "group_key", "key": GROUP_KEY}
    stand_in.ask("PUT", "/enrolments/boxes", {"attestation": attestation, "hub": HUB})
    device = stand_in.device("box-0001", HUB)
    with box(settings, stand_in, tmp_path) as runs:
        wait_for(lambda: runs() and stand_in.ask("GET", "/registrations"))
        assert stand_in.ask("GET", "/registrations")[0]["registration_id"] == "box-0001"
        wait_for(lambda: runs() and reported(device, "state", "system") and reported(device, "state", "audio"))

        told = guide.run('twin = registry.get_twin("box-0001")')
        assert re.match(r"Connected \d+\.\d+", told), told
        assert "\niot_hub " in told, told

        told = guide.run("import CloudToDeviceMethod")
        assert told == "200 {'result': True}\n"
        wait_for(lambda: reported(device, "state", "audio", "volume") == 30)

        guide.run("TwinProperties(desired=desired)")
        wait_for(lambda: all(isinstance(reported(device, name), dict) for name in ["telemetry_interval", "config"]))
        version = device.twin()["properties"]["desired"]["$version"]
        interval, config = guide.run('answer["ac"]').splitlines()
        assert interval.startswith(f"200 {version} 300 ")
        assert config.startswith(f"200 {version} {{'audio': {{'ready_chime': False}}}} ")

        guide.run('tags={"ADUGroup": "ring0"}')
        assert device.twin()["tags"] == {"ADUGroup": "ring0"}

        assert guide.run("system.diagnose") == "202\n"
        (upload,) = wait_for(lambda: stand_in.ask("GET", f"/hubs/{HUB}/uploads"))
        assert (upload["device"], upload["success"]) == ("box-0001", True)
        assert base64.b64decode(upload["content"]).startswith(b"\x1f\x8b"), "it is compressed by gzip"

    deployment = "/deviceUpdate/boxes/management/groups/ring0/deployments/v1-4-0-ring0"
    azure.answers["PUT", deployment] = {}
    subgroups = [
        {"totalDevices": 3, "devicesInProgressCount": 2, "devicesCompletedSucceededCount": 1},
        {"totalDevices": 1, "devicesCompletedFailedCount": 1},
    ]
    azure.answers["GET", f"{deployment}/status"] = {"deploymentState": "Active", "subgroupStatus": subgroups}
    told = guide.run("DeviceUpdateClient")
    method, host, _, order = azure.asked[-2]
    assert (method, host) == ("PUT", VARIABLES["ADU_ENDPOINT"])
    assert order["update"] == {"updateId": {"provider": "AmoraOS", "name": "raspberrypi4-64", "version": "1.4.0"}}
    assert (order["groupId"], order["deploymentId"]) == ("ring0", "v1-4-0-ring0")
    assert list(eval(told).values()) == [4, 2, 1, 1]

    guide.run("def reason")
    result = {"resultCode": 0, "extendedResultCodes": "32000027", "resultDetails": "the cloud was not reached again"}
    agent = {"deviceUpdate": {"agent": {"state": 255, "lastInstallResult": result}}}
    twin = types.SimpleNamespace(properties=types.SimpleNamespace(reported=agent))
    guide.names["registry"] = types.SimpleNamespace(get_twin=lambda _: twin)
    assert guide.names["reason"]("box-0001") == ("32000027", "the cloud was not reached again")

    assert guide.left == [], "every piece of the page was run"


def test_the_certificates_of_the_page_let_a_box_in(stand_in, tmp_path):
    (commands,) = [block for block in blocks("sh") if "openssl req -x509" in block]
    subprocess.run(["sh", "-ec", commands], cwd=tmp_path, check=True, capture_output=True)
    verify = ["openssl", "verify", "-purpose", "sslclient", "-CAfile", "authority.pem", "box-0001.pem"]
    subprocess.run(verify, cwd=tmp_path, check=True, capture_output=True)

    authority = (tmp_path / "authority.pem").read_text()
    attestation = {"type": "group_authority", "authority": authority}
    stand_in.ask("PUT", "/enrolments/certified", {"attestation": attestation, "hub": HUB})
    stand_in_trusts(stand_in, authority)
    (settings,) = [block for block in blocks("toml") if "cert_file" in block]
    settings = settings.replace("0ne00A1B2C3", SCOPE)
    settings = settings.replace("/data/amora/iot-hub", str(tmp_path / "box-0001"))
    settings = '[device]\nid = "box-0001"\n' + settings
    with box(settings, stand_in, tmp_path) as runs:
        device = stand_in.device("box-0001", HUB)
        wait_for(lambda: runs() and stand_in.ask("GET", "/registrations"))
        wait_for(lambda: runs() and "connected" in device.history())


def stand_in_trusts(stand_in, authority: str):
    """Have the hub accept certificates of an authority."""
    answer = requests.post(f"{stand_in.control}/hubs/{HUB}/authorities", data=authority, timeout=60)
    answer.raise_for_status()


def test_the_decimal_code_of_the_page_is_the_one_it_names():
    decimal, code = re.search(r"printf '%08X\\n' (\d+)` makes `([0-9A-F]{8})`", PAGE).groups()
    assert f"{int(decimal):08X}" == code
    assert f"| `{code}` | `check_failed` |" in (ROOT / "docs/device-update.md").read_text()
