"""What runs is sandboxed, nobody logs in with a password, and only documented ports listen."""

import re

import pytest
import requests

# The most that `systemd-analyze security` may give a unit of ours.
MOST = 2.0
# What comes with a development image alone, and is documented there.
DEVELOPMENT = {"22/tcp"}


def test_every_unit_of_ours_is_sandboxed(box):
    """Each service that we start, and each that a request starts, is exposed 2.0 at most."""
    units = box.run("cd /usr/lib/systemd/system && ls amora-*.service swupdate.service mpd.service").split()
    assert "amora-service.service" in units
    # A template is judged by an instance of it.
    units = [unit.replace("@.", "@test.") for unit in units]
    report = box.run(f"systemd-analyze security --no-pager {' '.join(units)} | grep 'Overall exposure level'")
    exposures = {unit: float(level) for unit, level in re.findall(r"level for (\S+): ([\d.]+)", report)}
    assert set(exposures) == set(units)
    assert {unit: level for unit, level in exposures.items() if level > MOST} == {}


def test_the_service_is_nobody_special(box):
    """It runs as its own user, without capabilities, and can get none."""
    process = box.run("systemctl show --property=MainPID --value amora-service")
    status = dict(line.split(":\t", 1) for line in box.read(f"/proc/{process}/status").splitlines() if ":\t" in line)
    assert status["Uid"].split() == [box.run("id -u amora")] * 4
    assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"


def test_helpers_answer_the_service_alone(box):
    """The sockets that lead to root are open to root and the service's group only."""
    for socket in ("slot", "power", "reset"):
        assert box.run(f"stat --format='%a %U %G' /run/amora-helper/{socket}.sock") == "660 root amora"


def test_nobody_has_a_password(box):
    """No account can be logged into with a password; a development image opens root's, and only that."""
    variant = re.search(r'^VARIANT_ID="?(\w+)', box.read("/etc/os-release"), re.MULTILINE).group(1)
    for line in box.read("/etc/shadow").splitlines():
        name, password = line.split(":")[:2]
        if name == "root" and variant == "dev":
            continue
        assert password[:1] in ("*", "!"), f"{name} could log in"


def test_secrets_are_nobody_elses(box):
    """What lets in is readable by the service alone."""
    assert box.run("stat --format='%a %U' /data/amora/login-code") == "600 amora"
    assert box.run("find /data/amora -perm /o+rwx") == ""
    assert box.run("find /data/system -name '*key' -perm /go+rwx") == ""


def test_only_documented_ports_listen(box, checkout):
    """What listens for other machines is in the list of docs/security.md, and nothing else is."""
    documented = set(re.findall(r"^\| `(\d+/\w+)` ", (checkout / "docs/security.md").read_text(), re.MULTILINE))
    if not documented:
        pytest.fail("docs/security.md lists no ports")
    listening = set()
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in box.read(f"/proc/net/{kind}").splitlines()[1:]:
            local, remote, state = line.split()[1:4]
            address, port = local.split(":")
            # 0A listens; a datagram socket that is not connected takes what comes (07).
            open_state = "0A" if kind.startswith("tcp") else "07"
            if state == open_state and remote.endswith(":0000") and not _is_loopback(address):
                listening.add(f"{int(port, 16)}/{kind[:3]}")
    assert "8080/tcp" in listening
    assert listening <= documented, f"not documented: {sorted(listening - documented)}"


def test_a_code_is_needed(box):
    """The page gives no state and takes no command without the login code."""
    assert box.ask("GET", "/api/state").status_code == 200
    assert requests.get(f"{box.address}/api/state", timeout=300).status_code == 401
    assert requests.post(f"{box.address}/api/commands/box.restart", timeout=300).status_code == 401
    assert requests.get(f"{box.address}/health", timeout=300).status_code in (200, 503)


def _is_loopback(address):
    # Addresses are written as words of the machine's byte order.
    words = [address[start : start + 8] for start in range(0, len(address), 8)]
    return words[-1].endswith("7F") if len(words) == 1 else words == ["00000000"] * 3 + ["01000000"]
