"""What is kept is bounded, and what is not kept does not reach the card."""

import re


def test_the_journal_is_bounded_and_in_memory(box):
    """The log writes nothing to the card; whoever writes into it without end makes it forget, not grow."""
    assert not box.exists("/var/log/journal")
    settings = box.run("systemd-analyze cat-config systemd/journald.conf")
    most, file = (
        int(re.findall(rf"^{name}=(\d+)M", settings, re.MULTILINE)[-1]) << 20
        for name in ("RuntimeMaxUse", "RuntimeMaxFileSize")
    )
    # Long lines, as the number of messages in a time is bounded as well.
    box.run(f"head -c {most + most // 4} /dev/urandom | base64 -w 8000 | systemd-cat --identifier=flood")
    box.run("journalctl --sync")
    used = int(box.run("du --summarize --block-size=1 /run/log/journal").split()[0])
    assert most // 2 < used <= most + file


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
    # What a start has left to be done may fall into the first minute.
    for _ in range(2):
        box.run("touch /run/at-rest; sync")
        before = _written(box.read(counters))
        box.run("sleep 60; sync")
        written = _written(box.read(counters)) - before
        if written < 256 << 10:
            return
    files = box.run("find /data -xdev -newer /run/at-rest -exec ls -ld --full-time {} +")
    raise AssertionError(f"{written} bytes were written:\n{files}")


def _written(counters):
    return int(counters.split()[6]) * 512
