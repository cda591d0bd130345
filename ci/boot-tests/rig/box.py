"""A box as the tests use it: its shell, its page's API, its power."""

import base64
import gzip
import shlex
import socket
import time
from contextlib import contextmanager

import requests
from labgrid.exceptions import NoResourceFoundError
from labgrid.resource import NetworkService
from pexpect import TIMEOUT

from rig.strategy import PATIENCE, Status

CONFIGURATION = "/data/amora/amora.toml"
PAGE = 8080


class RefusedError(Exception):
    """A command that the box answered with an error."""

    def __init__(self, status, error):
        """Keep what the box said."""
        super().__init__(f"{status}: {error}")
        self.status = status
        self.error = error


def other(slot):
    """The other slot."""
    return {"a": "b", "b": "a"}[slot]


class Box:
    """One box under test."""

    def __init__(self, target, host):
        """Take a labgrid target; `host` is this machine's address as the box sees it."""
        self.target = target
        self.host = host
        self.strategy = target.get_driver("BoxStrategy", activate=False)
        self.machine = self.strategy.power
        self.console = self.strategy.console
        self._address = None
        self._code = None

    # Power

    def on(self):
        """Start it, unless it runs, and wait until it has come to rest."""
        if self.strategy.status != Status.shell:
            self.strategy.transition(Status.shell)
            self.try_run("systemctl is-system-running --wait")

    def off(self):
        """Cut its power."""
        self._code = None
        self.strategy.transition(Status.off)

    def at_boot_loader(self):
        """Cut its power and stop the next start at the boot loader."""
        self._code = None
        self.strategy.transition(Status.uboot)

    def restart(self):
        """Have it restart by itself."""
        self.strategy.console.sendline("systemctl reboot")
        self.await_restart()

    def await_restart(self, slot=None):
        """Wait until it has restarted and is ready, in a given slot where one is given."""
        self._code = None
        self.strategy.await_restart(slot)

    @property
    def slot(self):
        """The slot that it said it had started from."""
        return self.strategy.slot

    @property
    def version(self):
        """The version that it said it had started."""
        return self.strategy.version

    # Shell

    def try_run(self, command, timeout=PATIENCE):
        """Run a command as root; its exit status and output."""
        output, _, status = self.strategy.shell.run(command, timeout=timeout, decodeerrors="replace")
        return status, "\n".join(line.rstrip("\r") for line in output)

    def run(self, command, timeout=PATIENCE):
        """Run a command as root that must succeed; its output."""
        status, output = self.try_run(command, timeout)
        assert status == 0, f"`{command}` ended with {status} on the box: {output}"
        return output

    def read(self, path):
        """Read a small text file."""
        return self.run(f"cat {shlex.quote(path)}")

    def exists(self, path):
        """Whether there is such a file or folder."""
        return self.try_run(f"test -e {shlex.quote(path)}")[0] == 0

    def write(self, path, content, owner="root:root", mode="0644"):
        """Write a file through the console, which takes a few kilobytes once they are packed."""
        content = content.encode() if isinstance(content, str) else content
        packed = base64.b64encode(gzip.compress(content, mtime=0)).decode()
        self.run("rm -f /run/amora-written")
        for start in range(0, len(packed), 1024):
            self.run(f"printf %s {packed[start : start + 1024]} >>/run/amora-written")
        path = shlex.quote(path)
        self.run(f"base64 -d </run/amora-written | gunzip >{path} && chown {owner} {path} && chmod {mode} {path}")

    def configure(self, text):
        """Give the service its owner's configuration, and have it take it; an empty one removes it."""
        if text:
            self.write(CONFIGURATION, text, "amora:amora", "0640")
        else:
            self.run(f"rm -f {CONFIGURATION}")
        self.run("systemctl reload amora-service")

    @contextmanager
    def kernel_arguments(self, added):
        """Add kernel arguments to the starts in between, later ones going before earlier ones."""
        usual = self.run("fw_printenv -n amora_args")
        self.run(f"fw_setenv amora_args '{usual} {added}'")
        yield
        self.run(f"fw_setenv amora_args '{usual}'")

    # The page's API

    @property
    def address(self):
        """The page's address as this machine reaches it."""
        if self._address is None:
            try:
                host = self.target.get_resource(NetworkService).address
                self._address = f"http://{host}:{PAGE}"
            except NoResourceFoundError:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", 0))
                    port = probe.getsockname()[1]
                self.machine.add_port_forward("tcp", "127.0.0.1", port, "", PAGE)
                self._address = f"http://127.0.0.1:{port}"
        return self._address

    @property
    def headers(self):
        """What proves to the page that we may command."""
        if self._code is None:
            self._code = self.read("/data/amora/login-code").strip()
        return {"Authorization": f"Bearer {self._code}"}

    def ask(self, method, path, **options):
        """Send a request to the page, once the box can be reached."""
        options.setdefault("timeout", PATIENCE)
        options["headers"] = self.headers | options.get("headers", {})
        self.until("the page answers", self._is_reachable)
        return requests.request(method, self.address + path, **options)

    def _is_reachable(self):
        try:
            return requests.get(f"{self.address}/health", timeout=30).status_code in (200, 503)
        except requests.RequestException:
            return False

    def command(self, name, /, **parameters):
        """Give a command and return its data; raises `RefusedError`."""
        answer = self.ask("POST", f"/api/commands/{name}", json=parameters)
        if answer.status_code != 200:
            raise RefusedError(answer.status_code, answer.json().get("error"))
        return answer.json()["data"]

    def put_song(self, name, content):
        """Put a song into the library, and wait until it can be played."""
        self.until("MPD is reached", lambda: self.health()["player"]["condition"] == "ok")
        self.write(f"/data/music/{name}", content, "mpd:mpd")
        self.command("player.update_library")
        self.until("the song is in the library", lambda: self._has_song(name))
        self.command("player.queue_clear")

    def _has_song(self, name):
        try:
            return self.command("player.queue_add", uri=name)
        except RefusedError as refused:
            assert refused.status == 404, refused
            return None

    def command_when_free(self, name, /, **parameters):
        """Give a command that the box refuses while it does something else, or is not ready for it yet."""
        return self.until(f"{name} is let in", lambda: self._unless_busy(name, parameters))

    def _unless_busy(self, name, parameters):
        try:
            return self.command(name, **parameters)
        except RefusedError as refused:
            assert refused.status in (409, 503), refused
            return None

    def state(self, section):
        """One section of the box's state, which right after a start may not be there yet."""

        def said():
            answer = self.ask("GET", "/api/state")
            answer.raise_for_status()
            return answer.json().get(section)

        return self.until(f"there is a section {section}", said)

    def install(self, url, reference):
        """Have an update fetched; `None` once it waits for the restart, or else how it ended."""
        self.command_when_free("update.install", url=url, reference=reference, restart="manual")
        self.until("it is installed, or not", lambda: self._is_installed() or self.outcome(reference))
        return self.outcome(reference)

    def _is_installed(self):
        return self.state("update")["phase"] == "installed"

    def outcome(self, reference):
        """How the last update ended, if it was the one with this reference."""
        last = self.state("update").get("last") or {}
        return last if last.get("reference") == reference else None

    def health(self):
        """The condition of every part, by name."""
        return self.ask("GET", "/health").json()["parts"]

    # Waiting

    def until(self, what, condition, patience=PATIENCE):
        """Wait until a condition gives something true, and return that."""
        end = time.monotonic() + patience
        while True:
            result = condition()
            if result:
                return result
            assert time.monotonic() < end, f"waited {patience} s in vain until {what}"
            self.listen()

    def listen(self):
        """Let a second pass, and take what the console says: a box whose console nobody reads stands still."""
        if self.strategy.status != Status.off:
            self.console.expect([TIMEOUT], timeout=1)
