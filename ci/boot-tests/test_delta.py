"""Of a delta only what is new is fetched; where that cannot be, the full image is taken without being asked for."""

import os

import pytest
from rig.box import other

pytestmark = [pytest.mark.lg_feature("updates"), pytest.mark.long]

TRIAL = """\
[update]
restart = "now"
trial_sound = 2
trial_deadline = 600
"""
# What the new system has more than the one before: nothing that could be packed.
NEWS = 1 << 20


@pytest.fixture(scope="module", autouse=True)
def settled(machine):
    """A box with nothing pending."""
    machine.on()
    machine.configure(TRIAL)
    machine.until("nothing is going on", lambda: machine.state("update")["phase"] == "idle")


@pytest.fixture(scope="module")
def update(updates, signer, files):
    """A new system, and a delta to it that the server has."""

    def change(tree):
        (tree / "usr/share/news").write_bytes(os.urandom(NEWS))

    update = updates.changed("delta", 6, change)
    full = update.signed(signer, "delta-full")
    update.delta(signer, "delta", f"{files.url}/delta.zck", f"{files.url}/{full.name}")
    return update


def test_a_server_without_ranges(box, files, update):
    """The full image is taken at once, and state and log say why."""
    files.know_ranges(known=False)
    try:
        assert box.install(f"{files.url}/delta.swu", "whole") is None
    finally:
        files.know_ranges(known=True)
    install = box.state("update")["install"]
    assert install["version"] == update.version
    assert install["url"] == f"{files.url}/delta-full.swu"
    assert "chunks" in install["fallback"]
    assert files.sent["delta-full.swu"] > update.root.stat().st_size
    log = box.run("journalctl --boot --unit amora-service --no-pager --output cat")
    assert "the delta cannot be installed: the full image is taken" in log
    box.command("update.roll_back")
    last = box.until("the update is dropped", lambda: box.outcome("whole"))
    assert (last["outcome"], last["fallback"]) == ("cancelled", install["fallback"])


def test_only_what_is_new_is_fetched(box, files, update):
    """Put together from the running slot and a tenth of the image, tried, kept."""
    slot = box.slot
    before = files.sent.copy()
    assert box.install(f"{files.url}/delta.swu", "delta") is None
    assert "fallback" not in box.state("update")["install"]
    sent = files.sent - before
    assert NEWS < sent["delta.swu"] + sent["delta.zck"] < update.root.stat().st_size / 10
    assert sent["delta-full.swu"] == 0
    box.command("update.restart")
    box.await_restart(other(slot))
    last = box.until("the update was judged", lambda: box.outcome("delta"))
    assert (last["outcome"], last["slot"], last["to_version"]) == ("kept", box.slot, update.version), str(last)
    assert box.run("stat -c %s /usr/share/news") == str(NEWS)
