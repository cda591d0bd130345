"""The image starts: whole, in order, and without waiting for a network."""

import re
from pathlib import Path

from rig import chart


def test_it_says_that_it_is_ready(box):
    """The console names slot and version of what runs."""
    assert box.slot == "a"
    assert f"amora.slot={box.slot} " in box.read("/proc/cmdline")
    version = re.search(r'^IMAGE_VERSION="?([^"\n]+)', box.read("/etc/os-release"), re.MULTILINE)
    assert box.version == version.group(1)


def test_the_system_is_up(box):
    """Every job of the start comes to its end, and none failed."""
    status, said = box.try_run("systemctl is-system-running --wait")
    # The units that still start say so on the console meanwhile.
    assert (status, said.splitlines()[-1]) == (0, "running"), box.run(
        "systemctl list-units --failed --no-pager; systemctl list-jobs"
    )


def test_no_unit_failed(box):
    """No unit is in the failed state, and none had to be started again."""
    assert box.run("systemctl list-units --failed --no-legend --plain --no-pager") == ""
    for unit in ("amora-service", "mpd", "amora-pipewire", "amora-wireplumber"):
        assert box.run(f"systemctl show --property=NRestarts --value {unit}") == "0", unit


def test_no_ordering_cycle(box):
    """The order of the units has no contradiction that systemd had to break."""
    assert "ordering cycle" not in box.run("journalctl --boot --no-pager --identifier=systemd --output=cat")


def test_the_service_and_what_it_plays_with_run(box):
    """The service, MPD and the sound's way between them are there."""
    for unit in ("amora-service", "mpd", "amora-pipewire", "amora-wireplumber"):
        assert box.try_run(f"systemctl is-active {unit}") == (0, "active"), unit


def test_the_service_reports_no_error(box):
    """Nothing in the service's own log is an error."""
    assert box.run("journalctl --boot --no-pager --unit=amora-service --priority=err --output=cat --quiet") == ""


def test_the_service_does_not_wait_for_the_network(box):
    """Neither by order, nor in fact: it was there before the network was, or nothing ever asked for the network."""
    after = box.run("systemctl list-dependencies --after --plain --no-pager amora-service.service")
    assert "network-online.target" not in after
    online = _entered(box, "network-online.target")
    assert online == 0 or _entered(box, "amora-service.service") < online


def test_the_way_to_sound_is_short(box, env):
    """The service waits for nothing of ours but the card. Draws the start as a chart."""
    box.until("everything was started", lambda: _entered(box, "multi-user.target"))
    parts = chart.read(box)
    (Path(env.config.get_path("work")) / "boot.svg").write_text(chart.draw(parts))
    assert "amora-service" in (part.name for part in parts)
    before = box.run("systemctl list-dependencies --after --plain --no-pager amora-service.service").split()
    ours = {unit for unit in before if unit.startswith(("amora-", "mpd.", "swupdate.")) and unit.endswith(".service")}
    assert ours <= {"amora-service.service", "amora-card.service"}


def test_the_first_start_grows_the_data(box):
    """The data partition reaches the end of the disk, and its file system the end of the partition."""
    box.until("the data has grown", lambda: box.try_run("systemctl is-active amora-grow-data")[0] == 0)
    partition = box.run("findmnt --noheadings --output SOURCE --mountpoint /data").removeprefix("/dev/")
    folder = box.run(f"readlink -f /sys/class/block/{partition}")
    numbers = box.run(f"cat {folder}/start {folder}/size {folder}/../size").split()
    start, size, disk = (int(number) * 512 for number in numbers)
    assert disk - (start + size) < 8 << 20
    blocks, block = (int(number) for number in box.run("stat --file-system --format='%b %S' /data").split())
    # The file system's own tables take a few percent.
    assert blocks * block > 0.9 * size


def _entered(box, unit):
    return int(box.run(f"systemctl show --property=ActiveEnterTimestampMonotonic --value {unit}"))
