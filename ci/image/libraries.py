"""Finds what shared libraries the programs of a root need, without running any of them.

`libraries.py ROOT check` says which are missing. `libraries.py ROOT unused` lists those that nothing needs.
`libraries.py ROOT of PROGRAM…` lists what the programs need, the loader included.
"""

import re
import struct
import sys
from pathlib import Path

FOLDERS = tuple(
    f"usr/lib/{name}".rstrip("/")
    for name in ("aarch64-linux-gnu", "", "aarch64-linux-gnu/samba", "aarch64-linux-gnu/systemd")
)
DYNAMIC, LOAD, NEEDED, STRINGS, RUN_PATH = 2, 1, 1, 5, 29


class Elf:
    """What the dynamic section of an ELF file says."""

    def __init__(self, data: bytes):
        """Read the section; a file without one needs nothing."""
        self.needed: list[str] = []
        self.opened: list[str] = []
        self.run_path = ""
        start, size, count = *struct.unpack_from("<Q", data, 32), *struct.unpack_from("<HH", data, 54)
        headers = [struct.unpack_from("<IIQQQQ", data, start + i * size) for i in range(count)]
        loads = [(address, offset, length) for kind, _, offset, address, _, length in headers if kind == LOAD]
        entries = []
        for kind, _, offset, _, _, length in headers:
            if kind == DYNAMIC:
                entries = [struct.unpack_from("<QQ", data, offset + i) for i in range(0, length, 16)]
        table = next((value for tag, value in entries if tag == STRINGS), None)
        if table is None:
            return
        strings = next(table - start + offset for start, offset, length in loads if start <= table < start + length)

        def text(index: int) -> str:
            return data[strings + index : data.index(b"\0", strings + index)].decode()

        self.needed = [text(value) for tag, value in entries if tag == NEEDED]
        self.run_path = next((text(value) for tag, value in entries if tag == RUN_PATH), "")
        # What it opens by itself, where it can do without: systemd's programs say so in a note.
        notes = re.findall(rb'"soname":\[([^\]]*)\]', data)
        self.opened = [name for note in notes for name in re.findall(r'"([^"]+)"', note.decode())]


def read_elf(path: Path) -> Elf | None:
    """Return what a file needs, or None if it is no ELF file for the box."""
    with path.open("rb") as file:
        if file.read(20)[:5] != b"\x7fELF\x02":
            return None
        file.seek(0)
        data = file.read()
    return Elf(data) if data[18] == 183 else None


class Root:
    """The ELF files of a root by path, links resolved."""

    def __init__(self, root: Path):
        """Read all programs and libraries."""
        self.root = root.resolve()
        self.files: dict[Path, Elf] = {}
        for folder in ("usr/bin", "usr/sbin", "usr/lib"):
            for path in (self.root / folder).rglob("*"):
                if path.is_file() and not path.is_symlink() and path.suffix != ".ko":
                    elf = read_elf(path)
                    if elf:
                        self.files[path] = elf

    def find(self, library: str, needed_by: Path) -> Path | None:
        """Return where the loader finds a library."""
        runs = self.files[needed_by].run_path.replace("$ORIGIN", "/" + str(needed_by.parent.relative_to(self.root)))
        for folder in [*runs.strip("/").split(":/"), *FOLDERS] if runs else FOLDERS:
            path = self.root / folder / library
            if path.exists():
                return path.resolve()
        return None

    def closure(self, starts: list[Path]) -> tuple[set[Path], list[str]]:
        """Return all that the files need, themselves included, and what is missing."""
        found, missing, left = set(), [], list(starts)
        while left:
            path = left.pop()
            if path in found:
                continue
            found.add(path)
            for library in self.files[path].needed + self.files[path].opened:
                where = self.find(library, path)
                if where:
                    left.append(where)
                elif library not in self.files[path].opened:
                    missing.append(f"{path.relative_to(self.root)} needs {library}")
        return found, missing


def is_plain_library(root: Root, path: Path) -> bool:
    """Whether a file is there only for those that name it: no program, and no plug-in that is opened by its path."""
    name = path.name
    if str(path.parent.relative_to(root.root)) not in FOLDERS or name.startswith("libnss_"):
        return False
    return name.startswith("lib") and ".so" in name


def main() -> int:
    """Do what the arguments say."""
    root, what = Root(Path(sys.argv[1])), sys.argv[2]
    if what == "check":
        missing = root.closure(list(root.files))[1]
        print("\n".join(missing) or f"{len(root.files)} programs and libraries, none missing")
        return 1 if missing else 0
    if what == "unused":
        used = root.closure([path for path in root.files if not is_plain_library(root, path)])[0]
        listed = [path for path in root.files if path not in used]
    else:
        starts = [(root.root / name).resolve() for name in sys.argv[3:]]
        listed = [path for path in root.closure(starts)[0] if path not in starts]
    print("\n".join(str(path.relative_to(root.root)) for path in sorted(listed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
