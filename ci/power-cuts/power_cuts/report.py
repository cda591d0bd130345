"""The results as they stand in docs/power-cuts.md."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from power_cuts import campaign
from power_cuts.campaign import Result

_PLACE = re.compile(r"(<!-- results -->\n).*?(<!-- end of results -->)", re.DOTALL)


class ReportError(Exception):
    """There is nothing to report, or no place for it."""


def _read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text()) if path.exists() else None


def _results(kept: Mapping[str, Any]) -> list[Result]:
    return [Result(**cut) for cut in kept["cuts"]]


def markdown_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table whose first column is text and whose others are numbers."""
    head, *body = rows
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
    return lines + [f"| {' | '.join(row)} |" for row in body]


def _campaign(kept: Mapping[str, Any]) -> list[str]:
    results = _results(kept)
    passed = sum(result.passed for result in results)
    bricked = sum(bool(result.bricked) for result in results)
    lost = sum(bool(result.data) for result in results)
    lines = [
        f"**{len(results):,} cuts** among {kept['entries']:,} requests (seed {kept['seed']}): "
        f"**{bricked} bricked, {lost} with data lost**, {passed:,} without any fault.",
        "",
        *markdown_table(campaign.table(results)),
    ]
    repaired = sum(result.repaired for result in results)
    if repaired:
        lines += ["", f"`/data` needed the thorough repair (`e2fsck -f -y`) after {repaired} of the cuts."]
    faults = campaign.faults(results)
    if faults:
        lines += ["", *(f"- {times} × {fault}" for fault, times in faults.most_common(10))]
    return lines


def results(folder: Path, today: str) -> str:
    """All that was found, as Markdown."""
    lines = [f"Written by `make power-cuts` on {today}.", ""]
    reference = _read(folder / "reference/results.json")
    if reference:
        title = reference["title"]
        lines += [f"## The {title}", "", *_campaign(reference), ""]
        lines += ["Slot a is the one that the box came with. *Went back*: an update was given up on the way.", ""]
    boots = _read(folder / "reference/boots.json")
    if boots:
        booted = boots["boots"]
        as_judged = sum(b["slot"] is not None and b["slot"] == b["expected"] and not b["problems"] for b in booted)
        lines += [f"**{len(booted)} of the cuts really booted**: {as_judged} came up as judged, with their data.", ""]
        table = [("cut", "phase", "judged", "came up", "problems")]
        table += [
            (
                str(b["number"]),
                b["phase"],
                b["expected"] or "none",
                b["slot"] or "none",
                ", ".join(b["problems"]) or "–",
            )
            for b in booted
        ]
        lines += [*markdown_table(table), ""]
    boot_loader = _read(folder / "u-boot/results.json")
    if boot_loader:
        lines += [
            f"The real U-Boot and the model agree on {boot_loader['agreeing']} of {boot_loader['compared']} disks, "
            f"which led it {boot_loader['ways']} different ways.",
            "",
        ]
    lines += _small(folder) + _bad_cards(folder)
    if len(lines) == 2:
        raise ReportError(f"nothing to report in {folder}")
    return "\n".join(lines)


def _small(folder: Path) -> list[str]:
    rows = [("small disk", "cuts", "bricked", "data lost", "torn update tried")]
    for path in sorted(folder.glob("small-*/results.json")):
        kept = json.loads(path.read_text())
        cuts = _results(kept)
        title = kept["title"].removeprefix("small disk, ") + "".join(f"; **{note}**" for note in kept["notes"])
        counts = (bool(c.bricked) for c in cuts), (bool(c.data) for c in cuts), (bool(c.other) for c in cuts)
        rows.append((title, str(len(cuts)), *(str(sum(count)) for count in counts)))
    return ["## The small disk, whole and broken on purpose", "", *markdown_table(rows), ""] if len(rows) > 1 else []


def _bad_cards(folder: Path) -> list[str]:
    rows = [("whole erase blocks turned into garbage", "cuts", "bricked", "data lost")]
    for path in sorted(folder.glob("*/bad-card.json")):
        kept = json.loads(path.read_text())
        cuts = _results(kept)
        counts = (bool(cut.bricked) for cut in cuts), (bool(cut.data) for cut in cuts)
        rows.append((kept["title"], str(len(cuts)), *(str(sum(count)) for count in counts)))
    return ["## Cards that keep to no rule", "", *markdown_table(rows), ""] if len(rows) > 1 else []


def write(page: Path, folder: Path, today: str) -> None:
    """Put the results into the page."""
    text = page.read_text()
    found = results(folder, today)
    if not _PLACE.search(text):
        raise ReportError(f"{page} has no place for the results")
    page.write_text(_PLACE.sub(lambda match: f"{match[1]}\n{found}\n{match[2]}", text))
