"""Music comes out of the sound card as it is, and what a microphone hears comes in."""

import pytest
from rig import sound
from rig.box import CONFIGURATION

FREQUENCY = 1000.0
LEVEL = -20.0
SECONDS = 8
# The microphone is the mean of the loop's two channels, and the sound test plays on one after the other.
ONE_OF_TWO = -6.02
SONG = "tone.wav"
# Until the drift between card and system is known, emulated clocks' jitter bends the tone a little.
PITCH = 1.0
# Emulation on a busy machine may starve the card; the box counts that. A gap that it does not count is its own fault.
TRIES = 3
LOOP = """\
[audio]
card = "alsa"
device = "hw:CARD=Loopback,DEV=0"
capture_device = "hw:CARD=Loopback,DEV=1"
"""


@pytest.fixture(scope="module", autouse=True)
def song(machine):
    """A tone in the library."""
    machine.on()
    machine.put_song(SONG, sound.sine(FREQUENCY, SECONDS, LEVEL))


@pytest.mark.lg_feature("recorded-sound")
def test_the_card_is_open_and_real(box):
    """The service has found the card, and runs it without being late for ever."""
    card = box.until("sound flows", lambda: _running(box))
    assert card["kind"] == "alsa"
    assert "error" not in card
    assert card["rate"] == 48_000
    assert box.health()["audio"]["condition"] == "ok"


@pytest.mark.lg_feature("recorded-sound")
def test_a_file_is_heard_as_it_is(box, recording):
    """MPD plays a file, and the card plays its tone: frequency, level, no gap, nothing added."""
    box.command("audio.set_volume", volume=100)
    heard = None
    for _ in range(TRIES):
        start, lost = sound.size(recording), _lost(box)
        box.command("player.queue_clear")
        box.command("player.queue_add", uri=SONG, play=True)
        box.until("it plays", lambda: box.state("player")["state"] == "play")
        box.until("it has played", lambda: box.state("player")["state"] == "stop")
        heard = sound.tone(sound.read(recording, start), FREQUENCY)
        assert heard is not None, "no tone was recorded"
        if heard.gaps == 0:
            break
        assert _lost(box) > lost, f"there are gaps, and the box knows of none: {heard}"
    assert heard.gaps == 0, heard
    assert heard.seconds > SECONDS - 1, heard
    assert heard.frequency == pytest.approx(FREQUENCY, abs=PITCH)
    assert heard.level == pytest.approx(LEVEL, abs=0.2)
    assert heard.noise < -60, heard


@pytest.mark.lg_feature("recorded-sound")
def test_the_volume_is_heard(box, recording):
    """Ten steps down are six decibels at the card."""
    box.command("audio.set_volume", volume=90)
    start = sound.size(recording)
    box.command("player.queue_clear")
    box.command("player.queue_add", uri=SONG, play=True)
    box.until("it plays", lambda: box.state("player")["state"] == "play")
    box.until("it has played", lambda: box.state("player")["state"] == "stop")
    box.command("audio.set_volume", volume=100)
    assert sound.tone(sound.read(recording, start), FREQUENCY).level == pytest.approx(LEVEL - 6, abs=0.3)


def test_the_microphone_is_heard(box):
    """What the box plays into a loop comes back through its microphone's way: the sound test finds its own tone."""
    box.run("modprobe snd-aloop && until grep -q Loopback /proc/asound/cards; do sleep 0.2; done")
    try:
        box.configure(LOOP)
        box.until("sound flows into the loop", lambda: "Loopback" in (_running(box) or {}).get("device", ""))
        report = None
        for _ in range(TRIES):
            report = box.command_when_free("audio.test", frequency=FREQUENCY, level=LEVEL)
            if report["pass"] or report["xruns"] == 0:
                break
        assert report["pass"] and report["listened"], report
        for channel in report["channels"]:
            assert channel["frequency"] == pytest.approx(FREQUENCY, abs=2)
            assert channel["heard"] == pytest.approx(LEVEL + ONE_OF_TWO, abs=0.5)
    finally:
        box.configure("")
        box.until("sound flows again", lambda: "Loopback" not in (_running(box) or {"device": "Loopback"})["device"])
        box.run("modprobe --remove snd-aloop")
    assert not box.exists(CONFIGURATION)


def _running(box):
    card = box.state("audio")["card"]
    return card if card["running"] else None


def _lost(box):
    """Times that the box knows sound was lost."""
    counters = box.state("audio")["counters"]
    return counters["xruns"] + counters["underruns"] + counters["dropped"] + counters["reopens"]
