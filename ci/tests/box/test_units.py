"""What the recipes put onto a box fits together: units, preset, users, writable paths, and what the book says."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LAYER = ROOT / "meta-amora"
BASE = LAYER / "recipes-amora/amora-base"
BOOK = ROOT / "docs/target.md"
RESET_SHEET = ROOT / "amora-service/doors/web/page/scripts/machine/reset-sheet.js"
# The most that a unit of ours may be exposed.
MOST = 2.0
UNITS = sorted(
    unit for kind in ("service", "socket", "path", "mount") for unit in LAYER.glob(f"recipes-*/*/files/*.{kind}")
)
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]


def writable() -> dict[str, bool]:
    """Return the paths of the list of what can be written, and whether a factory reset keeps them."""
    lines = (BASE / "files/writable-paths").read_text().splitlines()
    listed = [line.split() for line in lines if line and not line.startswith("#")]
    return {path: kind == "keep" or rest[-1:] == ["keep"] for kind, path, *rest in listed}


def exposure(folder: Path, unit: str) -> float:
    """Return what systemd says of a unit, without running it."""
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=100", f"./{unit}"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    found = re.search(r"exposure level for \S+: ([\d.]+)", said.stdout)
    assert found, said.stdout + said.stderr
    return float(found.group(1))


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_unit_is_sandboxed(unit, tmp_path):
    name = unit.name.replace("@.", "@test.")
    (tmp_path / name).write_text(unit.read_text())
    assert exposure(tmp_path, name) <= MOST


def test_mpd_is_sandboxed_by_its_drop_in(tmp_path):
    drop_in = (LAYER / "recipes-multimedia/amora-music/files/mpd-amora.conf").read_text()
    (tmp_path / "mpd.service").write_text(drop_in)
    assert exposure(tmp_path, "mpd.service") <= MOST


def test_an_open_unit_would_be_found_out(tmp_path):
    (tmp_path / "open.service").write_text("[Service]\nExecStart=/bin/true\n")
    assert exposure(tmp_path, "open.service") > MOST


def test_the_preset_knows_every_unit_that_can_be_enabled():
    enabled = set()
    for preset in LAYER.glob("recipes-*/*/files/*.preset"):
        enabled |= set(re.findall(r"^enable (\S+)$", preset.read_text(), re.MULTILINE))
    installable = {unit.name for unit in UNITS if "\n[Install]\n" in unit.read_text()}
    assert installable <= enabled, f"never started: {sorted(installable - enabled)}"
    ours = {unit.name for unit in UNITS} | {"autoboot.mount"}
    assert {name for name in enabled if name.startswith("amora-")} <= ours
    base = (BASE / "files/50-amora.preset").read_text().splitlines()
    assert base[-1] == "disable *"


def test_nothing_waits_for_the_network():
    for unit in [*UNITS, *LAYER.glob("recipes-*/*/files/*.conf")]:
        assert "network-online.target" not in unit.read_text(), unit.name


def test_users_have_the_same_numbers_from_both_makers():
    listed = re.findall(r"^[ug] +(\w+) +(\d+)", (BASE / "files/amora.sysusers").read_text(), re.MULTILINE)
    recipes = [BASE / "amora-base_1.0.bb", *LAYER.glob("recipes-multimedia/*/*.bbappend")]
    text = "\n".join(recipe.read_text() for recipe in recipes).replace("\\\n", " ")
    added = re.findall(r"--gid (\d+) (gpio)\b|--uid (\d+) [^;\"]*?(\w+) *[;\"]", text)
    numbers = {(name or group, uid or gid) for gid, group, uid, name in added}
    assert set(listed) == numbers


def test_the_book_lists_what_can_be_written():
    book = BOOK.read_text()
    kept = {}
    for paths, keep in re.findall(r"^\| (`/.*?`) \|.*\| (?:yes|no) \| (.+?) \|$", book, re.MULTILINE):
        for path in re.findall(r"`(.+?)`", paths):
            kept[path] = keep == "**yes**"
    for path, keep in writable().items():
        assert path in kept, f"{path} is not in {BOOK.name}"
        assert kept[path] == keep, path


def test_the_page_lists_what_a_factory_reset_keeps():
    listed = re.search(r"^const STAYS = \[$(.*?)^\];$", RESET_SHEET.read_text(), re.MULTILINE | re.DOTALL).group(1)
    assert {path for path, keep in writable().items() if keep} == set(re.findall(r"'(/[^']*)'", listed))


def test_the_book_lists_every_service():
    book = BOOK.read_text()
    for unit in SERVICES:
        assert f"| `{unit.stem}` |" in book, unit.name


def test_only_one_program_reads_kernel_arguments():
    readers = [path.name for path in LAYER.glob("recipes-amora/*/files/*") if "/proc/cmdline" in path.read_text()]
    assert readers == ["kernel-argument"]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("root=/dev/dm-0 amora.slot=a amora.trial=1 quiet", "a"),
        ("amora.slot=b", "b"),
        ("amora.slot=a amora.trial=1 amora.slot=b", "b"),
        ("xamora.slot=a amora-slot=a amora.slots=a amoraxslot=a", ""),
        ('dm-mod.create="root,,,ro, 0 8 verity 1 7:0 7:1" amora.slot=a *', "a"),
        ("amora.slot=", ""),
        ("", ""),
    ],
)
def test_a_kernel_argument_is_read_as_the_kernel_reads_it(tmp_path, line, value):
    given = tmp_path / "cmdline"
    given.write_text(f"{line}\n")
    program = (BASE / "files/kernel-argument").read_text().replace("/proc/cmdline", str(given))
    said = subprocess.run(["sh", "-c", program, "sh", "amora.slot"], capture_output=True, text=True, check=True)
    assert said.stdout == f"{value}\n"


def test_a_factory_reset_keeps_what_is_listed_and_nothing_else(tmp_path):
    program = (BASE / "files/amora-init").read_text()
    wipe = re.search(r"^wipe\(\) \(.*?^\)$", program, re.MULTILINE | re.DOTALL).group()
    data, outside = tmp_path / "data", tmp_path / "outside"
    keep = ["system/machine-id", "amora/identity", "amora/update/floor"]
    lose = [
        "system/other",
        "amora/login-code",
        "amora/update/floor.old",
        "amora/.hidden",
        "music/A b/* [x].flac",
        ".top",
        "..two",
    ]
    for name in [*keep[:1], "amora/identity/key", *keep[2:], *lose]:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(name)
    outside.mkdir()
    (outside / "file").write_text("not ours")
    (data / "link").symlink_to(outside)
    kept = " " + "".join(f"{data}/{name} " for name in keep)
    subprocess.run(["sh", "-c", f'{wipe}\nkept=$1\nwipe "$2"', "sh", kept, data], check=True)
    left = sorted(str(path.relative_to(data)) for path in data.rglob("*") if not path.is_dir() or path.is_symlink())
    assert left == ["amora/identity/key", "amora/update/floor", "system/machine-id"]
    assert (outside / "file").read_text() == "not ours"
