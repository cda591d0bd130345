"""An update is installed into the other slot, proves itself and stays; what is the owner's stays too."""

import pytest
from rig.box import CONFIGURATION, other

pytestmark = pytest.mark.lg_feature("updates")

OWNERS = "/data/music/owners-file"
TRIAL = """\
[update]
restart = "now"
trial_sound = 2
trial_deadline = 600
"""


def kept(box):
    """Wait until the running update was judged, and return the judgement."""
    return box.until("the update was judged", lambda: _judged(box))


def _judged(box):
    state = box.state("update")
    return state["phase"] == "idle" and state.get("last")


@pytest.fixture(scope="module", autouse=True)
def owned(machine):
    """A box that belongs to somebody."""
    machine.on()
    machine.configure(TRIAL)
    machine.write(OWNERS, "the owner's own")
    machine.command("audio.set_volume", volume=41)


def test_from_an_address(box, files, good_update):
    """Fetched over HTTP, written to the other slot, tried, kept."""
    slot = box.slot
    assert box.install(f"{files.url}/{good_update}", "first") is None
    assert box.state("update")["restart"]["policy"] == "manual"
    box.command("update.restart")
    box.await_restart(other(slot))
    last = kept(box)
    assert (last["outcome"], last["slot"], last["source"], last["reference"]) == ("kept", box.slot, "url", "first")
    assert last["tries"] == 1


def test_it_is_kept_by_the_boot_loader(box):
    """Nothing is counted any more, and the next start is of the same slot."""
    assert _environment(box, "upgrade_available") == "0"
    assert _environment(box, "amora_slot") == box.slot
    assert _environment(box, "ustate") == "0"


def test_what_is_the_owners_is_kept(box):
    """Settings, files and volume are what they were before the update."""
    assert box.read(OWNERS) == "the owner's own"
    assert box.read(CONFIGURATION) == TRIAL.rstrip()
    assert box.state("audio")["volume"] == 41


def test_back_by_upload(box, updates, signers):
    """Sent to the page as a file, signed with the next key, written to the first slot again, tried, kept."""
    slot = box.slot
    signer = signers.get("next-signer") or signers["signer"]
    file = updates.signed(signer, "next-key")
    answer = box.until("the box takes updates", lambda: _uploaded(box, file))
    assert answer.status_code == 200, answer.text
    box.await_restart(other(slot))
    last = kept(box)
    assert (last["outcome"], last["slot"], last["source"]) == ("kept", box.slot, "upload")
    assert box.read(OWNERS) == "the owner's own"


def _uploaded(box, file):
    with file.open("rb") as content:
        answer = box.ask("POST", "/api/update", data=content, headers={"Content-Type": "application/octet-stream"})
    # Right after its configuration changed, the box has not found SWUpdate yet.
    return None if answer.status_code == 503 else answer


def _environment(box, name):
    return box.run(f"fw_printenv -n {name}")
