"""That the bench of voice calls measures what it says: a delay that is too short would flatter."""

import sys
from array import array
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
from voice_call import PERIOD, RATE, clicks, delays

FRAME = 960


SPOKEN = [number * PERIOD for number in range(5)]


def call(delay: int, start: float) -> tuple[array, list[dict]]:
    """Return what is heard of ten seconds, and its packets, when each click comes this many samples late."""
    spoken = clicks() * 5
    packets = [
        {"position": position, "arrival": start + (position + delay) / RATE}
        for position in range(0, len(spoken), FRAME)
    ]
    return spoken, packets


@pytest.mark.parametrize("delay", [FRAME, 5 * FRAME, 40_000])
def test_every_click_is_found_and_its_delay_is_right(delay):
    start = 1_795_313_615.25
    heard, packets = call(delay, start)
    found = delays(heard, packets, [start + moment for moment in SPOKEN])
    assert len(found) == 5
    assert [round(seconds * RATE) for seconds in found] == pytest.approx([delay] * 5, abs=1)


def test_a_packet_that_was_skipped_brought_nothing():
    heard, packets = call(FRAME, 0.0)
    packets.insert(1, {"position": None, "arrival": 99.0})
    assert max(delays(heard, packets, SPOKEN)) < PERIOD / 2
    assert delays(array("h", bytes(2 * RATE)), packets, SPOKEN) == []
