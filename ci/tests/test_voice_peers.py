"""That the voice desk's peers can be believed: each of the hubs with the client in Python, on aiortc."""

import http.client
import json
import subprocess

import pytest
from iot_hub_stand_in import wait_for
from voice_peers import PATIENCE, RATE, client, python, running, rust, samples_of, sentence, share_of, tone


@pytest.fixture(scope="module", params=["python", "rust"])
def command(request):
    """Return the command that runs a hub."""
    return python("hub") if request.param == "python" else [rust("hub-stand-in")]


@pytest.fixture
def hub(command, tmp_path):
    """Run a hub without an assistant."""
    with running([*command, "--port=0"], tmp_path / "hub.log") as program:
        yield program


@pytest.fixture(scope="module")
def talk():
    """Return a sentence between silences."""
    return sentence("Good morning. Is anybody there?")


def health(program) -> dict:
    """Return what a program counts."""
    return program.ask("GET", "/health")[1]


def wait_connected(device):
    """Wait until the client says that it is connected, by its status too."""
    wait_for(lambda: device.ask("GET", "/health")[0] == 200)


def test_sound_flows_both_ways(hub, tmp_path):
    # What aiortc offers unless it is told otherwise.
    payload_type = 96
    with client(hub, tmp_path, tone(1000, 1), "--payload-type", payload_type) as device:
        wait_connected(device)
        state = wait_for(lambda: (now := hub.ask("GET", "/devices/desk")[1])["samples"] > 1.5 * RATE and now)
        assert (state["state"], state["payload_type"], state["skipped"]) == ("connected", payload_type, 0)
        heard = samples_of(hub.ask("GET", "/devices/desk/heard?seconds=1")[1])
        assert len(heard) == RATE
        assert share_of(1000, heard) > 0.9
        packets = hub.ask("GET", "/devices/desk/packets")[1]
        assert [packet["position"] for packet in packets] == [960 * number for number in range(len(packets))]
        assert {packet["payload_type"] for packet in packets} == {payload_type}

        sent = hub.ask("POST", "/devices/desk/say", tone(700, 2))[1]["frames"]
        assert sent == 100
        # aiortc's jitter buffer holds back what came last, until more comes.
        wait_for(lambda: sent - 5 <= (now := health(device))["tts_frames_received"] == now["tts_frames_played"])
        assert health(hub)["tts_frames_routed"] == sent
        body = health(device)
        assert body["mic_frames_sent"] > 0
        assert body["mic_frames_dropped"] == 0
        assert health(hub)["active_devices"] == 1
        assert device.stop() == 0
    played = samples_of((tmp_path / "played.wav").read_bytes())
    loud = [number for number, sample in enumerate(played) if abs(sample) > 2000]
    assert share_of(700, played[loud[0] : loud[-1]]) > 0.95, "whole, though it came faster than it is played"
    assert loud[-1] - loud[0] > 1.8 * RATE


def test_the_session_of_the_box_calls_it(hub, tmp_path):
    file = tmp_path / "told.wav"
    call = [rust("call", "--example"), hub.address, "100", file]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as box:
        try:
            state = wait_for(lambda: (now := hub.ask("GET", "/devices/desk")[1]).get("samples", 0) > 1.5 * RATE and now)
            assert (state["state"], state["payload_type"], state["skipped"]) == ("connected", 111, 0)
            heard = samples_of(hub.ask("GET", "/devices/desk/heard?seconds=1")[1])
            assert share_of(1000, heard) > 0.9
            assert hub.ask("POST", "/devices/desk/say", tone(700, 2))[1]["frames"] == 100
            numbers, errors = box.communicate(timeout=PATIENCE)
        finally:
            box.kill()
    assert box.returncode == 0, errors
    assert json.loads(numbers) == [[number, 960 * number] for number in range(100)]
    told = samples_of(file.read_bytes())
    assert len(told) == 2 * RATE
    assert share_of(700, told) > 0.95


def test_who_speaks_is_answered(command, talk, tmp_path):
    with (
        running([*command, "--port=0", "--answer=length"], tmp_path / "hub.log") as hub,
        client(hub, tmp_path, talk) as device,
    ):
        wait_for(lambda: health(device)["tts_frames_played"] > 40)
        body = health(hub)
        assert body["vad_onsets"] >= body["vad_ends"] >= 1
        assert body["frames_forwarded"] > 50
        assert body["tts_frames_dropped"] == 0
        assert (body["status"], body["grpc_connected"]) == ("ok", True)


def test_the_last_connection_of_a_device_is_the_one(hub, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with client(hub, first, tone(500, 1), "--reconnect-delay", 60) as loser:
        wait_connected(loser)
        with client(hub, second, tone(500, 1)) as winner:
            wait_connected(winner)
            wait_for(lambda: loser.ask("GET", "/health")[0] == 503)
            assert health(hub)["active_devices"] == 1
            assert hub.ask("DELETE", "/devices/desk")[0] == 204
            wait_for(lambda: health(winner)["connections"] == 2)
            assert hub.ask("GET", "/devices/desk")[1]["connects"] == 3


def test_a_hub_that_is_gone_and_comes_back(command, tmp_path):
    with running([*command, "--port=0"], tmp_path / "hub.log") as hub, client(hub, tmp_path, tone(500, 1)) as device:
        wait_connected(device)
        assert hub.stop() == 0
        wait_for(lambda: health(device)["connection_failures"] > 0)
        port = hub.address.rsplit(":")[-1]
        with running([*command, f"--port={port}"], tmp_path / "hub.log") as again:
            wait_connected(device)
            assert health(device)["connections"] == 2
            assert again.ask("GET", "/devices/desk")[1]["payload_type"] == 111


def test_answers_that_are_none(hub, tmp_path):
    faults = ["error", "html", "broken_sdp", "no_audio", "video_only", "large"]
    # aiohttp follows ten of them.
    assert hub.ask("PUT", "/faults", [*faults, *["redirect"] * 11])[0] == 204
    with client(hub, tmp_path, tone(500, 1)) as device:
        wait_connected(device)
        assert health(device)["connection_failures"] == len(faults) + 1

    offer = {"device_id": "x", "sdp": "v=0"}
    hub.ask("PUT", "/faults", ["error", "html", "broken_sdp", "large", "redirect", "slow_drip"])
    status, body = hub.ask("POST", "/connect", offer)
    assert (status, list(body)) == (500, ["error"])
    assert hub.ask("POST", "/connect", offer)[1].startswith(b"<!doctype html>")
    assert hub.ask("POST", "/connect", offer)[1]["sdp"].endswith("m=audio")
    assert len(hub.ask("POST", "/connect", offer)[1]["sdp"]) == 1 << 20
    assert hub.ask("POST", "/connect", offer)[0] == 307
    connection = http.client.HTTPConnection(hub.address.removeprefix("http://"), timeout=PATIENCE)
    connection.request("POST", "/connect", json.dumps(offer), {"Content-Type": "application/json"})
    assert connection.getresponse().read(3) == b'{"s', "byte by byte"
    connection.close()
    assert hub.ask("PUT", "/faults", ["unheard of"])[0] in (400, 422)


def test_requests_that_are_none(hub):
    assert hub.ask("POST", "/connect", b"{")[0] == 400
    assert hub.ask("POST", "/connect", {"sdp": "v=0"})[0] == 422
    assert hub.ask("POST", "/connect", {"device_id": "x", "sdp": 7})[0] == 422
    for sdp in ["", "v=0", "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"]:
        status, body = hub.ask("POST", "/connect", {"device_id": "x", "sdp": sdp})
        assert (status, list(body)) == (500, ["error"]), sdp
    assert hub.ask("POST", "/devices/x/say", tone(500, 1))[0] == 404
    assert health(hub)["active_devices"] == 0
