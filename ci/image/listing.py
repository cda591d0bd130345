"""Lists what is in a folder, as far as it is compared: type, mode, owner and content."""

import hashlib
import os
import stat
from pathlib import Path


def describe(path: Path) -> dict[str, object]:
    """Return what is compared of a file: type, mode, owner and content."""
    status = path.lstat()
    about: dict[str, object] = {"owner": f"{status.st_uid}:{status.st_gid}"}
    if stat.S_ISLNK(status.st_mode):
        return about | {"type": "link", "target": os.readlink(path)}
    about["mode"] = f"{stat.S_IMODE(status.st_mode):04o}"
    if stat.S_ISDIR(status.st_mode):
        return about | {"type": "folder"}
    if not stat.S_ISREG(status.st_mode):
        return about | {"type": f"{stat.S_IFMT(status.st_mode):o}", "device": status.st_rdev}
    return about | {"type": "file", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def listing(image: Path) -> dict[str, dict[str, object]]:
    """Return what is in a folder, by path."""
    return {f"/{path.relative_to(image)}": describe(path) for path in sorted(image.rglob("*"))}
