"""What is kept is bounded, and what is not kept does not reach the card."""

import re


def test_the_journal_is_bounded_and_in_memory(box):
    """The log has an upper size and writes nothing to the card."""
    assert not box.exists("/var/log/journal")
    settings = box.run("systemd-analyze cat-config systemd/journald.conf")
    most = int(re.findall(r"^RuntimeMaxUse=(\d+)M", settings, re.MULTILINE)[-1]) << 20
    used = int(box.run("du --summarize --block-size=1 /run/log/journal").split()[0])
    assert 0 < used <= most


def test_a_flood_of_messages_stays_within_the_bound(box):
    """Whoever writes into the log without end makes it forget, not grow."""
    box.run("head -c 48M /dev/urandom | base64 -w 1000 | systemd-cat --identifier=flood; journalctl --sync")
    assert int(box.run("du --summarize --block-size=1 /run/log/journal").split()[0]) <= 24 << 20


def test_identity_is_made_once_and_belongs_to_the_box(box):
    """The machine's id and name are on the data partition, and not in the image."""
    identity = box.read("/etc/machine-id").strip()
    assert re.fullmatch(r"[0-9a-f]{32}", identity)
    assert box.read("/data/system/machine-id").strip() == identity
    assert box.run("cat /proc/sys/kernel/hostname") == box.read("/data/system/hostname").strip()


def test_a_box_at_rest_leaves_its_card_alone(box):
    """In a minute in which nobody does anything, less than 256 KiB are written to the data partition."""
    source = box.run("findmnt --noheadings --output SOURCE --mountpoint /data").removeprefix("/dev/")
    counters = f"/sys/class/block/{source}/stat"
    box.run("sync")
    before = _written(box.read(counters))
    box.run("sleep 60; sync")
    assert _written(box.read(counters)) - before < 256 << 10


def _written(counters):
    return int(counters.split()[6]) * 512
