"""The root is read-only and verified, and nothing but the listed paths can be written."""

import re

import pytest

# File systems that hold no files of ours: the kernel's own.
KERNEL = {
    *("autofs", "bpf", "binfmt_misc", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "fusectl"),
    *("hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "ramfs", "securityfs", "selinuxfs", "sysfs", "tracefs"),
}
# Places of the system for what must not outlive a start, and the boot loader's partition.
VOLATILE = ("/dev/shm", "/run")
BOOT = "/boot"


def test_the_root_is_a_verified_squashfs(box):
    """The root is what the kernel checks against the hash that the boot loader gave it."""
    assert box.run("findmnt --noheadings --output FSTYPE --mountpoint /") == "squashfs"
    given = re.search(r" sha256 ([0-9a-f]{64}) ", box.read("/proc/cmdline")).group(1)
    table = box.run("dmsetup table amora-root").split()
    assert table[2] == "verity"
    assert given in table
    assert box.run("dmsetup status amora-root").split()[-1] == "V"
    root = box.run("findmnt --noheadings --output MAJ:MIN --mountpoint /").strip()
    assert root == box.run("dmsetup info --columns --noheadings --separator : --options major,minor amora-root")


@pytest.mark.parametrize("place", ["/", "/usr/bin", "/etc", "/etc/systemd/system", "/lib/modules", "/root", "/home"])
def test_nobody_writes_into_the_system(box, place):
    """Not even root makes a file in it."""
    if not box.exists(place):
        pytest.fail(f"there is no {place} to be protected")
    status, said = box.try_run(f"touch {place}/written")
    assert status != 0 and "Read-only file system" in said


def test_the_root_cannot_be_made_writable(box):
    """Mounting it again for writing changes nothing."""
    box.try_run("mount -o remount,rw /")
    assert box.try_run("touch /usr/written")[0] != 0


def test_only_listed_paths_are_writable(box):
    """Every file system that takes writes is in the list that goes with the image."""
    listed = {line.split()[1] for line in box.read("/usr/lib/amora/writable-paths").splitlines() if line[:1].isalpha()}
    found = set()
    for line in box.read("/proc/self/mountinfo").splitlines():
        mount, _, system = line.partition(" - ")
        place, options = mount.split()[4:6]
        kind, _, system_options = system.split(" ", 2)
        writable = "rw" in options.split(",") and "rw" in system_options.split(",")
        if writable and kind not in KERNEL and not place.startswith(VOLATILE) and place != BOOT:
            found.add(place)
    assert found <= listed, f"writable but not listed: {sorted(found - listed)}"
    assert {"/data", "/var", "/etc/machine-id"} <= found


def test_every_listed_path_is_writable(box):
    """The list promises nothing that is not so."""
    for line in box.read("/usr/lib/amora/writable-paths").splitlines():
        kind, path = [*line.split(), "", ""][:2]
        if kind in ("tmpfs", "data", "dir"):
            box.run(f"touch {path}/.written && rm {path}/.written")
        elif kind == "file":
            box.run(f"test -w {path}")


def test_a_flipped_bit_is_caught(box):
    """What was changed on the card is not read, and what was not changed is."""
    partition = f"/dev/disk/by-partlabel/root{box.slot.upper()}"
    block = int(re.search(r" verity 1 \S+ \S+ 4096 4096 (\d+) ", box.read("/proc/cmdline")).group(1)) // 2
    read = f"dd if=/dev/dm-0 of=/dev/null bs=4096 iflag=direct skip={block} count=1"
    box.run(read)
    byte = int(box.run(f"dd if={partition} bs=4096 skip={block} count=1 status=none | od -An -tu1 -N1"))
    put = f"dd of={partition} bs=1 seek={block * 4096} conv=notrunc,fsync status=none"
    # In one go, so that no program of the box reads there meanwhile.
    changed = box.try_run(
        f"printf '\\{byte ^ 1:03o}' | {put}; echo 3 >/proc/sys/vm/drop_caches; {read}; status=$?; "
        f"printf '\\{byte:03o}' | {put}; echo 3 >/proc/sys/vm/drop_caches; exit $status"
    )
    assert changed[0] != 0 and "Input/output error" in changed[1], changed
    assert f"data block {block} is corrupted" in box.run("dmesg")
    box.run(read)
