"""One run of U-Boot on a box: its boot counter, and the commands that the boot script uses."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from power_cuts import fat, hush
from power_cuts.boot_script import script_text
from power_cuts.environment import Environment, EnvironmentTooBigError
from power_cuts.partitions import Partition, Table

if TYPE_CHECKING:
    from power_cuts.boot import Box

_SQUASHFS = b"hsqs"
_ARITHMETIC = {"+": int.__add__, "-": int.__sub__, "&": int.__and__, "|": int.__or__}


class BootLogicError(Exception):
    """The boot script or the environment uses something that is not modelled: no verdict can be given."""


class Damage(StrEnum):
    """What a slot that is not whole may do. Each is tried, for nobody can tell beforehand which."""

    NO_KERNEL = "its kernel cannot be read"
    PANIC = "its kernel starts and stops"


class _Reset(Exception):  # noqa: N818 - no error
    pass


class _Linux(Exception):  # noqa: N818 - no error
    def __init__(self, arguments: str) -> None:
        super().__init__(arguments)
        self.arguments = arguments


class Run:
    """One run of U-Boot, from power-on or reset until it starts Linux, resets or stops."""

    def __init__(self, box: Box, environment: Environment, damage: Damage) -> None:
        """Begin with what the environment holds."""
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
