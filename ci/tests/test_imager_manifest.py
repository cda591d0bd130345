"""The list of images for Raspberry Pi Imager."""

import hashlib
import json
import lzma
import subprocess
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "imager-manifest"


def run(folder: Path, *images: Path) -> subprocess.CompletedProcess:
    command = [PROGRAM, "--base-url", "https://example.org/amora", "--output", folder / "os_list.json", *images]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_each_image_is_listed_with_what_imager_checks(tmp_path):
    content = bytes(range(256)) * 20_000
    image = tmp_path / "amora-image-raspberrypi4-64-1.2.0.img.xz"
    image.write_bytes(lzma.compress(content))
    assert run(tmp_path, image).returncode == 0
    (entry,) = json.loads((tmp_path / "os_list.json").read_text())["os_list"]
    assert entry["url"] == f"https://example.org/amora/{image.name}"
    assert entry["extract_size"] == len(content)
    assert entry["extract_sha256"] == hashlib.sha256(content).hexdigest()
    assert entry["image_download_size"] == image.stat().st_size
    assert entry["devices"] == ["pi4-64bit"]
    # Required by Imager's own schema.
    assert {"name", "description", "icon", "release_date"} <= entry.keys()


def test_a_truncated_image_is_refused_and_nothing_written(tmp_path):
    image = tmp_path / "amora-image-raspberrypi5.img.xz"
    image.write_bytes(lzma.compress(b"image" * 100_000)[:-40])
    result = run(tmp_path, image)
    assert result.returncode == 1
    assert "not a whole .xz file" in result.stderr
    assert not (tmp_path / "os_list.json").exists()


def test_an_image_of_an_unknown_board_is_refused(tmp_path):
    image = tmp_path / "amora-image-raspberrypi2.img.xz"
    image.write_bytes(lzma.compress(b""))
    result = run(tmp_path, image)
    assert result.returncode == 1
    assert "raspberrypi4-64" in result.stderr
