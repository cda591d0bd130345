"""The command line."""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from power_cuts import campaign, small_disk, u_boot
from power_cuts.boot import BootLogicError
from power_cuts.campaign import Judge, Result
from power_cuts.cut import HONEST, Manner
from power_cuts.promises import MarkError
from power_cuts.recording import Recording, RecordingError
from power_cuts.write_log import LogError

_CHECKOUT = Path(__file__).parents[3]
FOLDER = _CHECKOUT / "build/power-cuts"


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
    """Record the small disk in both layouts, judge it; then break it on purpose and see that this is found."""
    why_not = small_disk.cannot_record()
    if why_not:
        print(f"without a file system on /data: {why_not}", file=sys.stderr)
    record = small_disk.record_made_up if why_not else small_disk.record
    failed = False
    for layout in ("raw", "files"):
        recording = record(_fresh(arguments.folder / f"small-{layout}"), files=layout == "files")
        results = judge(recording, arguments.seed, arguments.cuts)
        failed |= not all(result.passed for result in results)
    broken = {"single_copy": "raw", "unsynced_slot": "files"} | ({} if why_not else {"careless_writer": "raw"})
    for name, layout in broken.items():
        recording = record(
            _fresh(arguments.folder / f"small-{name.replace('_', '-')}"),
            files=layout == "files",
            breaks=small_disk.Breaks(**{name: True}),
        )
        # Where the environment is what is broken, all cuts go there.
        focus = 1.0 if name == "single_copy" else campaign.FOCUS
        results = judge(recording, arguments.seed, max(arguments.cuts, 300), focus=focus)
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
    added = command("u-boot", boot_loader, "compare the model with the product's real boot loader on a small disk")
    added.add_argument("--cuts", type=int, default=20)
    parsed = parser.parse_args(arguments)
    try:
        return parsed.run(parsed)
    except (LogError, RecordingError, MarkError, BootLogicError, small_disk.RecordingNotPossibleError) as error:
        print(f"power-cuts: {error}", file=sys.stderr)
        return 2
