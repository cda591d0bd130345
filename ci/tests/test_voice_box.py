"""The voice desk from end to end: the box as it is shipped calls the hubs, in Rust and in Python."""

import json
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from iot_hub_stand_in import wait_for
from network import HUB, cable
from voice_box import DEVICE, box, gaps
from voice_peers import ROOT, python, running, rust, samples_of, sentence, share_of, tone

TOKEN = "open sesame"
HERTZ = 440
"""Of the music: neither hub says it."""


def health(hub) -> dict:
    """Return what a hub counts."""
    return hub.ask("GET", "/health")[1]


def counted(hub, desk) -> dict:
    """Return what was counted of speech from the hub to the loudspeaker, and of what never reached the hub."""
    body = desk.health()[1]
    names = ["tts_frames_received", "tts_frames_played", "mic_frames_dropped"]
    return {"routed": health(hub)["tts_frames_routed"], **{name: body[name] for name in names}}


def is_answered(hub, desk) -> bool:
    """Talk to a hub with an assistant; return whether its whole answer was played, and it heard without a loss."""
    before, forwarded = counted(hub, desk), health(hub)["frames_forwarded"]
    desk.hears(samples_of(sentence("Good morning. Is anybody there?")))
    wait_for(lambda: health(hub)["frames_forwarded"] > forwarded + 25)
    wait_for(lambda: counted(hub, desk)["routed"] > before["routed"] + 40)

    def at_rest() -> dict:
        now = counted(hub, desk)
        time.sleep(0.5)
        return now if counted(hub, desk) == now else {}

    after = wait_for(at_rest)
    dropped, *frames = (after[name] - before[name] for name in sorted(before))
    return dropped == 0 and len(set(frames)) == 1


def acceptance(command, folder):
    """Go through the seven steps by which the original voice client was accepted."""
    hub = running([*command, "--port=0", "--answer=length"], folder / "hub.log")
    with hub as hub, box(folder / "box", hub.address) as desk:
        wait_for(lambda: health(hub)["active_devices"] == 1)
        desk.wait_for_call()
        status, body = desk.health()
        assert (status, body["connected"]) == (200, True)

        # Again where the machine was too busy for it.
        assert any(is_answered(hub, desk) for _ in range(3))
        assert desk.health()[1]["tts_frames_received"] == desk.health()[1]["tts_frames_played"]
        wait_for(lambda: any(line["mic_sent"] > 0 and line["mic_dropped"] == 0 for line in desk.lines()))

        killed = time.monotonic()
        hub.process.kill()
        wait_for(lambda: desk.health()[1]["connection_failures"] > 0)
        missed = time.monotonic() - killed
        assert desk.health()[0] == 503
        port = hub.address.rsplit(":")[-1]
        with running([*command, f"--port={port}"], folder / "hub.log") as again:
            back = time.monotonic()
            desk.wait_for_call()
            called = time.monotonic() - back
            print(
                f"the hub that was killed was missed after {missed:.1f} s, and called {called:.1f} s after its return"
            )
            assert desk.health()[0] == 200
            assert desk.health()[1]["connections"] == 2
            assert health(again)["active_devices"] == 1
            desk.stop()


def end_without_gaps(desk, hertz):
    """End the box and look for pauses in a tone that it played; short ones only where the box itself counted losses."""
    lost = desk.lost()
    desk.stop()
    pauses = gaps(desk.played(), hertz)
    assert sum(pauses) <= 5 * lost, f"{pauses} × 20 ms; the box itself counted {lost}"


def silent_hub(folder):
    """Stop a hub without ending it, as a computer that sleeps, and let it go on."""
    hub = running([rust("hub-stand-in"), "--port=0"], folder / "hub.log")
    with hub as hub, box(folder / "box", hub.address) as desk, desk.music(HERTZ, 90):
        desk.wait_for_call()
        hub.process.send_signal(signal.SIGSTOP)
        try:
            wait_for(lambda: desk.voice()["link"] not in ("connected", "interrupted"))
        finally:
            hub.process.send_signal(signal.SIGCONT)
        desk.wait_for_call()
        assert desk.voice()["counters"]["connections"] == 2
        sent = desk.voice()["counters"]["mic_frames_sent"]
        wait_for(lambda: desk.voice()["counters"]["mic_frames_sent"] > sent + 50)
        end_without_gaps(desk, HERTZ)


def by_whip(hub, device=DEVICE) -> str:
    """Return the settings of a box that calls a hub by WHIP and WHEP."""
    return (
        f'protocol = "whip"\nwhip_url = "{hub.address}/whip/{device}"\ntoken = "{TOKEN}"\n'
        f'whep_url = "{hub.address}/whep/{device}/speech"\n'
    )


def another_address(folder):
    """Give two boxes another address in the middle of their calls: one is called anew, the other's call moves along."""
    with cable("198.51.100.2") as (there, here):
        program = [*there.prefix, rust("hub-stand-in"), "--address", HUB, "--port=0", "--token", TOKEN]
        place = {"prefix": here.prefix, "page": False}
        with (
            running(program, folder / "hub.log") as hub,
            box(folder / "box", hub.address, **place) as desk,
            box(folder / "moving", hub.address, voice=by_whip(hub, "moving"), grace=60, **place) as moving,
        ):

            def heard(device: str) -> dict:
                return json.loads(there.get(f"{hub.address}/devices/{device}"))

            with desk.music(HERTZ, 90):
                for each, device in ((desk, DEVICE), (moving, "moving")):
                    each.wait_for_call()
                    wait_for(lambda device=device: heard(device)["samples"] > 0)
                here.ip("address", "delete", "198.51.100.2/24", "dev", "cable")
                here.ip("address", "add", "198.51.100.3/24", "dev", "cable")
                samples = heard("moving")["samples"]
                wait_for(lambda: desk.voice()["counters"]["connections"] == 2)
                wait_for(lambda: heard(DEVICE)["connects"] == 2 and heard(DEVICE)["samples"] > 48_000)
                assert heard(DEVICE)["state"] == "connected"
                wait_for(lambda: heard("moving")["samples"] > samples + 48_000)
                moving.wait_for_call()
                assert heard("moving")["connects"] == 1
                counters = moving.voice()["counters"]
                assert (counters["connections"], counters["connection_failures"]) == (2, 0), "one each way"
                end_without_gaps(desk, HERTZ)


def media_server(folder):
    """Call a media server in Python, by WHIP and WHEP, that hangs up once."""
    with (
        running([*python("hub"), "--port=0", "--token", TOKEN], folder / "hub.log") as hub,
        box(folder / "box", hub.address, voice=by_whip(hub), room="noise = -90") as desk,
    ):
        assert hub.ask("POST", f"/whip/{DEVICE}", b"v=0", "application/sdp")[0] == 401
        desk.wait_for_call()
        assert hub.ask("DELETE", f"/devices/{DEVICE}")[0] == 204
        wait_for(lambda: desk.voice()["counters"]["connections"] == 4)
        desk.wait_for_call()

        def heard() -> float:
            return share_of(1000, samples_of(hub.ask("GET", f"/devices/{DEVICE}/heard?seconds=0.5")[1]))

        # The tone goes on while it is heard, and canceller and codec take their time.
        desk.hears(samples_of(tone(1000, 20)), until=lambda: heard() > 0.9)
        assert heard() > 0.9
        assert hub.ask("POST", f"/devices/{DEVICE}/say", tone(700, 2))[1]["frames"] == 100

        def is_played() -> bool:
            counters = desk.voice()["counters"]
            return counters["tts_frames_received"] == counters["tts_frames_played"] == 100

        wait_for(is_played)
        end_without_gaps(desk, 700)
        wait_for(lambda: health(hub)["active_devices"] == 0)


def browser(folder):
    """Let Chromium listen along while the box is in a call by WHIP and WHEP."""
    program = [rust("hub-stand-in"), "--port=0", "--token", TOKEN]
    with (
        running(program, folder / "hub.log") as hub,
        box(folder / "box", hub.address, voice=by_whip(hub), room="noise = -90") as desk,
    ):
        desk.wait_for_call()
        chromium = ["node", ROOT / "ci/tests/whep.mjs", f"{hub.address}/whep/{DEVICE}", TOKEN]
        with subprocess.Popen(chromium, stdout=subprocess.PIPE, text=True) as page:
            try:
                wait_for(lambda: hub.ask("GET", f"/devices/{DEVICE}")[1].get("viewers") == 1)
                desk.hears(samples_of(tone(1000, 60)), until=lambda: page.poll() is not None)
                heard = json.loads(page.stdout.readline())
            finally:
                page.kill()
        assert abs(heard["frequency"] - 1000) < 3
        assert abs(heard["decibels"] + 12) < 1.5
        wait_for(lambda: hub.ask("GET", f"/devices/{DEVICE}")[1].get("viewers") == 0)

        said = hub.ask("POST", f"/devices/{DEVICE}/say", tone(700, 2))[1]["frames"]
        assert said == 100

        def is_played() -> bool:
            counters = desk.voice()["counters"]
            return said == counters["tts_frames_received"] == counters["tts_frames_played"]

        wait_for(is_played)
        assert health(hub)["active_devices"] == 1
        end_without_gaps(desk, 700)
        wait_for(lambda: health(hub)["active_devices"] == 0)


# The longest first.
SCENES = {
    "browser": browser,
    "acceptance-rust": lambda folder: acceptance([rust("hub-stand-in")], folder),
    "acceptance-python": lambda folder: acceptance(python("hub"), folder),
    "silent-hub": silent_hub,
    "another-address": another_address,
    "media-server": media_server,
}


@pytest.fixture(scope="module")
def scenes(request, tmp_path_factory):
    """Play the scenes that are asked for, three at once: most of each is waiting."""
    names = [item.callspec.params["name"] for item in request.session.items if item.path == request.path]
    rust("hub-stand-in")
    rust("amora-service", package="amora-service")
    with ThreadPoolExecutor(3) as pool:
        # A Unix socket's path may not be longer than 107 bytes.
        yield {name: pool.submit(SCENES[name], tmp_path_factory.mktemp(name)) for name in names}


@pytest.mark.parametrize("name", SCENES)
def test_the_call(scenes, name):
    scenes[name].result()
