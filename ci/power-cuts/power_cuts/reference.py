"""The recording of a real update on the reference image, and real boots of what cuts leave of it.

QEMU logs all writes of the reference machine from its very first start: `/data` grows, an update is downloaded,
installed, tried and kept, a second one that panics is given up, and all the while programs write to `/data` and make
promises.
"""

import base64
import functools
import http
import http.server
import json
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from power_cuts.boot_loader import BootLoader, FileEnvironment
from power_cuts.campaign import Judge
from power_cuts.console import ConsoleError, Machine
from power_cuts.cut import Cut
from power_cuts.data import copy_sparse, examine
from power_cuts.partitions import Tables
from power_cuts.promises import FOLDER, broken
from power_cuts.recording import ABOUT, Recording, writeable
from power_cuts.small_disk import WRITEABLE
from power_cuts.write_log import SECTOR

_CHECKOUT = Path(__file__).parents[3]
_IMAGE = _CHECKOUT / "ci/image"
_BUILT = _CHECKOUT / "build/image"
_IN_WORKSHOP = _IMAGE / "in"
_KEEP_PROMISES = Path(__file__).parents[1] / "keep-promises"
_ROOM_TO_GROW = 512 << 20

READY = r"AMORA-READY slot=([ab]) version=(\S+)"
PATIENCE = 1200.0
# A root shell on the console, and no watchdog or time-out that a busy machine would fall foul of.
_ARGUMENTS = (
    "systemd.debug_shell=ttyAMA0 systemd.mask=serial-getty@ttyAMA0.service systemd.tty.term.ttyAMA0=dumb "
    "systemd.tty.term.console=dumb systemd.log_color=0 audit=0 kpti=off systemd.watchdog_sec=600 "
    "systemd.default_device_timeout_sec=600 systemd.default_timeout_start_sec=600"
)
_HOST = "10.0.2.2"
_ACCEPTED = 20.0
"""Seconds by which an update that is accepted shows itself in the state."""
_GOOD, _BAD = "9.0.1", "9.0.2"


class ImageError(Exception):
    """The reference image is not there, or did not do as it should."""


@dataclass(frozen=True, slots=True)
class Update:
    """An update that was built."""

    bundle: Path
    root_hash: str


def built_in(boot_loader: bytes) -> dict[str, str]:
    """The environment that is compiled into a boot loader: the strings around its boot command."""
    at = boot_loader.find(b"bootcmd=load ${devtype}")
    if at < 0:
        raise ImageError("the boot loader has not the product's boot command")
    variable = re.compile(rb"[A-Za-z_.][A-Za-z0-9_.]*=[ -~]*\0")
    found: dict[str, str] = {}
    position = at
    while match := variable.match(boot_loader, position):
        name, _, value = match[0][:-1].decode().partition("=")
        found[name] = value
        position = match.end()
    return found


def _in_workshop(*command: str | Path) -> None:
    subprocess.run([_IN_WORKSHOP, *command], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def make_update(folder: Path, version: str, *changes: str) -> Update:
    """Build a signed update of the reference image, or find the one that was built of it before."""
    folder.mkdir(parents=True, exist_ok=True)
    image, bundle = folder / f"{version}.squashfs", folder / f"{version}.swu"
    parameters = Path(f"{image}.verity-params")
    if not bundle.exists() or bundle.stat().st_mtime < (_BUILT / "root.squashfs").stat().st_mtime:
        subprocess.run([_IMAGE / "variant", image, version, *changes], check=True, stdout=subprocess.DEVNULL)
        _in_workshop(_IMAGE / "bundle", version, image, bundle)
        image.unlink()
    about = parameters.read_text()
    root_hash = next(line.partition("=")[2] for line in about.splitlines() if line.startswith("VERITY_ROOT_HASH="))
    return Update(bundle, root_hash)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder to the machine: the address as the machine sees it."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{_HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _machine(disk: str | Path, log: Path, forwarded: int | None = None) -> Machine:
    sound = log.with_suffix(".wav")
    network = "user,model=virtio-net-pci" + (f",hostfwd=tcp:127.0.0.1:{forwarded}-:8080" if forwarded else "")
    command = [_IN_WORKSHOP, _IMAGE / "machine", str(disk), "-serial", "stdio", "-nic", network]
    command += ["-audiodev", f"wav,id=sound,path={sound},out.frequency=48000"]
    return Machine([*command, "-device", "virtio-sound-pci,audiodev=sound,streams=1"], log)


def _logged(disk: Path, log: Path) -> str:
    """A disk whose writes QEMU logs, as the reference machine takes it."""
    nodes = {
        "node-name": "disk",
        "driver": "blklogwrites",
        "log-sector-size": SECTOR,
        "file": {"driver": "file", "filename": str(disk)},
        "log": {"driver": "file", "filename": str(log)},
    }
    return json.dumps(nodes)


class _Box:
    """What is done on the box in the recording."""

    def __init__(self, machine: Machine, address: str, port: int) -> None:
        self.machine = machine
        self.address = address
        self._code = ""
        self._page = f"http://127.0.0.1:{port}/api"

    def await_ready(self, slot: str) -> None:
        found = self.machine.expect(READY, PATIENCE if slot == "a" else 3 * PATIENCE)[1].decode()
        if found != slot:
            raise ImageError(f"slot {found} came up instead of slot {slot}")
        self.machine.take_shell()
        script = base64.b64encode(_KEEP_PROMISES.read_bytes()).decode()
        self.machine.run(f"echo {script} | base64 -d >/run/keep-promises")

    def phase(self, name: str) -> None:
        print(f"  {name}", flush=True)
        self.machine.run(f"sh /run/keep-promises - /dev/vda phase '{name}'")

    def use(self, rounds: int) -> None:
        """Write to /data until so many rounds are done."""
        self.machine.run(self._keep(rounds))

    def use_meanwhile(self) -> None:
        """Write to /data from now on, until the machine restarts."""
        self.machine.run(f"({self._keep(100_000)}) </dev/null >/run/keep-promises.log 2>&1 &")

    def stop_using(self) -> None:
        # The shell's only job; a round that is cut off here has promised nothing.
        self.machine.run("kill %1; wait; true")

    def _keep(self, rounds: int) -> str:
        folder = f"/data/{FOLDER}"
        first = f"$(($(grep -c . {folder}/journal 2>/dev/null || true) + 1))"
        return f"FIRST={first} PAUSE=0.5 sh /run/keep-promises {folder} /dev/vda {rounds}"

    def ask(self, path: str, parameters: dict[str, str] | None = None) -> Any:
        """Ask the box's page, with parameters for a command, without for the state."""
        self._code = self._code or self.machine.run("cat /data/amora/login-code").split()[-1]
        headers = {"Authorization": f"Bearer {self._code}", "Content-Type": "application/json"}
        body = None if parameters is None else json.dumps(parameters).encode()
        request = urllib.request.Request(f"{self._page}/{path}", body, headers)
        begin = time.monotonic()
        while True:
            try:
                with urllib.request.urlopen(request, timeout=120) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                said = error.read(2000).decode("utf-8", "replace")
                # What stands behind a box's page comes up after it.
                if error.code != http.HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() - begin > PATIENCE / 2:
                    raise ImageError(f"{path}: {error.code} {said}") from error
                print(f"    not yet: {said}", flush=True)
                time.sleep(5)

    def install(self, update: Update) -> None:
        # A box is ready before its network is.
        self.machine.run("until ip route | grep -q default; do sleep 1; done")
        self.ask("commands/update.install", {"url": f"{self.address}/{update.bundle.name}"})
        begin = time.monotonic()
        while True:
            time.sleep(2)
            state = self.ask("state")["update"]
            passed = time.monotonic() - begin
            match state["phase"]:
                case "installed" | "restarting":
                    return
                case "idle" if passed < _ACCEPTED:
                    continue
                case "checking" | "installing" if passed < 2 * PATIENCE:
                    continue
                case _:
                    raise ImageError(f"the update was not installed: {json.dumps(state)[:2000]}")

    def restart(self) -> None:
        self.ask("commands/update.restart", {})

    def await_commit(self) -> None:
        self.machine.run('until [ "$(fw_printenv -n upgrade_available)" = 0 ]; do sleep 2; done', PATIENCE)
        if "amora_slot=b" not in self.machine.run("fw_printenv amora_slot"):
            raise ImageError("the good update was given up")


def is_recorded(folder: Path) -> bool:
    """Whether there is a recording, of the image as it is built now."""
    about, image = folder / ABOUT, _BUILT / "root.squashfs"
    return about.exists() and (not image.exists() or about.stat().st_mtime > image.stat().st_mtime)


def record(folder: Path) -> Recording:
    """Record the whole story; the reference image must have been built."""
    if not (_BUILT / "root.squashfs").exists():
        raise ImageError("build the reference image first: make reference-image")
    defaults = built_in((_BUILT / "u-boot-virt.bin").read_bytes())
    print("making the disk and two updates", flush=True)
    updates = folder.parent / "updates"
    good, bad = make_update(updates, _GOOD), make_update(updates, _BAD, "panics")
    loader = BootLoader(defaults, FileEnvironment(("uboot.env", "uboot-redund.env")), writeable(WRITEABLE.read_text()))
    recording = Recording(
        folder,
        loader,
        "reference image",
        never_up=frozenset({bad.root_hash}),
        begins_with="first start",
    )
    _in_workshop(_IMAGE / "disk", recording.base, _BUILT / "root.squashfs", f"amora_args={_ARGUMENTS}")
    with recording.base.open("r+b") as base:
        base.truncate(base.seek(0, 2) + _ROOM_TO_GROW)
    live = folder / "live.img"
    subprocess.run(["cp", "--sparse=always", recording.base, live], check=True)
    recording.log.write_bytes(b"")
    print("recording", flush=True)
    disk = _logged(live, recording.log)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with served(updates) as address, _machine(disk, folder / "console.log", port) as machine:
        box = _Box(machine, address, port)
        box.await_ready("a")
        box.phase("use")
        box.use(3)
        box.phase("download and install")
        box.use_meanwhile()
        box.install(good)
        box.phase("restart and trial")
        box.restart()
        box.await_ready("b")
        box.use_meanwhile()
        box.await_commit()
        # What was recorded up to here serves by itself.
        recording.save()
        box.phase("after the commit")
        box.machine.run("sleep 10")
        box.stop_using()
        box.phase("install of a bad update")
        box.use_meanwhile()
        box.install(bad)
        box.phase("trial of the bad update")
        box.restart()
        box.await_ready("b")
        box.phase("after going back")
        box.use(5)
        box.machine.send("systemctl poweroff\n")
        machine.await_end(PATIENCE)
    live.unlink()
    recording.save()
    return recording


@dataclass(frozen=True, slots=True)
class Booted:
    """What a real boot of a cut came to."""

    number: int
    phase: str
    expected: str | None
    slot: str | None
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the box came up as judged, with its data."""
        return self.slot is not None and self.slot == self.expected and not self.problems


def boot(recording: Recording, cuts: Sequence[Cut], folder: Path) -> Iterator[Booted]:
    """Boot what cuts leave, one after the other, in the order of what is durable at them."""
    with tempfile.TemporaryDirectory() as scratch:
        judge = Judge(recording, Path(scratch))
        try:
            for cut in cuts:
                yield _boot(judge, cut, folder)
        finally:
            judge.close()


def _boot(judge: Judge, cut: Cut, folder: Path) -> Booted:
    disk = folder / "cut.img"
    subprocess.run(["cp", "--sparse=always", judge.recording.base, disk], check=True)
    with judge.disk.cut(cut), disk.open("r+b") as file:
        result = judge.judge_here(cut)
        for begin, end in judge.disk.written():
            file.seek(begin)
            file.write(judge.disk.read(begin, end - begin))
    slot = None
    problems: list[str] = []
    try:
        with _machine(disk, folder / f"cut-{cut.number}.log") as machine:
            slot = machine.expect(READY, 4 * PATIENCE)[1].decode()
            machine.take_shell()
            failed = machine.run("systemctl --failed --plain --no-legend").split()
            problems += [f"failed: {failed[0]}"] if failed else []
            problems += (
                ["/data is lost"] if "lost" in machine.run("ls /run/amora-data-lost 2>/dev/null || true") else []
            )
            machine.send("systemctl poweroff\n")
            machine.await_end(PATIENCE)
    except ConsoleError as error:
        problems.append(str(error).splitlines()[0])
    problems += _data_problems(judge, cut, disk, folder)
    disk.unlink()
    return Booted(cut.number, result.phase, result.slot, slot, tuple(problems))


def _data_problems(judge: Judge, cut: Cut, disk: Path, folder: Path) -> list[str]:
    """What is wrong with /data after the box has started from it and stopped."""
    partition_file = folder / "data-after-boot"
    with disk.open("rb") as source, partition_file.open("wb") as target:

        def read(offset: int, length: int) -> bytes:
            source.seek(offset)
            return source.read(length)

        table = Tables.read(read, disk.stat().st_size).for_linux("gpt")
        partition = table.named("data") if table else None
        if partition is None:
            return ["there is no data partition after the boot"]
        target.truncate(partition.size)
        copy_sparse(source.fileno(), target.fileno(), partition.size, partition.offset)
    files_folder = folder / "files-after-boot"
    shutil.rmtree(files_folder, ignore_errors=True)
    recovered = examine(partition_file, files_folder)
    partition_file.unlink()
    return recovered.problems or broken(judge.marks.promised(cut.position), recovered.files)
