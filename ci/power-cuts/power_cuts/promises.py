"""What the box was promised of its data, and whether it was kept.

A program that has written a file and synced it may rely on it. The script `keep-promises` on the box does so, and says
when by marks, which are found in the log right where they were written: whatever was promised before the cut must be
there after it, whole, in that version or a later one.
"""

import json
import re
from bisect import bisect_left
from dataclasses import dataclass, field

from power_cuts.write_log import SECTOR, WriteLog

MARK_OFFSET = 6144 * SECTOR
FOLDER = "power-cuts"
_PREFIX = b"AMORA-MARK "
_LINE = re.compile(r"(file-\d+) (\d+) (\d+)\n")
MOST_LINES = 100_000


class MarkError(Exception):
    """A mark in the log cannot be read."""


@dataclass(frozen=True, slots=True)
class Promised:
    """What must be there: the lowest allowed version of each file, and the last line of the journal."""

    files: dict[str, int] = field(default_factory=dict)
    journal: int = 0


class Marks:
    """The marks of a log: phases and promises, by position."""

    def __init__(self, log: WriteLog, begins_with: str = "before") -> None:
        """Find them; what was going on before the first one has a name too."""
        self._begins_with = begins_with
        self.phases: list[tuple[int, str]] = []
        self._promises: list[tuple[int, Promised]] = []
        current = Promised()
        for entry in log.entries:
            if entry.is_discard or not entry.offset <= MARK_OFFSET < entry.end:
                continue
            text = log.data(entry, MARK_OFFSET - entry.offset, SECTOR)
            if not text.startswith(_PREFIX):
                continue
            try:
                mark = json.loads(text[len(_PREFIX) :].split(b"\n", 1)[0])
                if "phase" in mark:
                    self.phases.append((entry.index, str(mark["phase"])))
                    continue
                if "file" in mark:
                    files = current.files | {str(mark["file"]): int(mark["version"])}
                    current = Promised(files, current.journal)
                else:
                    current = Promised(current.files, int(mark["journal"]))
            except (ValueError, KeyError, TypeError) as error:
                raise MarkError(f"entry {entry.index}: {text[:80]!r} is not a mark: {error}") from error
            self._promises.append((entry.index, current))
        self._phase_positions = [index for index, _ in self.phases]
        self._promise_positions = [index for index, _ in self._promises]

    def phase(self, position: int) -> str:
        """What was going on when so many requests were completed."""
        place = bisect_left(self._phase_positions, position) - 1
        return self.phases[place][1] if place >= 0 else self._begins_with

    def promised(self, position: int) -> Promised:
        """What was promised when so many requests were completed."""
        place = bisect_left(self._promise_positions, position) - 1
        return self._promises[place][1] if place >= 0 else Promised()

    @property
    def count(self) -> int:
        """How many promises were made."""
        return len(self._promises)


def version_of(name: str, content: bytes) -> int | None:
    """The version of a file that is whole; None for one that is torn or another's."""
    text = content.decode("utf-8", "replace")
    match = _LINE.match(text)
    if not match or match[1] != name or int(match[3]) > MOST_LINES:
        return None
    return int(match[2]) if text == match[0] * int(match[3]) else None


def last_entry(journal: bytes) -> int:
    """The last line up to which a journal has no gap."""
    last = 0
    for line in journal.split(b"\n")[:-1]:
        if line != b"entry %d" % (last + 1):
            break
        last += 1
    return last


def broken(promised: Promised, files: dict[str, bytes]) -> list[str]:
    """Which promises were not kept, for a person."""
    found = []
    for name, version in sorted(promised.files.items()):
        if name not in files:
            found.append(f"{name}, promised in version {version}, is gone")
            continue
        actual = version_of(name, files[name])
        if actual is None:
            found.append(f"{name}, promised in version {version}, is torn")
        elif actual < version:
            found.append(f"{name}, promised in version {version}, is version {actual}")
    found.extend(
        f"{name} is torn"
        for name, content in sorted(files.items())
        if name.startswith("file-") and not name.endswith(".new") and name not in promised.files
        if version_of(name, content) is None
    )
    last = last_entry(files.get("journal", b""))
    if last < promised.journal:
        found.append(f"the journal, promised up to entry {promised.journal}, ends at {last}")
    return found
