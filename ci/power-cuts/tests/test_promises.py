"""Promises: found in the log where they were made, and every way of breaking one is seen."""

from pathlib import Path

import pytest
from power_cuts.promises import MARK_OFFSET, MarkError, Marks, Promised, broken, last_entry, version_of
from power_cuts.write_log import SECTOR, LogWriter, WriteLog


def content(name: str, version: int, lines: int = 5) -> bytes:
    """A file as the script writes it."""
    return f"{name} {version} {lines}\n".encode() * lines


def mark(log: LogWriter, text: str) -> None:
    """Leave a mark."""
    log.write(MARK_OFFSET, f"AMORA-MARK {text}\n".encode().ljust(SECTOR))


def test_marks_say_what_was_promised_when(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with LogWriter(path) as log:
        mark(log, '{"phase": "install"}')
        mark(log, '{"file": "file-1", "version": 3}')
        log.flush()
        mark(log, '{"journal": 4}')
        log.write(MARK_OFFSET - SECTOR, bytes(3 * SECTOR))
        mark(log, '{"phase": "commit"}')
    with WriteLog(path, 1 << 24) as read:
        marks = Marks(read)
    assert [marks.phase(position) for position in range(7)] == ["before", *["install"] * 5, "commit"]
    assert [marks.promised(position) for position in range(5)] == [
        Promised(),
        Promised(),
        Promised({"file-1": 3}),
        Promised({"file-1": 3}),
        Promised({"file-1": 3}, 4),
    ]
    assert marks.count == 2


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"file": "a"}', '{"journal": "x"}', "{" * 400])
def test_a_mark_that_cannot_be_read_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log"
    with LogWriter(path) as log:
        mark(log, text)
    with WriteLog(path, 1 << 24) as read, pytest.raises(MarkError):
        Marks(read)


def test_a_file_is_whole_or_it_has_no_version() -> None:
    whole = content("file-1", 7)
    assert version_of("file-1", whole) == 7
    assert version_of("file-2", whole) is None
    for length in range(len(whole)):
        assert version_of("file-1", whole[:length]) is None
    for place in range(len(whole)):
        assert version_of("file-1", whole[:place] + b"\0" + whole[place + 1 :]) is None
    assert version_of("file-1", b"file-1 1 99999999\n") is None


def test_a_journal_counts_up_to_its_first_gap() -> None:
    assert last_entry(b"") == 0
    assert last_entry(b"entry 1\nentry 2\nentry 3\n") == 3
    assert last_entry(b"entry 1\nentry 2\nentr") == 2
    assert last_entry(b"entry 1\nentry 3\n") == 1
    assert last_entry(b"entry 1\n\0\0\0\0\0\0\0\0entry 3\n") == 1


def test_broken_promises_are_told() -> None:
    promised = Promised({"file-1": 7}, 2)
    kept = {"file-1": content("file-1", 7), "journal": b"entry 1\nentry 2\n"}
    assert broken(promised, kept) == []
    assert broken(promised, kept | {"file-1": content("file-1", 8)}) == []
    assert broken(promised, kept | {"file-1": content("file-1", 6)}) == ["file-1, promised in version 7, is version 6"]
    assert broken(promised, kept | {"file-1": content("file-1", 7)[:-3]}) == ["file-1, promised in version 7, is torn"]
    assert broken(promised, {"journal": kept["journal"]}) == ["file-1, promised in version 7, is gone"]
    assert broken(promised, kept | {"journal": b"entry 1\n"}) == ["the journal, promised up to entry 2, ends at 1"]
    assert broken(promised, kept | {"file-2": b"x"}) == ["file-2 is torn"], "a rename shows a file that is whole"
    assert broken(promised, kept | {"file-2.new": b"x"}) == []
