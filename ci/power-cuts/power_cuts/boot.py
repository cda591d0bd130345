"""What the box does with a disk when the power comes back: U-Boot, its boot script, the kernel, the trial.

The boot script is not rewritten here: the very `boot.scr` on the disk is run, by the environment that is on the disk,
as U-Boot does it. What is modelled is only what surrounds the script: which environment counts, U-Boot's boot counter,
and what the kernel makes of its arguments.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from power_cuts import fat
from power_cuts.boot_loader import BootLoader
from power_cuts.boot_run import Damage, Run
from power_cuts.environment import Environment
from power_cuts.partitions import Partition, Tables
from power_cuts.verity import BLOCK

MOST_STARTS = 24
_VERITY = re.compile(
    r'dm-mod\.create="?[^,"]*,[^,"]*,[^,"]*,ro,\s*0 (\d+) verity 1 PARTLABEL=(\w+) PARTLABEL=(\w+) '
    r'4096 4096 (\d+) (\d+) sha256 ([0-9a-f]{64}) ([0-9a-f]+|-)"?'
)

Read = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Start:
    """One attempt to start Linux, or one that did not get so far."""

    slot: str | None
    trial: bool
    outcome: str
    tries: int = 0
    """The tries that the boot loader told the kernel of."""
    state: str = ""
    """What the environment on the disk said then."""


@dataclass(slots=True)
class Verdict:
    """How it ended, and everything on the way."""

    slot: str | None
    """The slot that came up in the end and stays up; None for a bricked box."""
    reason: str = ""
    starts: list[Start] = field(default_factory=list)
    arguments: str = ""
    """The kernel's arguments when it came up."""
    damaged_trial: bool = False
    """Whether a slot was tried that is not what was signed."""
    cut_during_saves: list[Environment] = field(default_factory=list)
    """What each save of the environment on the way would have left, had the power been cut again."""

    @property
    def went_back(self) -> bool:
        """Whether an update was given up."""
        return self.slot is not None and any(start.trial and start.slot != self.slot for start in self.starts)


@dataclass(slots=True)
class Box:
    """A box with a disk, as it stands after the power cut."""

    read: Read
    size: int
    loader: BootLoader
    is_whole: Callable[[Partition, int, bytes, bytes], bool]
    """Whether a partition is what a root hash says: partition, data blocks, root hash, salt."""
    never_up: frozenset[str] = frozenset()
    """Root hashes of images that are whole but never prove themselves."""
    tables: Tables = field(init=False)
    boot: Partition | None = field(init=False, default=None)
    volume: fat.Volume | None = field(init=False, default=None)
    volume_error: str = field(init=False, default="")
    environment: Environment = field(init=False)

    def __post_init__(self) -> None:
        """Read what the boot loader reads first."""
        self.tables = Tables.read(self.read, self.size)
        table = self.tables.for_u_boot
        self.boot = table.named("boot") if table else None
        if self.boot:
            begin = self.boot.offset
            try:
                self.volume = fat.Volume(lambda offset, length: self.read(begin + offset, length))
            except fat.FatError as error:
                self.volume_error = str(error)
        self.environment = Environment.read(*self.raw_environment(), size=self.loader.location.size)

    def raw_environment(self) -> list[bytes | None]:
        """The bytes of each copy of the environment, None where there is none."""
        size = self.loader.location.size
        copies: list[bytes | None] = []
        for place in self.loader.location.places(self.volume, self.boot):
            if place is None:
                copies.append(None)
            elif isinstance(place, int):
                copies.append(self.read(place, size))
            else:
                cluster = self.volume.cluster_size if self.volume else 0
                copies.append(b"".join(self.read(offset, cluster) for offset in place)[:size])
        return copies

    def settle(self) -> Verdict:
        """Power on, and on again, until a slot stays up; the worst that can become of the disk."""
        verdicts = [self._settle(damage, self.environment) for damage in Damage]
        worst = next((verdict for verdict in verdicts if verdict.slot is None), verdicts[0])
        worst.damaged_trial = any(verdict.damaged_trial for verdict in verdicts)
        if worst.slot is not None:
            self._cut_again(worst)
        return worst

    def _cut_again(self, verdict: Verdict) -> None:
        """Cut the power once more, during each save on the way: the box must come up after that as well."""
        for damage in Damage:
            for environment in verdict.cut_during_saves:
                second = self._settle(damage, environment)
                if second.slot is None:
                    verdict.slot, verdict.reason = None, f"after a second cut, during a save: {second.reason}"
                    return

    def _settle(self, damage: Damage, environment: Environment) -> Verdict:
        verdict = Verdict(None)
        committed: str | None = None
        for _ in range(MOST_STARTS):
            run = Run(self, environment, damage)
            arguments = run.power_on()
            environment = run.saved
            verdict.cut_during_saves += run.cut_during_saves
            if arguments is None:
                verdict.starts.append(Start(None, False, run.ending, state=state_of(environment)))
                if run.ending != "reset":
                    verdict.reason = run.ending
                    return verdict
                continue
            slot, trial, failure = self._linux(arguments)
            tries = re.search(r"\bamora\.tries=(\d+)", arguments)
            counted = int(tries[1]) if tries else 0
            verdict.starts.append(Start(slot, trial, failure or "up", counted, state_of(environment)))
            if failure:
                verdict.damaged_trial |= trial and failure == Damage.PANIC
                continue
            if trial:
                variables = environment.variables or {}
                variables |= {"upgrade_available": "0", "bootcount": "0", "ustate": "0"}
                verdict.cut_during_saves.append(environment.torn())
                environment, _, _ = environment.saved(variables)
                committed = slot
                continue
            if committed not in (None, slot):
                verdict.reason = f"slot {committed} was committed, but slot {slot} starts"
                return verdict
            verdict.slot = slot
            verdict.arguments = arguments
            return verdict
        verdict.reason = f"still not up after {MOST_STARTS} starts: {verdict.starts[-1].outcome}"
        return verdict

    def _linux(self, arguments: str) -> tuple[str | None, bool, str | None]:
        """The slot that the arguments name, whether it is on trial, and why it fails, if it does."""
        words = dict(word.partition("=")[::2] for word in arguments.split())
        slot = words.get("amora.slot")
        trial = words.get("amora.trial") == "1"
        match = _VERITY.search(arguments)
        if slot not in ("a", "b") or not match:
            return slot, trial, "the kernel is started without a verified root"
        table = self.tables.for_linux(arguments)
        if table is None:
            return slot, trial, "Linux finds no partition table"
        sectors, data_label, hash_label, blocks, hash_start, root, salt = match.groups()
        partition = table.named(data_label)
        if partition is None or data_label != hash_label:
            return slot, trial, f"there is no partition {data_label}"
        if blocks != hash_start or int(sectors) != int(blocks) * BLOCK // 512 or data_label != f"root{slot.upper()}":
            return slot, trial, "the kernel's arguments contradict themselves"
        salt_bytes = b"" if salt == "-" else bytes.fromhex(salt)
        if not self.is_whole(partition, int(blocks), bytes.fromhex(root), salt_bytes):
            return slot, trial, Damage.PANIC
        if root in self.never_up:
            return slot, trial, "it does not prove itself"
        return slot, trial, None


def state_of(environment: Environment) -> str:
    """What an environment says of slots and trials, for a person."""
    variables = environment.variables
    if variables is None:
        return "no environment"
    return " ".join(
        f"{name}={variables.get(name, '')}" for name in ("amora_slot", "upgrade_available", "bootcount", "ustate")
    )
