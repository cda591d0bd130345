"""After a power cut, with a clock wrong by decades and without any network, the box is what it was, and plays."""

from datetime import UTC, datetime

import pytest
from rig import sound

WRONG = datetime(2001, 2, 3, tzinfo=UTC)
OLD_CONFIGURATION = '[device]\nname = "Kitchen"\n'
FREQUENCY = 1000.0

pytestmark = pytest.mark.lg_feature("qemu")


def _facts(box):
    box.until("MPD is there", lambda: box.run("amoractl --json player get-status | jq .error") == "null")
    return {
        "machine-id": box.read("/etc/machine-id"),
        "host name": box.read("/proc/sys/kernel/hostname"),
        "login code": box.read("/data/amora/login-code"),
        "SSH key": box.run("cat /data/system/ssh/ssh_host_ed25519_key.pub 2>/dev/null; true"),
        "volume": box.run("amoractl --json audio get-status | jq .volume"),
        "name": box.run("amoractl --json system get-status | jq -r .name"),
        "playlists": box.run("amoractl --json player get-playlists | jq -c '[.playlists[].name]'"),
    }


@pytest.fixture(scope="module")
def before(machine):
    """What the box was before its power was cut and the network's cable pulled."""
    machine.on()
    machine.configure(OLD_CONFIGURATION)
    machine.put_song("tone.wav", sound.sine(FREQUENCY, 8, -20.0))
    machine.command("audio.set_volume", volume=100)
    machine.command("player.queue_clear")
    machine.command("player.queue_add", uri="tone.wav")
    machine.command("player.queue_save", name="Kept")
    facts = _facts(machine)
    facts["clock"] = int(machine.run("date +%s"))
    # It is written some seconds after it changed.
    machine.until("the volume is on the card", lambda: "100" in machine.read("/data/amora/sound.json"))
    machine.run("touch /var/lib/systemd/timesync/clock; sync")
    machine.off()
    machine.machine.also(f"-rtc base={WRONG:%Y-%m-%dT%H:%M:%S}")
    machine.at_boot_loader()
    machine.machine.monitor_command("set_link", {"name": "network", "up": False})
    machine.on()
    yield facts
    machine.machine.also("")
    machine.off()


def test_it_is_ready_without_a_network(box, before):
    """No unit waits for what is not there."""
    assert box.run("systemctl is-system-running --wait").endswith("running")
    assert box.run("cat /sys/class/net/e*/carrier") == "0"
    assert box.run("ip -4 route show default") == ""


def test_everything_kept_is_still_there(box, before):
    """Identity, keys, code, volume, name and playlists are what they were."""
    now = _facts(box)
    assert now == {name: before[name] for name in now}


def test_the_clock_starts_where_it_stood(box, before):
    """A clock that lost its time does not fall behind what the box has seen."""
    assert int(box.run("date +%s")) >= before["clock"]


@pytest.mark.lg_feature("recorded-sound")
def test_it_plays_without_a_network(box, before, recording):
    """The library is there, and its music is heard."""
    start = sound.size(recording)
    box.run("amoractl player queue-clear && amoractl player queue-add tone.wav --play")
    box.until("it plays", lambda: box.run("amoractl --json player get-status | jq -r .state") == "play")
    box.until("it has played", lambda: box.run("amoractl --json player get-status | jq -r .state") == "stop")
    assert sound.tone(sound.read(recording, start), FREQUENCY).level == pytest.approx(-20, abs=0.3)


def test_the_clock_may_jump(box, before):
    """When the time is found, by years and both ways, the service goes on and the system stays whole."""
    process = box.run("systemctl show --property=MainPID --value amora-service")
    for jump in ("+9 years", "-20 years", "+11 years"):
        box.run(f"date --set='{jump}' && sleep 5")
        assert box.run("systemctl show --property=MainPID --value amora-service") == process, jump
    assert box.try_run("systemctl is-system-running") == (0, "running")


def test_a_network_that_comes_is_used(box, before):
    """When the cable is put in, the box gets its address and the page answers."""
    box.machine.monitor_command("set_link", {"name": "network", "up": True})
    box.until("the box has an address", lambda: box.run("ip -4 route show default") != "")
    assert box.health()["web"]["condition"] == "ok"
