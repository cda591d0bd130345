"""A recording: the disk's image before the first write, the log of all writes, and what one must know to judge them."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from power_cuts.boot_loader import BootLoader, FileEnvironment, RawEnvironment

BASE, LOG, ABOUT = "base.img", "writes.log", "recording.json"
_WRITEABLE = re.compile(r"([A-Za-z0-9_]+):[a-z]w")


class RecordingError(Exception):
    """The folder holds no recording, or a damaged one."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded, and with which boot loader."""

    folder: Path
    loader: BootLoader
    title: str
    has_data: bool = True
    """Whether there is a file system on the data partition."""
    notes: tuple[str, ...] = ()
    never_up: frozenset[str] = frozenset()
    """Root hashes of images that are whole but never prove themselves: bad updates."""
    begins_with: str = "before"
    """The phase before the first mark."""

    @property
    def base(self) -> Path:
        """The disk's image before the first write."""
        return self.folder / BASE

    @property
    def log(self) -> Path:
        """The log of all writes."""
        return self.folder / LOG

    def save(self) -> None:
        """Write down what is not in the image or the log."""
        location = self.loader.location
        kind = "files" if isinstance(location, FileEnvironment) else "offsets"
        places = location.names if isinstance(location, FileEnvironment) else location.offsets
        about = {
            "title": self.title,
            "environment": {kind: places, "size": location.size},
            "defaults": self.loader.defaults,
            "writeable": None if self.loader.writeable is None else sorted(self.loader.writeable),
            "has_data": self.has_data,
            "notes": self.notes,
            "never_up": sorted(self.never_up),
            "begins_with": self.begins_with,
        }
        (self.folder / ABOUT).write_text(json.dumps(about, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> "Recording":
        """Find a recording in a folder."""
        try:
            about: dict[str, Any] = json.loads((folder / ABOUT).read_text())
            environment = about["environment"]
            size = int(environment["size"])
            location: RawEnvironment | FileEnvironment
            if "files" in environment:
                location = FileEnvironment(tuple(environment["files"]), size)
            else:
                location = RawEnvironment(tuple(environment["offsets"]), size)
            writeable = None if about["writeable"] is None else frozenset(about["writeable"])
            loader = BootLoader(dict(about["defaults"]), location, writeable)
            never_up = frozenset(about["never_up"])
            return cls(
                folder,
                loader,
                about["title"],
                bool(about["has_data"]),
                tuple(about["notes"]),
                never_up,
                about["begins_with"],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RecordingError(f"{folder} holds no recording: {error}") from error


def defaults(text: str) -> dict[str, str]:
    """The built-in environment, from the file `u-boot-initial-env` that U-Boot's build makes."""
    return dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)


def writeable(header: str) -> frozenset[str]:
    """The variables that the stored environment may set, from the header that is compiled into U-Boot."""
    # The header writes those of the two slots by one macro with the slot between two pieces of text.
    expanded = header
    for slot in "ab":
        expanded += re.sub(r'"\s*slot\s*"', slot, header)
    return frozenset(_WRITEABLE.findall(expanded.replace('" "', "")))
