"""The report: put into its place, with what is there, and refused where there is nothing."""

from pathlib import Path

import pytest
from power_cuts import report, small_disk
from power_cuts.command import judge
from power_cuts.small_disk import Breaks

PAGE = "# Page\n\n<!-- results -->\nold\n<!-- end of results -->\n\nrest\n"


def test_results_are_put_into_their_place(tmp_path: Path) -> None:
    for name, breaks in (("reference", Breaks()), ("small-raw", Breaks()), ("small-broken", Breaks(single_copy=True))):
        (tmp_path / name).mkdir()
        judge(small_disk.record_made_up(tmp_path / name, breaks=breaks), 1, 20)
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    for _ in range(2):
        report.write(page, tmp_path, "2026-11-21")
    text = page.read_text()
    assert text.startswith("# Page\n\n<!-- results -->\n")
    assert text.endswith("<!-- end of results -->\n\nrest\n")
    assert "old" not in text
    assert "**20 cuts** among" in text
    assert text.count("| all | 20 |") == 1
    assert "on purpose: single copy" in text


def test_nothing_to_report_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    with pytest.raises(report.ReportError):
        report.write(page, tmp_path, "2026-11-21")
    assert page.read_text() == PAGE


def test_a_page_without_a_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reference").mkdir()
    judge(small_disk.record_made_up(tmp_path / "reference"), 1, 20)
    page = tmp_path / "page.md"
    page.write_text("# Page\n")
    with pytest.raises(report.ReportError, match="no place"):
        report.write(page, tmp_path, "2026-11-21")
