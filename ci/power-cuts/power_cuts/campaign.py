"""Many cuts of one recording, each judged without a boot: which slot comes up, and is everything promised there."""

import itertools
import multiprocessing
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from power_cuts.boot import Box
from power_cuts.cut import HONEST, Choice, Cut, Manner
from power_cuts.data import DataPartition
from power_cuts.disk import Disk
from power_cuts.partitions import Partition, Table, Tables
from power_cuts.promises import MARK_OFFSET, Marks, broken
from power_cuts.recording import Recording
from power_cuts.verity import verify
from power_cuts.write_log import Entry, WriteLog

_SCRATCH = Path("/dev/shm")
FOCUS = 0.4
"""The share of the cuts that falls at writes which decide what is booted."""


@dataclass(slots=True)
class Result:
    """What became of one cut."""

    number: int
    position: int
    phase: str
    manner: str
    volatile: int
    """Requests since the last flush."""
    slot: str | None
    went_back: bool
    starts: int
    bricked: str = ""
    data: list[str] = field(default_factory=list)
    repaired: bool = False
    """Whether /data needed the thorough repair."""
    other: list[str] = field(default_factory=list)
    """What else must not be: an update on trial that is not all there, a damaged boot partition."""

    @property
    def passed(self) -> bool:
        """Whether the box boots a sound slot and has its data."""
        return not (self.bricked or self.data or self.other)


class Judge:
    """Judges the cuts of one recording, in the order of what is durable at them."""

    def __init__(self, recording: Recording, scratch: Path) -> None:
        """Open the recording; the scratch folder is for copies of the data partition."""
        self.recording = recording
        self.log = WriteLog(recording.log, recording.base.stat().st_size)
        self.disk = Disk(recording.base, self.log)
        self.marks = Marks(self.log, recording.begins_with)
        self._scratch = scratch
        self._data: DataPartition | None = None
        self._whole: dict[object, bool] = {}

    def box(self) -> Box:
        """The box with the disk as it is now."""
        recording = self.recording
        return Box(self.disk.read, self.disk.size, recording.loader, self._is_whole, recording.never_up)

    def judge(self, cut: Cut) -> Result:
        """Let the power be cut there, and see."""
        with self.disk.cut(cut):
            return self.judge_here(cut)

    def judge_here(self, cut: Cut) -> Result:
        """Judge the disk, which is as the cut left it."""
        box = self.box()
        verdict = box.settle()
        result = Result(
            cut.number,
            cut.position,
            self.marks.phase(cut.position),
            cut.manner,
            cut.position - cut.durable,
            verdict.slot,
            verdict.went_back,
            len(verdict.starts),
            bricked=verdict.reason if verdict.slot is None else "",
        )
        if verdict.damaged_trial:
            result.other.append("an update is tried that is not all on the disk")
        if box.volume_error:
            result.other.append(f"boot partition: {box.volume_error}")
        elif box.volume:
            result.other += [f"boot partition: {problem}" for problem in box.volume.problems()]
        if self.recording.has_data:
            result.data, result.repaired = self._judge_data(box.tables.for_linux(verdict.arguments), cut)
        return result

    def _judge_data(self, table: Table | None, cut: Cut) -> tuple[list[str], bool]:
        partition = table.named("data") if table else None
        if partition is None:
            return ["there is no data partition"], False
        if self._data is None:
            self._data = DataPartition(self.recording.base, partition.offset, self.disk.size, self._scratch)
        recovered = self._data.recover(self.disk, partition)
        problems = recovered.problems or broken(self.marks.promised(cut.position), recovered.files)
        return problems, recovered.thorough

    def _is_whole(self, partition: Partition, blocks: int, root: bytes, salt: bytes) -> bool:
        """Verify a slot, once for every content that it has in the campaign."""
        begin, end = partition.offset, partition.offset + partition.size
        changed = tuple(
            (first, self.disk.read(first, last - first))
            for first, last in self.disk.changed
            if first < end and last > begin
        )
        key = (partition, blocks, root, salt, self.disk.last_durable_write(begin, end), changed)
        if key not in self._whole:
            self._whole[key] = verify(
                lambda offset, length: self.disk.read(begin + offset, length), partition.size, blocks, root, salt
            )
        return self._whole[key]

    def is_decisive(self) -> Callable[[Entry], bool]:
        """Tells the writes that decide what is booted: the partition table, the boot partition, the environment."""
        tables = Tables.read(self.disk.read, self.disk.size)
        boot = tables.primary.named("boot") if tables.primary else None
        end = boot.offset + boot.size if boot else 0
        last = self.disk.size - (1 << 20)
        return lambda entry: (entry.offset < end or entry.end > last) and entry.offset != MARK_OFFSET

    def close(self) -> None:
        """Let the files go."""
        self.disk.close()
        self.log.close()


def entries(recording: Recording) -> int:
    """How many requests were recorded."""
    with WriteLog(recording.log, recording.base.stat().st_size) as log:
        return len(log.entries)


def choose(
    recording: Recording,
    seed: int,
    numbers: Sequence[int],
    manners: Sequence[Manner] = HONEST,
    focus: float = FOCUS,
) -> list[Cut]:
    """The cuts of these numbers, sorted as a disk rolls forward."""
    with tempfile.TemporaryDirectory() as scratch:
        judge = Judge(recording, Path(scratch))
        choice = Choice(judge.log, seed, manners=manners, is_decisive=judge.is_decisive(), focus=focus)
        cuts = [choice.cut(number) for number in numbers]
        judge.close()
    return sorted(cuts, key=lambda cut: (cut.durable, cut.position, cut.number))


def sample(recording: Recording, seed: int, count: int, most: int) -> list[Cut]:
    """Some of so many cuts, from every phase in turn, sorted as a disk rolls forward."""
    cuts = choose(recording, seed, range(count))
    with WriteLog(recording.log, recording.base.stat().st_size) as log:
        marks = Marks(log, recording.begins_with)
    phases: dict[str, list[Cut]] = {}
    for cut in sorted(cuts, key=lambda cut: cut.number):
        phases.setdefault(marks.phase(cut.position), []).append(cut)
    turns = [cut for turn in itertools.zip_longest(*phases.values()) for cut in turn if cut is not None]
    return sorted(turns[:most], key=lambda cut: (cut.durable, cut.position, cut.number))


def _judge_share(recording: Recording, cuts: Sequence[Cut]) -> list[Result]:
    folder = str(_SCRATCH) if _SCRATCH.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="power-cuts-", dir=folder) as scratch:
        judge = Judge(recording, Path(scratch))
        try:
            return [judge.judge(cut) for cut in cuts]
        finally:
            judge.close()


def run(
    recording: Recording,
    seed: int,
    count: int,
    *,
    manners: Sequence[Manner] = HONEST,
    focus: float = FOCUS,
    processes: int | None = None,
) -> list[Result]:
    """Judge so many cuts, on every processor."""
    cuts = choose(recording, seed, range(count), manners, focus)
    processes = min(processes or os.cpu_count() or 1, max(1, len(cuts) // 8))
    share = -(-len(cuts) // processes)
    shares = [(recording, cuts[begin : begin + share]) for begin in range(0, len(cuts), share)]
    if len(shares) == 1:
        results = [_judge_share(*shares[0])]
    else:
        with multiprocessing.get_context("fork").Pool(len(shares)) as pool:
            results = pool.starmap(_judge_share, shares)
    return sorted((result for part in results for result in part), key=lambda result: result.number)


@dataclass(slots=True)
class Row:
    """What became of the cuts of one phase."""

    phase: str
    cuts: int = 0
    old: int = 0
    new: int = 0
    went_back: int = 0
    bricked: int = 0
    data: int = 0
    other: int = 0


def summary(results: Sequence[Result]) -> list[Row]:
    """Count by phase, in the order of the phases, with a last row for all."""
    rows: dict[str, Row] = {}
    total = Row("all")
    for result in sorted(results, key=lambda result: result.position):
        for row in (rows.setdefault(result.phase, Row(result.phase)), total):
            row.cuts += 1
            row.old += result.slot == "a"
            row.new += result.slot == "b"
            row.went_back += result.went_back
            row.bricked += bool(result.bricked)
            row.data += bool(result.data)
            row.other += bool(result.other)
    return [*rows.values(), total]


HEADINGS = ("phase", "cuts", "slot a", "slot b", "went back", "bricked", "data lost", "other faults")


def table(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """The summary as text, headings first."""
    return [HEADINGS, *(tuple(str(value) for value in asdict(row).values()) for row in summary(results))]


def faults(results: Sequence[Result]) -> Counter[str]:
    """Every kind of fault with how often it came."""
    counter: Counter[str] = Counter()
    for result in results:
        if result.bricked:
            counter[f"bricked: {result.bricked}"] += 1
        counter.update(f"data: {problem}" for problem in result.data)
        counter.update(result.other)
    return counter
