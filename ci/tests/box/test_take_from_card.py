"""What the owner writes onto the card is taken over once, whole, and only if it can be right."""

import os
import subprocess
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[3] / "meta-amora/recipes-amora/amora-base/files/take-from-card"


@pytest.fixture
def box(tmp_path):
    """A box's folders, and programs that only tell what they were asked."""
    for folder in ("boot/amora", "data/amora", "data/system", "tools"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("systemctl", "chown"):
        program = tmp_path / "tools" / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >>"{tmp_path}/asked"\n')
        program.chmod(0o755)
    check = tmp_path / "tools/amoractl"
    check.write_text('#!/bin/sh\n! grep -q mistake "$3"\n')
    check.chmod(0o755)
    return tmp_path


def take(box: Path) -> tuple[str, str]:
    """Run the program; return what it said and what it asked others."""
    (box / "asked").write_text("")
    tools = {**os.environ, "PATH": f"{box}/tools:{os.environ['PATH']}"}
    ran = subprocess.run(["sh", PROGRAM, box], env=tools, capture_output=True, text=True, check=True)
    return ran.stdout + ran.stderr, (box / "asked").read_text()


def test_files_get_their_places_owners_and_modes(box):
    (box / "boot/amora/login-code").write_bytes(b"K7QM-3XPW-9RTD\r\n")
    (box / "boot/amora/wireless.conf").write_text("country=DE\n")
    said, asked = take(box)
    code = box / "data/amora/login-code"
    assert code.read_bytes() == b"K7QM-3XPW-9RTD\n"
    assert code.stat().st_mode & 0o777 == 0o600
    assert "chown amora:amora" in asked and "try-restart amora-service.service" in asked
    assert (box / "data/system/wireless.conf").read_text() == "country=DE\n"
    assert "restart amora-wireless.service" in asked
    assert "K7QM" not in said


def test_what_is_changed_on_the_box_later_stays(box):
    (box / "boot/amora/login-code").write_text("AAAA-BBBB-CCCC")
    take(box)
    (box / "data/amora/login-code").write_text("the box's own")
    assert take(box) == ("", "")
    assert (box / "data/amora/login-code").read_text() == "the box's own"
    (box / "boot/amora/login-code").write_text("DDDD-EEEE-FFFF")
    take(box)
    assert (box / "data/amora/login-code").read_text() == "DDDD-EEEE-FFFF"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("login-code", "short"),
        ("hostname", "Not a name!"),
        ("hostname", "one\ntwo words"),
        ("amora.toml", "mistake"),
    ],
)
def test_what_cannot_be_right_is_not_taken(box, name, content):
    (box / "boot/amora" / name).write_text(content)
    said, asked = take(box)
    assert f"{name} on the card has mistakes" in said and asked == ""
    left = [path.name for path in (box / "data").rglob("*") if path.is_file()]
    assert left == []


def test_a_link_in_the_services_folder_leads_nowhere(box):
    outside = box / "outside"
    outside.write_text("not ours")
    (box / "data/amora/login-code").symlink_to(outside)
    (box / "data/amora/login-code.new").symlink_to(outside)
    (box / "boot/amora/login-code").write_text("AAAA-BBBB-CCCC")
    take(box)
    assert outside.read_text() == "not ours"
    assert not (box / "data/amora/login-code").is_symlink()


def test_a_box_without_such_a_folder_changes_nothing(box):
    (box / "boot/amora").rmdir()
    assert take(box) == ("", "")
