"""What the box does with a disk when the power comes back: U-Boot, its boot script, the kernel, the trial.

The boot script is not rewritten here: the very `boot.scr` on the disk is run, by the environment that is on the disk,
as U-Boot does it. What is modelled is only what surrounds the script: which environment counts, U-Boot's boot counter,
and what the kernel makes of its arguments.
"""

import binascii
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from power_cuts import fat, hush
from power_cuts.environment import SIZE, Environment, EnvironmentTooBigError
from power_cuts.partitions import Partition, Table, Tables
from power_cuts.verity import BLOCK

MOST_STARTS = 24
_SQUASHFS = b"hsqs"
_SCRIPT = struct.Struct(">IIIIIIIBBBB32s")
_SCRIPT_MAGIC = 0x27051956
_VERITY = re.compile(
    r'dm-mod\.create="?[^,"]*,[^,"]*,[^,"]*,ro,\s*0 (\d+) verity 1 PARTLABEL=(\w+) PARTLABEL=(\w+) '
    r'4096 4096 (\d+) (\d+) sha256 ([0-9a-f]{64}) ([0-9a-f]+|-)"?'
)

_ARITHMETIC = {"+": int.__add__, "-": int.__sub__, "&": int.__and__, "|": int.__or__}

Read = Callable[[int, int], bytes]


class BootLogicError(Exception):
    """The boot script or the environment uses something that is not modelled: no verdict can be given."""


class Damage(StrEnum):
    """What a slot that is not whole may do. Each is tried, for nobody can tell beforehand which."""

    NO_KERNEL = "its kernel cannot be read"
    PANIC = "its kernel starts and stops"


@dataclass(frozen=True, slots=True)
class RawEnvironment:
    """The environment at fixed places of the disk, outside every partition."""

    offsets: tuple[int, ...]
    size: int = SIZE

    def places(self, _: fat.Volume | None, __: Partition | None) -> list[int | None]:
        """Where the copies lie on the disk."""
        return list(self.offsets)


@dataclass(frozen=True, slots=True)
class FileEnvironment:
    """The environment as files on the boot partition."""

    names: tuple[str, ...]
    size: int = SIZE

    def places(self, volume: fat.Volume | None, boot: Partition | None) -> list[tuple[int, ...] | None]:
        """The clusters of the copies; None for one that is missing or shorter than it must be."""
        if volume is None or boot is None:
            return [None for _ in self.names]
        found = []
        for name in self.names:
            try:
                file = volume.find(name)
            except fat.FatError:
                file = None
            fits = file and file.size >= self.size and len(file.clusters) * volume.cluster_size >= self.size
            found.append(tuple(boot.offset + volume.offset(c) for c in file.clusters) if file and fits else None)
        return found


@dataclass(frozen=True, slots=True)
class BootLoader:
    """What is compiled into the boot loader."""

    defaults: dict[str, str]
    location: RawEnvironment | FileEnvironment
    writeable: frozenset[str] | None = None
    """The variables that a saved environment may set; None when it replaces the defaults altogether."""


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


class _Reset(Exception):  # noqa: N818 - no error
    pass


class _Linux(Exception):  # noqa: N818 - no error
    def __init__(self, arguments: str) -> None:
        super().__init__(arguments)
        self.arguments = arguments


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
            run = _Run(self, environment, damage)
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


class _Run:
    """One run of U-Boot, from power-on or reset until it starts Linux, resets or stops."""

    def __init__(self, box: Box, environment: Environment, damage: Damage) -> None:
        self.box = box
        self.saved = environment
        self.cut_during_saves: list[Environment] = []
        self.ending = ""
        self._damage = damage
        self._memory: dict[str, bytes] = {}
        loader = box.loader
        stored = environment.variables
        if stored is None:
            variables = dict(loader.defaults)
        elif loader.writeable is None:
            variables = stored
        else:
            variables = loader.defaults | {name: stored[name] for name in stored if name in loader.writeable}
        simple = {"true": lambda _: 0, "false": lambda _: 1, "echo": lambda _: 0, "sleep": lambda _: 0}
        self._shell = hush.Shell(
            {
                **simple,
                "test": lambda arguments: hush.test(arguments, self._exists),
                "setenv": self._setenv,
                "setexpr": self._setexpr,
                "saveenv": self._saveenv,
                "env": self._env,
                "run": self._run,
                "source": self._source,
                "load": self._load,
                "booti": self._booti,
                "reset": self._reset,
                "fdt": self._fdt,
                "part": self._part,
                "virtio": lambda arguments: 0 if arguments[:1] in (["dev"], ["scan"]) else 1,
                "mmc": lambda arguments: 0 if arguments[:1] in (["dev"], ["rescan"]) else 1,
            },
            variables,
        )

    @property
    def _variables(self) -> dict[str, str]:
        return self._shell.environment

    def power_on(self) -> str | None:
        """Run until Linux starts: its arguments; None when it does not, and `ending` says why."""
        try:
            self._shell.run(self._count())
        except _Linux as linux:
            return linux.arguments
        except _Reset:
            self.ending = "reset"
            return None
        except hush.HushError as error:
            raise BootLogicError(str(error)) from error
        self.ending = "U-Boot stops at its prompt"
        return None

    def _count(self) -> str:
        """U-Boot's boot counter (CONFIG_BOOTCOUNT_ENV): counts and saves only during a trial."""
        trial = hush.integer(self._variables.get("upgrade_available", "0")) != 0
        count = hush.integer(self._variables.get("bootcount", "0")) if trial else 0
        self._variables["bootcount"] = str(count + 1)
        if trial:
            self._saveenv([])
        limit = hush.integer(self._variables.get("bootlimit", "0"))
        command = "altbootcmd" if limit and count + 1 > limit else "bootcmd"
        return self._variables.get(command, "")

    def _setenv(self, arguments: list[str]) -> int:
        if not arguments:
            return 1
        if len(arguments) == 1:
            self._variables.pop(arguments[0], None)
        else:
            self._variables[arguments[0]] = " ".join(arguments[1:])
        return 0

    def _setexpr(self, arguments: list[str]) -> int:
        if len(arguments) != 4 or arguments[2] not in _ARITHMETIC:
            raise hush.HushError(f"setexpr {' '.join(arguments)} is not known here")
        name, left, operator, right = arguments
        try:
            value = _ARITHMETIC[operator](int(left, 16), int(right, 16))
        except ValueError:
            return 1
        self._variables[name] = f"{value:x}"
        return 0

    def _fdt(self, arguments: list[str]) -> int:
        """The device tree decides nothing about slots: every change of it succeeds, every value in it is 2."""
        if arguments[:2] == ["get", "value"] and len(arguments) == 5:
            self._variables[arguments[2]] = "2"
        return 0

    def _saveenv(self, _: list[str]) -> int:
        self.cut_during_saves.append(self.saved.torn())
        try:
            self.saved, _, _ = self.saved.saved(self._variables)
        except EnvironmentTooBigError:
            return 1
        return 0

    def _env(self, arguments: list[str]) -> int:
        match arguments:
            case ["exists", name]:
                return 0 if name in self._variables else 1
            case ["save"]:
                return self._saveenv([])
            case ["set", *rest]:
                return self._setenv(rest)
            case ["delete", *names]:
                for name in names:
                    self._variables.pop(name, None)
                return 0
        raise hush.HushError(f"env {' '.join(arguments)} is not known here")

    def _run(self, arguments: list[str]) -> int:
        for name in arguments:
            if name not in self._variables:
                return 1
            if self._shell.run(self._variables[name]) != 0:
                return 1
        return 0

    def _source(self, arguments: list[str]) -> int:
        raw = self._memory.get(arguments[0] if arguments else "", b"")
        text = script_text(raw)
        return 1 if text is None else self._shell.run(text)

    def _partition(self, device: str) -> Partition | None:
        table: Table | None = self.box.tables.for_u_boot
        disk, colon, number = device.partition(":")
        if table is None or disk != "0":
            return None
        if number.startswith("#"):
            return table.named(number[1:])
        try:
            return table.numbered(int(number, 16)) if colon else None
        except ValueError:
            return None

    def _file(self, device: str, path: str) -> bytes | None:
        """The content of a file, empty where only its being there counts."""
        partition = self._partition(device)
        if partition is None:
            return None
        if partition == self.box.boot:
            volume = self.box.volume
            try:
                file = volume.find(path) if volume else None
                return volume.content(file) if volume and file else None
            except fat.FatError:
                return None
        return b"" if self._slot_can_be_read(partition) else None

    def _slot_can_be_read(self, partition: Partition) -> bool:
        slot = partition.name.removeprefix("root").lower()
        named = {key: self._variables.get(f"verity_{slot}_{key}", "") for key in ("blocks", "hash", "salt")}
        if self.box.read(partition.offset, len(_SQUASHFS)) != _SQUASHFS:
            return False
        try:
            salt = b"" if named["salt"] == "-" else bytes.fromhex(named["salt"])
            whole = self.box.is_whole(partition, int(named["blocks"]), bytes.fromhex(named["hash"]), salt)
        except ValueError:
            whole = False
        return whole or self._damage is not Damage.NO_KERNEL

    def _exists(self, interface: str, device: str, path: str) -> bool:
        return interface in ("virtio", "mmc") and self._file(device, path) is not None

    def _load(self, arguments: list[str]) -> int:
        if len(arguments) < 4:
            return 1
        interface, device, address, path = arguments[:4]
        content = self._file(device, path) if interface in ("virtio", "mmc") else None
        if content is None:
            return 1
        self._memory[address] = content
        self._variables["filesize"] = f"{len(content):x}"
        return 0

    def _part(self, arguments: list[str]) -> int:
        table = self.box.tables.for_u_boot
        match arguments:
            case ["number", "virtio" | "mmc", "0", name, variable]:
                partition = table.named(name) if table else None
                if partition is None:
                    return 1
                self._variables[variable] = f"{partition.number:x}"
                return 0
        raise hush.HushError(f"part {' '.join(arguments)} is not known here")

    def _booti(self, arguments: list[str]) -> int:
        if not arguments or arguments[0] not in self._memory:
            return 1
        raise _Linux(self._variables.get("bootargs", ""))

    def _reset(self, _: list[str]) -> int:
        raise _Reset


def state_of(environment: Environment) -> str:
    """What an environment says of slots and trials, for a person."""
    variables = environment.variables
    if variables is None:
        return "no environment"
    return " ".join(
        f"{name}={variables.get(name, '')}" for name in ("amora_slot", "upgrade_available", "bootcount", "ustate")
    )


def script_text(raw: bytes) -> str | None:
    """The text of a boot script made by mkimage; None when one of its checksums is wrong."""
    if len(raw) < _SCRIPT.size + 8:
        return None
    magic, header_crc, _, size, _, _, data_crc, *_ = _SCRIPT.unpack_from(raw)
    header = raw[:4] + bytes(4) + raw[8 : _SCRIPT.size]
    data = raw[_SCRIPT.size : _SCRIPT.size + size]
    if magic != _SCRIPT_MAGIC or binascii.crc32(header) != header_crc or len(data) != size:
        return None
    if binascii.crc32(data) != data_crc:
        return None
    length, terminator = struct.unpack_from(">II", data)
    if terminator != 0 or length > len(data) - 8:
        return None
    return data[8 : 8 + length].decode("utf-8", "replace")


def script_image(text: str) -> bytes:
    """A boot script as mkimage makes it."""
    encoded = text.encode()
    data = struct.pack(">II", len(encoded), 0) + encoded
    fields = (0, len(data), 0, 0, binascii.crc32(data), 5, 22, 6, 0, b"amora")
    crc = binascii.crc32(_SCRIPT.pack(_SCRIPT_MAGIC, 0, *fields))
    return _SCRIPT.pack(_SCRIPT_MAGIC, crc, *fields) + data
