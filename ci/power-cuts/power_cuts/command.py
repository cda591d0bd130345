"""The command line."""

import argparse
import datetime
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from power_cuts import campaign, installer, reference, report, small_disk, u_boot
from power_cuts.boot_run import BootLogicError
from power_cuts.campaign import Judge, Result
from power_cuts.console import ConsoleError
from power_cuts.cut import HONEST, Manner
from power_cuts.promises import MarkError
from power_cuts.recording import Recording, RecordingError
from power_cuts.write_log import LogError

_CHECKOUT = Path(__file__).parents[3]
FOLDER = _CHECKOUT / "build/power-cuts"
PAGE = _CHECKOUT / "docs/power-cuts.md"


def say(results: Sequence[Result], recording: Recording, log_entries: int, seconds: float) -> None:
    """Print what became of a recording's cuts."""
    print(f"\n{recording.title}: {log_entries} requests recorded, {len(results)} cuts judged in {seconds:.0f} s")
    for note in recording.notes:
        print(f"  {note}")
    rows = campaign.table(results)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  " + "  ".join(cells))
    repaired = sum(result.repaired for result in results)
    if repaired:
        print(f"  {repaired} × /data needed a thorough repair (e2fsck -f -y)")
    for fault, times in campaign.faults(results).most_common(10):
        print(f"  {times} × {fault}")


def judge(
    recording: Recording, seed: int, count: int, manners: Sequence[Manner] = HONEST, focus: float = campaign.FOCUS
) -> list[Result]:
    """Judge cuts, print the summary, and keep every result beside the recording."""
    begin = time.monotonic()
    results = campaign.run(recording, seed, count, manners=manners, focus=focus)
    entries = campaign.entries(recording)
    say(results, recording, entries, time.monotonic() - begin)
    kept = {"title": recording.title, "notes": recording.notes, "seed": seed, "entries": entries}
    kept |= {"manners": list(manners), "cuts": [asdict(result) for result in results]}
    name = "bad-card.json" if Manner.ERASED_BLOCK in manners else "results.json"
    (recording.folder / name).write_text(json.dumps(kept, indent=1) + "\n")
    return results


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def small(arguments: argparse.Namespace) -> int:
    """Record and judge the small disk in both layouts, and by SWUpdate; break it and see that this is found."""
    why_not = small_disk.cannot_record()
    if why_not:
        print(f"without a file system on /data: {why_not}", file=sys.stderr)
    record = small_disk.record_made_up if why_not else small_disk.record
    failed = False
    for layout in ("raw", "files"):
        recording = record(_fresh(arguments.folder / f"small-{layout}"), files=layout == "files")
        results = judge(recording, arguments.seed, arguments.cuts)
        failed |= not all(result.passed for result in results)
    if not why_not and not installer.cannot_install():
        folder = _fresh(arguments.folder / "small-swupdate")
        recording = small_disk.record(folder, installer=installer.Installer)
        failed |= not all(result.passed for result in judge(recording, arguments.seed, arguments.cuts))
    broken = {"single_copy": "raw", "unsynced_slot": "files"} | ({} if why_not else {"careless_writer": "raw"})
    for name, layout in broken.items():
        recording = record(
            _fresh(arguments.folder / f"small-{name.replace('_', '-')}"),
            files=layout == "files",
            breaks=small_disk.Breaks(**{name: True}),
        )
        # Where the environment is what is broken, all cuts go there.
        focus = 1.0 if name == "single_copy" else campaign.FOCUS
        results = judge(recording, arguments.seed, 300, focus=focus)
        if all(result.passed for result in results):
            print("  THIS WAS BROKEN ON PURPOSE AND NOT FOUND", file=sys.stderr)
            failed = True
    return int(failed)


def judge_recording(arguments: argparse.Namespace) -> int:
    """Judge cuts of a recording that is there."""
    manners = (Manner.ERASED_BLOCK,) if arguments.bad_card else HONEST
    results = judge(Recording.load(arguments.recording), arguments.seed, arguments.cuts, manners)
    return int(not all(result.passed for result in results))


def explain(arguments: argparse.Namespace) -> int:
    """Tell one cut in full."""
    recording = Recording.load(arguments.recording)
    manners = (Manner.ERASED_BLOCK,) if arguments.bad_card else HONEST
    (cut,) = campaign.choose(recording, arguments.seed, [arguments.number], manners)
    folder = _fresh(FOLDER / "explained")
    judged = Judge(recording, folder)
    with judged.disk.cut(cut):
        box = judged.box()
        print(f"cut {cut.number} after {cut.position} requests, {cut.durable} of them durable; {cut.manner}")
        print(f"  kept of the others: {', '.join(map(describe_survivor, cut.survivors)) or 'none'}")
        for copy, content in enumerate(box.environment.copies):
            counts = " (counts)" if copy == box.environment.active else ""
            state = (
                "damaged"
                if content is None
                else f"flags {content.flags}{counts}: "
                + ", ".join(
                    f"{name}={content.variables.get(name, '')}"
                    for name in ("amora_slot", "upgrade_available", "bootcount", "ustate")
                )
            )
            print(f"  environment, copy {copy}: {state}")
        for start in box.settle().starts:
            print(f"  start: slot {start.slot}, {'on trial, ' if start.trial else ''}{start.outcome}")
    result = judged.judge(cut)
    print(json.dumps(asdict(result), indent=2))
    return int(not result.passed)


def boot_loader(arguments: argparse.Namespace) -> int:
    """Have the real boot loader go through cuts of a small disk, beside the model."""
    why_not = u_boot.cannot_run()
    if why_not:
        print(f"the boot loader cannot be run: {why_not}", file=sys.stderr)
        return 2
    folder = _fresh(FOLDER / "u-boot")
    recording = small_disk.record_made_up(folder, files=True, images=u_boot.images())
    compared = u_boot.compare(recording, arguments.seed, max(300, 2 * arguments.cuts), arguments.cuts)
    for comparison in compared:
        way = ", ".join(f"{s.slot}{f' (try {s.tries})' if s.trial else ''}" for s in comparison.real)
        print(f"  cut {comparison.cut}: {'as modelled' if comparison.agrees else 'NOT AS MODELLED'}: started {way}")
        if not comparison.agrees:
            print(f"    modelled: {comparison.modelled} {comparison.modelled_state}\n{comparison.console}")
    agreeing = sum(comparison.agrees for comparison in compared)
    print(f"U-Boot and the model agree on {agreeing} of {len(compared)} disks")
    kept = {"seed": arguments.seed, "compared": len(compared), "agreeing": agreeing}
    kept["ways"] = len({comparison.real for comparison in compared})
    (folder / "results.json").write_text(json.dumps(kept, indent=1) + "\n")
    return int(agreeing != len(compared))


def record_reference(arguments: argparse.Namespace) -> int:
    """Record an update on the reference image."""
    recording = reference.record(_fresh(arguments.folder))
    print(f"{campaign.entries(recording)} requests recorded in {arguments.folder}")
    return 0


def boot_recording(arguments: argparse.Namespace) -> int:
    """Really boot some cuts, of every phase in turn."""
    recording = Recording.load(arguments.recording)
    cuts = campaign.sample(recording, arguments.seed, arguments.cuts, arguments.boots)
    booted = []
    for boot in reference.boot(recording, cuts, recording.folder):
        booted.append(boot)
        problems = f": {', '.join(boot.problems)}" if boot.problems else ""
        slot = f"slot {boot.slot}" if boot.slot else "nothing"
        judged = "as judged" if boot.slot == boot.expected else f"but slot {boot.expected} was judged to"
        print(f"  cut {boot.number} ({boot.phase}): {slot} came up, {judged}{problems}", flush=True)
    passed = sum(boot.passed for boot in booted)
    print(f"{passed} of {len(booted)} real boots came up as judged with their data")
    kept = {"seed": arguments.seed, "boots": [asdict(boot) for boot in booted]}
    (recording.folder / "boots.json").write_text(json.dumps(kept, indent=1) + "\n")
    return int(passed != len(booted))


def write_report(arguments: argparse.Namespace) -> int:
    """Put all results that are there into the book."""
    report.write(PAGE, FOLDER, datetime.date.today().isoformat())
    print(f"written: {PAGE.relative_to(_CHECKOUT)}")
    return 0


def everything(arguments: argparse.Namespace) -> int:
    """Small disk, boot loader, reference image, real boots; then the report."""
    failed = False

    def step(*command: str) -> None:
        nonlocal failed
        print(f"\n== {' '.join(command)}", flush=True)
        failed |= main([*command, "--seed", str(arguments.seed)]) != 0

    folder = FOLDER / "reference"
    step("small")
    step("u-boot")
    if not reference.is_recorded(folder):
        step("record")
    step("judge", str(folder), "--cuts", str(arguments.cuts))
    step("boot", str(folder), "--cuts", str(arguments.cuts), "--boots", str(arguments.boots))
    # What a bad card does is told, but it is no fault of the box.
    for recorded in (folder, FOLDER / "small-raw", FOLDER / "small-files"):
        judge(Recording.load(recorded), arguments.seed, min(arguments.cuts, 200), (Manner.ERASED_BLOCK,))
    if arguments.report:
        step("report")
    print(f"\n{'FAILED' if failed else 'passed'}")
    return int(failed)


def describe_survivor(survivor: object) -> str:
    """An entry of the log, and whether it is torn."""
    entry, mask = getattr(survivor, "entry", 0), getattr(survivor, "mask", None)
    return f"{entry}" if mask is None else f"{entry} torn"


def main(arguments: Sequence[str]) -> int:
    """Understand the command line and do it; the exit status."""
    parser = argparse.ArgumentParser(prog="ci/power-cuts/run", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        added.add_argument("--seed", type=int, default=1, help="the same seed gives the same cuts")
        return added

    added = command("small", small, "record a small disk and judge cuts of it, then find what is broken on purpose")
    added.add_argument("--cuts", type=int, default=60)
    added.add_argument("--folder", type=Path, default=FOLDER)
    added = command("judge", judge_recording, "judge cuts of a recording")
    added.add_argument("recording", type=Path)
    added.add_argument("--cuts", type=int, default=500)
    added.add_argument("--bad-card", action="store_true", help="whole erase blocks are lost, synced ones as well")
    added = command("explain", explain, "tell one cut in full")
    added.add_argument("recording", type=Path)
    added.add_argument("number", type=int)
    added.add_argument("--bad-card", action="store_true")
    added = command("record", record_reference, "record an update on the reference image")
    added.add_argument("--folder", type=Path, default=FOLDER / "reference")
    added = command("boot", boot_recording, "really boot what cuts of a recording leave")
    added.add_argument("recording", type=Path, nargs="?", default=FOLDER / "reference")
    added.add_argument("--boots", type=int, default=10)
    added.add_argument("--cuts", type=int, default=500, help="choose among as many")
    added = command("all", everything, "everything, with a report")
    added.add_argument("--cuts", type=int, default=500)
    added.add_argument("--boots", type=int, default=10)
    added.add_argument("--report", action="store_true", help="write docs/power-cuts.md")
    command("report", write_report, "write the results that are there into docs/power-cuts.md")
    added = command("u-boot", boot_loader, "compare the model with the product's real boot loader on a small disk")
    added.add_argument("--cuts", type=int, default=20)
    parsed = parser.parse_args(arguments)
    try:
        return parsed.run(parsed)
    except (
        reference.ImageError,
        report.ReportError,
        ConsoleError,
        LogError,
        RecordingError,
        MarkError,
        BootLogicError,
        small_disk.RecordingNotPossibleError,
    ) as error:
        print(f"power-cuts: {error}", file=sys.stderr)
        return 2
