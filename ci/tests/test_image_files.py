"""The comparison of an image's root with what the recipes install."""

import importlib
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "image"))
files_check = importlib.import_module("files_check")
listing = importlib.import_module("listing").listing


@pytest.fixture
def roots(tmp_path):
    """Debian's part, the recipes' files, and a root that has both."""
    for folder in ("base", "recipes", "root"):
        (tmp_path / folder / "usr").mkdir(parents=True)
    for folder in ("base", "root"):
        (tmp_path / folder / "usr/debian").write_text("debian")
    for folder in ("recipes", "root"):
        (tmp_path / folder / "usr/ours").write_text("ours")
        (tmp_path / folder / "usr/link").symlink_to("ours")
    return tmp_path


def wrong(roots: Path) -> list[str]:
    recipes = {path: {**about, "recipe": "amora"} for path, about in listing(roots / "recipes").items()}
    return files_check.check(recipes, listing(roots / "base"), listing(roots / "root"), {"/usr/bin/program"})


def test_a_root_of_both_parts_is_right(roots):
    (roots / "root/usr/bin").mkdir()
    (roots / "base/usr/bin").mkdir()
    (roots / "root/usr/bin/program").write_text("compiled")
    (roots / "root/etc/systemd/system/a.wants").mkdir(parents=True)
    (roots / "base/etc/systemd/system").mkdir(parents=True)
    (roots / "root/etc/systemd/system/a.wants/b.service").symlink_to("/usr/lib/systemd/system/b.service")
    assert wrong(roots) == []


def spoil_content(root: Path):
    (root / "usr/ours").write_text("theirs")


def spoil_mode(root: Path):
    (root / "usr/ours").chmod(0o600)


def spoil_link(root: Path):
    (root / "usr/link").unlink()
    (root / "usr/link").symlink_to("elsewhere")


def remove(root: Path):
    (root / "usr/ours").unlink()


def add(root: Path):
    (root / "usr/stowaway").write_text("")


def change_debian(root: Path):
    (root / "usr/debian").write_text("changed")


def remove_debian(root: Path):
    (root / "usr/debian").unlink()


SPOILED = {
    spoil_content: "/usr/ours of amora: sha256",
    spoil_mode: "/usr/ours of amora: mode",
    spoil_link: "/usr/link of amora: target",
    remove: "/usr/ours of amora is missing",
    add: "/usr/stowaway is from nobody",
    change_debian: "/usr/debian of Debian: sha256",
    remove_debian: "/usr/debian of Debian is missing",
}


@pytest.mark.parametrize("spoil", SPOILED, ids=lambda spoil: spoil.__name__)
def test_each_difference_is_found(roots, spoil):
    spoil(roots / "root")
    (line,) = wrong(roots)
    assert line.startswith(SPOILED[spoil])
