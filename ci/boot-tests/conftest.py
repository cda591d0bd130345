"""The box under test, shared by all tests, and what they need around it."""

from pathlib import Path

import pytest
import rig.qemu
import rig.shell  # noqa: F401
from rig.box import Box
from rig.servers import Broker, Files
from rig.updates import Signer, Update, Workshop

# The order of the checklist: what only looks comes first, what restarts the box later, what replaces its system last.
ORDER = (
    "boot",
    "root",
    "security",
    "state",
    "sound",
    "gpio",
    "restart",
    "update",
    "factory_reset",
    "bad_updates",
    "delta",
    "raspberrypi",
)
# How much of a console's log is shown with a failed test.
SHOWN = 12_000


def pytest_collection_modifyitems(items):
    """Put the files into the checklist's order; within a file, tests stay in theirs."""
    items.sort(key=lambda item: ORDER.index(item.path.stem.removeprefix("test_")))


def _consoles(config):
    folder = config.getoption("lg_log")
    return sorted(Path(folder).glob("console_*")) if folder else []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Note how long each console's log is before a test."""
    item.console_sizes = {log: log.stat().st_size for log in _consoles(item.config)}
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Show with a failed test what the console said meanwhile, and leave both in a file at once."""
    report = yield
    if report.failed:
        for log in _consoles(item.config):
            said = log.read_bytes()[item.console_sizes.get(log, 0) :][-SHOWN:]
            report.sections.append((f"{log.name} during this test", said.decode(errors="replace").replace("\r", "")))
            place = log.with_name(f"{item.name}-{report.when}.failed")
            place.write_text("\n".join([report.longreprtext, *(text for _, text in report.sections)]))
    return report


@pytest.fixture(scope="session")
def machine(target, env):
    """The box, in whatever state it is."""
    return Box(target, env.config.get_option("host"))


@pytest.fixture
def box(machine):
    """The box, started."""
    machine.on()
    return machine


@pytest.fixture(scope="session")
def recording(env):
    """The file that the box's sound card writes what it plays into."""
    return Path(env.config.get_path("work")) / "sound.wav"


@pytest.fixture(scope="session")
def checkout(env):
    """The product's sources."""
    return Path(env.config.get_path("checkout"))


@pytest.fixture(scope="session")
def workshop(checkout):
    """The tools for images and updates."""
    return Workshop(checkout)


@pytest.fixture(scope="session")
def updates(env, workshop):
    """The update that the image came with, unpacked: others are made from it."""
    folder = Path(env.config.get_path("work")) / "updates"
    return Update.read(workshop, env.config.get_image_path("update"), folder)


@pytest.fixture(scope="session")
def good_update(env, updates):
    """The name of that update among the served files."""
    served = updates.folder / "good.swu"
    served.symlink_to(env.config.get_image_path("update"))
    return served.name


@pytest.fixture(scope="session")
def signers(env):
    """Those who sign, by name: `signer` and `next-signer` whom the image trusts, and `wrong-signer`."""
    keys = Path(env.config.get_path("keys"))
    return {key.stem: Signer(key, key.with_suffix(".pem")) for key in keys.glob("*signer.key")}


@pytest.fixture(scope="session")
def signer(signers):
    """Somebody whose signature the image trusts."""
    return signers["signer"]


@pytest.fixture(scope="session")
def files(updates, machine):
    """A server for update files, at an address that the box reaches."""
    server = Files(updates.folder, _near(machine))
    server.url = f"http://{machine.host}:{server.port}"
    yield server
    server.close()


@pytest.fixture(scope="session")
def broker(machine):
    """An MQTT broker in the box's network."""
    broker = Broker(_near(machine))
    yield broker
    broker.close()


def _near(machine):
    # QEMU's user network leads to this machine's loopback; a real box comes over the real network.
    return "127.0.0.1" if machine.host == "10.0.2.2" else "0.0.0.0"
