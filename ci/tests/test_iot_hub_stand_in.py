"""Microsoft's device SDK for Python against our stand-in for IoT Hub, which is what makes the stand-in believable.

The SDK is the published package, unchanged (`ci/requirements-azure.txt`; it has a folder of its own, `build/azure`).
Its ports are fixed, 8883 and 443, and its host names are Azure's, so for these tests the resolver of this process,
`socket.getaddrinfo`, gives the stand-in's address and its free ports for those names. TLS is as ever: the stand-in's
certificate is for those names, and the SDK trusts its authority by its own option `server_verification_cert`.
"""

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
import urllib.error
import urllib.request

import pytest
from azure.iot.device import X509, IoTHubDeviceClient, Message, MethodResponse, ProvisioningDeviceClient
from azure.iot.device.exceptions import ClientError, ConnectionFailedError, CredentialError
from iot_hub_stand_in import HUB, OTHER_HUB, PATIENCE, PROVISIONING, SCOPE, connected, running, wait_for


def derived_key(group_key: str, registration: str) -> str:
    """Return the key of a device in an enrolment group, as the documents tell to make it."""
    signature = hmac.new(base64.b64decode(group_key), registration.encode(), hashlib.sha256).digest()
    return base64.b64encode(signature).decode()


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    with running(tmp_path_factory.mktemp("stand-in")) as stand_in:
        yield stand_in


@pytest.fixture(autouse=True)
def resolver(stand_in, monkeypatch):
    """Let Azure's names lead to the stand-in, and its network work again after each test."""
    real = socket.getaddrinfo

    def resolve(host, port, *arguments, **options):
        if host in {HUB, OTHER_HUB, PROVISIONING}:
            host, port = "127.0.0.1", stand_in.ports[port]
        return real(host, port, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    yield
    stand_in.ask("PUT", "/network", {"reachable": True, "silent": False, "delay_ms": 0, "clock_ahead_seconds": 0})


@pytest.fixture
def certificate(stand_in, tmp_path):
    """Make a device's certificate; the SDK wants it in files."""

    def make(name: str) -> tuple[X509, str]:
        made = stand_in.ask("POST", f"/certificates/{name}")
        files = tmp_path / f"{name}.pem", tmp_path / f"{name}.key"
        for file, part in zip(files, ("certificate", "key"), strict=True):
            file.write_text(made[part])
        return X509(str(files[0]), str(files[1])), made["thumbprint"]

    return make


def register(stand_in, name: str, key=None, x509=None, payload=None, **options):
    """Register with the provisioning service as a device does."""
    options = {"provisioning_host": PROVISIONING, "registration_id": name, "id_scope": SCOPE, **options}
    options["server_verification_cert"] = stand_in.authority
    if x509:
        client = ProvisioningDeviceClient.create_from_x509_certificate(x509=x509, **options)
    else:
        client = ProvisioningDeviceClient.create_from_symmetric_key(symmetric_key=key, **options)
    if payload is not None:
        client.provisioning_payload = payload
    try:
        return client.register()
    except ClientError:
        # The SDK stays connected after a refusal, and has no public way to end that.
        client._pipeline.shutdown(callback=lambda *_, **__: None)
        raise


# Provisioning


def test_a_device_with_its_own_key_is_assigned_and_connects(stand_in):
    key = base64.b64encode(b"an individual key").decode()
    attestation = {"type": "key", "registration_id": "own-key", "key": key}
    stand_in.enrol("own-key", attestation, desired={"volume": 30}, payload={"greeting": "hello"})
    result = register(stand_in, "own-key", key, payload={"modelId": "dtmi:example:model;1"})
    assert (result.status, result.registration_state.device_id) == ("assigned", "own-key")
    assert result.registration_state.assigned_hub == HUB
    assert json.loads(result.registration_state.response_payload) == {"greeting": "hello"}
    assert stand_in.ask("GET", "/registrations")[-1]["payload"] == {"modelId": "dtmi:example:model;1"}
    device = stand_in.device("own-key")
    device.connection_string = f"HostName={HUB};DeviceId=own-key;SharedAccessKey={key}"
    with device.client() as client:
        assert client.get_twin()["desired"] == {"volume": 30, "$version": 2}


def test_a_device_of_a_group_is_assigned(stand_in):
    group = base64.b64encode(b"the key of the whole group").decode()
    stand_in.enrol("group", {"type": "group_key", "key": group})
    result = register(stand_in, "member-1", derived_key(group, "member-1"))
    assert (result.status, result.registration_state.device_id) == ("assigned", "member-1")
    with pytest.raises(ClientError):
        register(stand_in, "member-2", derived_key(group, "member-1"))


def test_a_device_with_a_certificate_is_assigned_and_connects(stand_in, certificate):
    x509, thumbprint = certificate("own-certificate")
    attestation = {"type": "certificate", "registration_id": "own-certificate", "thumbprint": thumbprint}
    stand_in.enrol("own-certificate", attestation)
    result = register(stand_in, "own-certificate", x509=x509)
    assert result.registration_state.assigned_hub == HUB
    options = {"server_verification_cert": stand_in.authority}
    client = IoTHubDeviceClient.create_from_x509_certificate(x509, HUB, "own-certificate", **options)
    with connected(client):
        client.send_message("by certificate")
        assert stand_in.device("own-certificate").received(1)[0]["text"] == "by certificate"


def test_a_device_with_a_certificate_of_the_groups_authority_is_assigned_and_connects(stand_in, certificate):
    stand_in.enrol("authority", {"type": "group_authority", "authority": stand_in.authority})
    x509, _ = certificate("vouched-for")
    assert register(stand_in, "vouched-for", x509=x509).status == "assigned"
    options = {"server_verification_cert": stand_in.authority}
    with connected(IoTHubDeviceClient.create_from_x509_certificate(x509, HUB, "vouched-for", **options)) as client:
        assert client.get_twin()["desired"]["$version"] == 1
    stand_in.register("not-vouched-for", {"type": "certificateAuthority"})
    other = IoTHubDeviceClient.create_from_x509_certificate(x509, HUB, "not-vouched-for", **options)
    with pytest.raises(CredentialError), connected(other):
        pass


def test_the_provisioning_service_is_asked_again_when_it_is_busy(stand_in):
    key = base64.b64encode(b"a patient key").decode()
    stand_in.enrol("patient", {"type": "key", "registration_id": "patient", "key": key})
    stand_in.ask("PUT", "/provisioning", {"fail": [429, 500], "polls": 2, "retry_after": 1})
    assert register(stand_in, "patient", key).status == "assigned"


@pytest.mark.parametrize(
    ("name", "key", "more", "reason"),
    [
        ("wrong-key", "d3Jvbmc=", {}, "401"),
        ("failing", "cmlnaHQ=", {"fails": True}, "failed registration status"),
        ("disabled", "cmlnaHQ=", {"enabled": False}, "disabled"),
    ],
)
def test_a_registration_that_is_refused_says_so(stand_in, name, key, more, reason):
    stand_in.enrol(name, {"type": "key", "registration_id": name, "key": "cmlnaHQ="}, **more)
    with pytest.raises(ClientError) as error:
        register(stand_in, name, key)
    assert reason in str(error.value.__cause__)


def test_a_device_that_is_assigned_to_another_hub_moves_there(stand_in):
    key = base64.b64encode(b"a key that moves").decode()
    attestation = {"type": "key", "registration_id": "moving", "key": key}
    stand_in.enrol("moving", attestation)
    assert register(stand_in, "moving", key).registration_state.assigned_hub == HUB
    stand_in.enrol("moving", attestation, hub=OTHER_HUB)
    assert register(stand_in, "moving", key).registration_state.assigned_hub == OTHER_HUB
    device = stand_in.device("moving", OTHER_HUB)
    device.connection_string = f"HostName={HUB};DeviceId=moving;SharedAccessKey={key}"
    with pytest.raises(CredentialError), device.client():
        pass
    device.connection_string = f"HostName={OTHER_HUB};DeviceId=moving;SharedAccessKey={key}"
    with device.client() as client:
        client.send_message("moved")
    assert device.received(1)[0]["text"] == "moved"


# Messages


def test_telemetry_arrives_in_order_with_its_properties(stand_in):
    device = stand_in.register("telemetry")
    with device.client() as client:
        for number in range(20):
            message = Message(json.dumps({"number": number}), content_encoding="utf-8", content_type="application/json")
            message.message_id, message.correlation_id = f"id {number}", "a/b=c&d"
            message.custom_properties["büro"] = "1 & 2"
            client.send_message(message)
    messages = device.received(20)
    assert [json.loads(message["text"])["number"] for message in messages] == list(range(20))
    assert messages[3]["system"] == {"mid": "id 3", "cid": "a/b=c&d", "ct": "application/json", "ce": "utf-8"}
    assert messages[3]["properties"] == {"büro": "1 & 2"}
    assert device.ask("GET", f"messages?after={messages[17]['sequence']}&count=2") == messages[18:]


def test_a_message_of_256_kilobytes_passes(stand_in):
    device = stand_in.register("large")
    with device.client() as client:
        client.send_message(Message("x" * (256 * 1024 - 100)))
    assert len(device.received(1)[0]["text"]) == 256 * 1024 - 100


def test_cloud_messages_arrive_also_those_sent_while_the_device_was_away(stand_in):
    device = stand_in.register("cloud-messages")
    with device.client() as client:
        received = []
        client.on_message_received = received.append
        device.send("first", **{"$.mid": "m1", "colour": "grün & blau"})
        wait_for(lambda: received)
        assert (received[0].data, received[0].message_id) == (b"first", "m1")
        assert received[0].custom_properties == {"colour": "grün & blau"}
        client.disconnect()
        device.send("second")
        device.send("third")
        client.connect()
        wait_for(lambda: len(received) == 3)
        assert [message.data for message in received] == [b"first", b"second", b"third"]
    assert wait_for(lambda: device.twin()["cloudToDeviceMessageCount"] == 0)


def test_files_are_uploaded(stand_in):
    device = stand_in.register("uploading")
    with device.client() as client:
        place = client.get_storage_info_for_blob("logs/today.txt")
        url = f"https://{place['hostName']}/{place['containerName']}/{place['blobName']}{place['sasToken']}"
        trust = ssl.create_default_context(cadata=stand_in.authority)
        request = urllib.request.Request(url, b"content", {"x-ms-blob-type": "BlockBlob"}, method="PUT")
        with urllib.request.urlopen(request, context=trust) as answer:
            assert answer.status == 201
        client.notify_blob_upload_status(place["correlationId"], True, 201, "all there")
    (upload,) = stand_in.ask("GET", f"/hubs/{HUB}/uploads")
    assert upload["blob"] == "uploading/logs/today.txt"
    assert (base64.b64decode(upload["content"]), upload["description"]) == (b"content", "all there")


# Twin and methods


def test_the_twin_is_read_patched_and_followed(stand_in):
    device = stand_in.register("twin")
    device.desire({"volume": 40, "gone": True})
    with device.client() as client:
        assert client.get_twin() == {
            "desired": {"volume": 40, "gone": True, "$version": 2},
            "reported": {"$version": 1},
        }
        client.patch_twin_reported_properties({"volume": 40, "audio": {"card": "null"}})
        client.patch_twin_reported_properties({"volume": None})
        assert device.twin()["properties"]["reported"] == {"audio": {"card": "null"}, "$version": 3}
        waited = stand_in.ask("GET", f"{device.twin_path}?reported=3&seconds={PATIENCE}")
        assert waited["properties"]["reported"]["$version"] == 3
        patches = []
        client.on_twin_desired_properties_patch_received = patches.append
        device.desire({"volume": 50, "gone": None})
        wait_for(lambda: patches)
        assert patches == [{"volume": 50, "gone": None, "$version": 3}]
        assert client.get_twin()["desired"] == {"volume": 50, "$version": 3}


@pytest.mark.parametrize(
    "patch",
    [{"a.b": 1}, {"large": ["x" * 4000] * 9}, {"text": "x" * 5000}, {"number": 2**53}, {"$metadata": {}}],
    ids=["name", "size", "text", "number", "system name"],
)
def test_a_patch_that_the_hub_does_not_take_fails_and_changes_nothing(stand_in, patch):
    device = stand_in.register("bad-patch")
    with device.client() as client:
        with pytest.raises(ClientError) as error:
            client.patch_twin_reported_properties(patch)
        assert "400" in str(error.value.__cause__)
        assert client.get_twin()["reported"] == {"$version": 1}


def test_a_throttled_twin_request_fails_and_the_next_one_does_not(stand_in):
    device = stand_in.register("throttled")
    with device.client() as client:
        device.ask("PUT", "rules", {"fail_twin": [429]})
        with pytest.raises(ClientError) as error:
            client.patch_twin_reported_properties({"a": 1})
        assert "429" in str(error.value.__cause__)
        client.patch_twin_reported_properties({"a": 1})
    assert device.twin()["properties"]["reported"]["a"] == 1


def test_methods_are_called_and_answered(stand_in):
    device = stand_in.register("methods")
    with device.client() as client:

        def answer(request):
            status = 200 if request.name == "set_volume" else 404
            payload = {"name": request.name, "payload": request.payload}
            if request.name != "silent":
                client.send_method_response(MethodResponse.create_from_method_request(request, status, payload))

        client.on_method_request_received = answer
        reply = device.invoke("set_volume", {"volume": 20})
        assert reply == {"status": 200, "payload": {"name": "set_volume", "payload": {"volume": 20}}}
        reply = device.invoke("gibt es nicht?")
        assert reply == {"status": 404, "payload": {"name": "gibt es nicht?", "payload": None}}
        with pytest.raises(urllib.error.HTTPError, match="504"):
            device.invoke("silent", response=1)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        device.invoke("set_volume", connect=0)


# Connections


def test_the_model_is_announced(stand_in):
    device = stand_in.register("model")
    with device.client(product_info="dtmi:azure:iot:deviceUpdateModel;3"):
        assert device.twin()["modelId"] == "dtmi:azure:iot:deviceUpdateModel;3"


def test_a_client_that_does_not_trust_the_authority_does_not_connect(stand_in):
    device = stand_in.register("distrust")
    with pytest.raises((ClientError, ConnectionFailedError)), device.client(server_verification_cert=None):
        pass
    assert device.history() == []


def test_a_wrong_key_and_a_disabled_device_are_refused(stand_in):
    device = stand_in.register("refused")
    right = device.connection_string
    device.connection_string = right.rsplit("SharedAccessKey=")[0] + "SharedAccessKey=d3Jvbmc="
    with pytest.raises(CredentialError), device.client():
        pass
    device.connection_string = right
    device.ask("PUT", "rules", {"enabled": False})
    with pytest.raises(CredentialError), device.client():
        pass
    assert device.history() == [{"refused": 5}, {"refused": 5}]


def test_a_token_ends_the_connection_with_its_time(stand_in):
    device = stand_in.register("expiring")
    with device.client() as client:
        changed = threading.Event()
        client.on_connection_state_change = changed.set
        stand_in.ask("PUT", "/network", {"clock_ahead_seconds": 7200})
        assert changed.wait(PATIENCE)
        wait_for(lambda: {"refused": 5} in device.history())
        assert device.history()[:2] == ["connected", {"closed": "token_expired"}]
        stand_in.ask("PUT", "/network", {"clock_ahead_seconds": 0})
        client.connect()
        client.send_message("back")
    assert device.received(1)[0]["text"] == "back"


def test_a_token_is_renewed_before_its_time(stand_in):
    device = stand_in.register("renewing")
    # The SDK renews two minutes before the end.
    with device.client(sastoken_ttl=123) as client:
        wait_for(lambda: device.history().count("connected") == 2)
        client.send_message("still here")
    assert device.received(1)[0]["text"] == "still here"
    assert {"closed": "token_expired"} not in device.history()


def test_a_second_connection_kicks_the_first(stand_in):
    device = stand_in.register("twice")
    with device.client(connection_retry=False) as first:
        lost = threading.Event()
        first.on_connection_state_change = lost.set
        with device.client() as second:
            assert lost.wait(PATIENCE)
            assert not first.connected
            second.send_message("from the second")
            assert device.history() == ["connected", {"closed": "replaced"}, "connected"]
    assert device.received(1)[0]["text"] == "from the second"


def test_a_client_comes_back_after_the_network_was_cut(stand_in):
    device = stand_in.register("cut")
    with device.client() as client:
        patches = []
        client.on_twin_desired_properties_patch_received = patches.append
        client.get_twin()
        client.send_message("before")
        stand_in.ask("PUT", "/network", {"reachable": False})
        wait_for(lambda: not client.connected)
        device.desire({"volume": 60})
        stand_in.ask("PUT", "/network", {"reachable": True})
        wait_for(lambda: client.connected)
        client.send_message("after")
        # The SDK reads the twin after it has come back.
        wait_for(lambda: any(patch.get("volume") == 60 for patch in patches))
    assert [message["text"] for message in device.received(2)] == ["before", "after"]


def test_all_of_it_works_over_websockets(stand_in):
    key = base64.b64encode(b"a key for websockets").decode()
    stand_in.enrol("websocket", {"type": "key", "registration_id": "websocket", "key": key})
    assert register(stand_in, "websocket", key, websockets=True).registration_state.assigned_hub == HUB
    device = stand_in.device("websocket")
    device.connection_string = f"HostName={HUB};DeviceId=websocket;SharedAccessKey={key}"
    with device.client(websockets=True) as client:
        client.send_message("x" * 200_000)
        assert len(device.received(1)[0]["text"]) == 200_000
        received, patches = [], []
        client.on_message_received = received.append
        client.on_twin_desired_properties_patch_received = patches.append
        device.send("hello")
        device.desire({"volume": 1})
        wait_for(lambda: received and patches)
        client.on_method_request_received = lambda request: client.send_method_response(
            MethodResponse.create_from_method_request(request, 200, request.payload)
        )
        assert device.invoke("echo", [1, 2]) == {"status": 200, "payload": [1, 2]}
        client.patch_twin_reported_properties({"volume": 1})
    assert device.twin()["properties"]["reported"]["volume"] == 1
