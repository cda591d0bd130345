"""A bad update is refused, or rolled back; and the box says why."""

import pytest
from rig.box import other

pytestmark = pytest.mark.lg_feature("updates")

# How long a bad system may take: as short as the tests can be sure to tell it from a good one.
TRIAL = """\
[update]
restart = "now"
trial_sound = 2
trial_deadline = 60
"""
FILE = 8 << 20


@pytest.fixture(autouse=True)
def settled(machine):
    """A box with nothing pending."""
    machine.on()
    machine.configure(TRIAL)
    machine.until("nothing is going on", lambda: machine.state("update")["phase"] == "idle")


@pytest.fixture
def one_try(box):
    """A boot loader that goes back after one try, where three would only take three times as long."""
    box.run("fw_setenv bootlimit 1")
    yield
    box.run("fw_setenv bootlimit 3")


# Refused: the other slot is not tried, and this one goes on.


def test_a_strangers_signature(box, files, updates, signers):
    """Signed by somebody whom the box does not trust."""
    _refused(box, files, updates.without_root().signed(signers["wrong-signer"], "stranger"), "wrong_signer")


def test_no_signature(box, files, updates):
    """Signed by nobody."""
    _refused(box, files, updates.without_root().signed(None, "unsigned"), "not_signed")


def test_a_changed_description(box, files, updates, signer):
    """Changed after it was signed."""
    file = updates.without_root().signed(signer, "changed")
    content = file.read_bytes()
    changed = content.replace(b'description = "AmoraOS"', b'description = "AmoraXX"', 1)
    assert changed != content
    file.write_bytes(changed)
    last = _ended(box, files, file)
    assert last["outcome"] == "refused", str(last)
    assert last["cause"] in ("wrong_signer", "corrupt", "malformed", "installer"), str(last)


def test_an_older_version(box, files, updates, signer):
    """Older than what this box may go back to."""
    _refused(box, files, updates.without_root().numbered("0.0.1").signed(signer, "older"), "downgrade")


def test_another_boards(box, files, updates, signer):
    """Made for other hardware."""
    update = updates.without_root().described(r"^(    )[\w-]+( *[=:]\s*\{\s*hardware)", r"\1another-board\2")
    _refused(box, files, update.signed(signer, "board"), "wrong_board")


def test_a_file_that_is_no_update(box, files, updates):
    """Anything else."""
    file = updates.folder / "anything.swu"
    file.write_bytes(b"not an update\n" * 10_000)
    _refused(box, files, file, "malformed")


def test_a_corrupt_part(box, files, updates, signer):
    """Whole in form, but its root is not what was signed."""
    file = updates.without_root().signed(signer, "corrupt")
    content = bytearray(file.read_bytes())
    content[-100_000] ^= 1
    file.write_bytes(content)
    last = _ended(box, files, file)
    assert last["outcome"] in ("refused", "failed"), str(last)
    assert last["cause"] == "corrupt", str(last)


def test_a_truncated_file(box, files, updates, good_update):
    """Ends too early."""
    file = updates.folder / "truncated.swu"
    with (updates.folder / good_update).open("rb") as whole:
        file.write_bytes(whole.read(FILE))
    last = _ended(box, files, file)
    assert last["outcome"] in ("refused", "failed"), str(last)
    assert last["cause"] == "truncated", str(last)


# Rolled back: the other slot is tried, and this one comes back.


@pytest.mark.long
def test_a_lost_cloud(box, files, good_update, broker):
    """What was connected before is not reached again."""
    box.configure(TRIAL + f'[mqtt]\nhost = "{box.host}"\nport = {broker.port}\n')
    broker.start()
    box.until("the broker is reached", lambda: box.health().get("mqtt", {}).get("condition") == "ok")
    slot, last = _tried(box, files, good_update, on_start=broker.stop)
    assert (box.slot, last["cause"], last["check"]) == (slot, "check_failed", "cloud"), str(last)


@pytest.mark.long
def test_no_sound(box, files, updates, signer):
    """The new system finds no sound card."""
    file = updates.changed("no-sound", 1).signed(signer, "no-sound")
    slot, last = _tried(box, files, file.name)
    assert (box.slot, last["cause"], last["check"]) == (slot, "check_failed", "sound"), str(last)


def test_a_kernel_panic(box, files, updates, signer):
    """The new system's kernel panics."""
    file = updates.changed("panics", 2, light=True).signed(signer, "panics")
    slot, last = _tried(box, files, file.name)
    assert (box.slot, last["cause"], last["tries"]) == (slot, "panic", 3), str(last)
    assert "sysrq" in last["seen"], "the kernel's last words were not found"


@pytest.mark.long
def test_a_missing_init(box, files, updates, signer, one_try):
    """The new system has no first program."""
    file = updates.changed("no-init", 3, light=True).signed(signer, "no-init")
    slot, last = _tried(box, files, file.name)
    assert (box.slot, last["cause"], last["tries"]) == (slot, "missing_init", 1), str(last)


@pytest.mark.long
def test_a_corrupt_root(box, files, good_update, one_try):
    """The new system's root is changed on the card after it was written."""
    partition = f"/dev/disk/by-partlabel/root{other(box.slot).upper()}"

    def corrupt():
        # The time in the head of the file system: the boot loader does not look at it, and the kernel reads it first.
        box.run(f"printf XXXX | dd of={partition} bs=1 seek=8 conv=notrunc,fsync status=none")

    slot, last = _tried(box, files, good_update, before_restart=corrupt)
    assert (box.slot, last["cause"], last["tries"]) == (slot, "corrupt_root", 1), str(last)


@pytest.mark.long
def test_a_system_that_stands_still(box, files, updates, signer, one_try):
    """The new system starts and then stands still, until the hardware watchdog bites."""
    file = updates.changed("freezes", 4, light=True).signed(signer, "freezes")
    with box.kernel_arguments("systemd.watchdog_sec=30"):
        slot, last = _tried(box, files, file.name)
    assert (box.slot, last["cause"], last["tries"]) == (slot, "watchdog", 1), str(last)


@pytest.mark.long
def test_a_service_that_is_never_ready(box, files, updates, signer, one_try):
    """The new system starts, but its service does not."""
    file = updates.changed("never-ready", 5, light=True).signed(signer, "never-ready")
    with box.kernel_arguments("amora.patience=20"):
        slot, last = _tried(box, files, file.name)
    assert (box.slot, last["cause"], last["tries"]) == (slot, "never_ready", 1), str(last)


def _ended(box, files, file):
    """Offer an update and wait for its end; the boot loader must not have been told of it."""
    last = box.install(f"{files.url}/{file.name}", f"test of {file.name}")
    assert last, "it was installed"
    assert last["reason"] and last["next_step"], str(last)
    assert box.run("fw_printenv -n upgrade_available") == "0"
    assert box.run("fw_printenv -n amora_slot") == box.slot
    return last


def _refused(box, files, file, cause):
    last = _ended(box, files, file)
    assert (last["outcome"], last["cause"]) == ("refused", cause), str(last)


def _tried(box, files, name, before_restart=None, on_start=None):
    """Install an update and wait until the slot that ran before runs again; that slot, and what the box says of it."""
    slot, reference = box.slot, f"test of {name}"
    assert box.install(f"{files.url}/{name}", reference) is None
    if before_restart:
        before_restart()
    box.command("update.restart")
    if on_start:
        box.strategy.await_start()
        on_start()
        box.strategy.await_ready(slot)
    else:
        box.await_restart(slot)
    last = box.until("the box knows what became of it", lambda: box.outcome(reference))
    assert last["outcome"] == "rolled_back", str(last)
    assert last["reason"] and last["next_step"], str(last)
    assert box.run("fw_printenv -n upgrade_available") == "0"
    return slot, last
