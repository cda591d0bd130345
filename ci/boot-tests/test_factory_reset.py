"""A box becomes what it was when it was delivered, asked by command or by its button."""

import pytest
from rig.box import CONFIGURATION, RefusedError
from rig.lines import Lines

OWNERS = ("/data/music/owners-file", CONFIGURATION, "/data/mpd/playlists/Owners.m3u", "/data/system/hidden/.file")
FLOOR = "/data/amora/update/floor"


@pytest.fixture
def used(box):
    """A box that somebody has used."""
    box.run("mkdir -p /data/system/hidden /data/amora/identity /data/amora/update")
    for path in OWNERS:
        box.write(path, "" if path == CONFIGURATION else "owner's")
    box.write("/data/amora/identity/device.pem", "the maker's")
    box.write(FLOOR, "0.0.2")
    box.run("chown -R amora:amora /data/amora; sync")
    return {"machine-id": box.read("/etc/machine-id"), "code": box.read("/data/amora/login-code")}


def _is_as_delivered(box, before):
    for path in OWNERS:
        assert not box.exists(path), path
    assert box.read("/etc/machine-id") == before["machine-id"]
    assert box.read("/data/amora/identity/device.pem") == "the maker's"
    assert box.exists(FLOOR)
    assert box.read("/data/amora/login-code") != before["code"]
    assert box.run("systemctl is-system-running --wait").endswith("running")


def test_by_command(box, used):
    """Everything of the owner's is gone; what the maker gave, the identity and the oldest allowed version are kept."""
    box.command("box.factory_reset", confirm=box.state("system")["id"])
    box.await_restart(box.slot)
    _is_as_delivered(box, used)


def test_another_boxs_name_is_refused(box):
    """Who names the wrong box resets none."""
    with pytest.raises(RefusedError, match="invalid_parameter"):
        box.command("box.factory_reset", confirm="some other box")
    assert not box.exists("/data/system/factory-reset")


@pytest.mark.lg_feature("gpio")
def test_by_button(box, used, env):
    """Who holds the button long enough needs neither network nor screen."""
    box.configure('[setup.reset_button]\nchip = "/dev/gpiochip0"\nline = 0\nactive_low = false\nhold = 3\n')
    box.until("the service holds the line", lambda: "amora reset button" in box.run("gpioinfo --chip gpiochip0"))
    lines = Lines(box.machine, env.config.get_path("work") + "/qtest")
    lines.set(0, 1)
    box.await_restart(box.slot)
    lines.set(0, 0)
    _is_as_delivered(box, used)
