"""Two computers with a cable between them, as network namespaces of this one."""

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

HUB = "198.51.100.1"
"""Of a range that is kept for examples."""


@dataclass(frozen=True)
class Place:
    """A namespace."""

    name: str

    @property
    def prefix(self) -> list[str]:
        """What a command begins with to run there."""
        return ["ip", "netns", "exec", self.name]

    def ip(self, *arguments: str):
        """Change something about its network."""
        run("ip", "-n", self.name, *arguments)

    def get(self, url: str) -> bytes:
        """Fetch a page as from there."""
        return subprocess.run([*self.prefix, "curl", "--silent", url], check=True, capture_output=True).stdout


def run(*command: str):
    """Run a command. Raises RuntimeError with what it says when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise RuntimeError(str(error)) from error
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


@contextmanager
def cable(address: str):
    """Make the hub's place and the box's, with this address; skip the test where that is not permitted."""
    hub, box = Place(f"amora-hub-{os.getpid()}"), Place(f"amora-box-{os.getpid()}")
    try:
        try:
            run("ip", "netns", "add", hub.name)
            run("ip", "netns", "add", box.name)
            hub.ip("link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", box.name)
            for place, own in ((hub, HUB), (box, address)):
                place.ip("address", "add", f"{own}/24", "dev", "cable")
                place.ip("link", "set", "cable", "up")
                place.ip("link", "set", "lo", "up")
        except RuntimeError as error:
            pytest.skip(f"no network namespaces can be made here: {error}")
        yield hub, box
    finally:
        for place in (hub, box):
            subprocess.run(["ip", "netns", "delete", place.name], capture_output=True, check=False)
