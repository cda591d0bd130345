"""Lines of the header reach the service."""

import pytest
from rig import sound
from rig.lines import Lines

pytestmark = pytest.mark.lg_feature("gpio")

BUTTON = 0
OTHER = 5


@pytest.fixture(scope="module")
def lines(machine, env):
    """The machine's GPIO lines, as somebody with a finger moves them."""
    machine.on()
    return Lines(machine.machine, env.config.get_path("work") + "/qtest")


def test_a_line_is_seen_to_move(box, lines):
    """The kernel tells each edge, and the level that is left."""
    box.run("(gpiomon --format %o:%e --num-events 4 --chip gpiochip0 0 5 >/run/edges 2>&1 &)")
    box.run("until gpioinfo --chip gpiochip0 | grep -q gpiomon; do sleep 0.2; done")
    for told, (line, level) in enumerate(((BUTTON, 1), (OTHER, 1), (BUTTON, 0), (OTHER, 0)), 1):
        lines.set(line, level)
        box.until("the edge was told", lambda told=told: len(box.read("/run/edges").split()) == told)
    assert box.read("/run/edges").split() == ["0:1", "5:1", "0:2", "5:2"]


def test_lines_belong_to_the_services_group(box):
    """The service may read lines without being root."""
    assert box.run("stat --format='%a %G' /dev/gpiochip0") == "660 gpio"
    assert "gpio" in box.run("id --name --groups amora").split()


def test_a_short_press_resets_nothing(box, lines, recording):
    """The reset button warns audibly, and let go in time it does nothing."""
    box.configure(f'[setup.reset_button]\nchip = "/dev/gpiochip0"\nline = {BUTTON}\nactive_low = false\nhold = 30\n')
    box.until("the service holds the line", lambda: "amora reset button" in box.run("gpioinfo --chip gpiochip0"))
    start = sound.size(recording)
    lines.set(BUTTON, 1)
    box.until("the warning sounds", lambda: abs(sound.read(recording, start).samples).max(initial=0) > 0.01)
    lines.set(BUTTON, 0)
    box.run("! test -e /data/system/factory-reset")
    assert box.health()["setup"]["condition"] == "ok"
    box.configure("")
