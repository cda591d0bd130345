"""The model against the product's real U-Boot: the same disk, the same starts, the same environment afterwards."""

from dataclasses import replace

import pytest
from power_cuts import small_disk, u_boot
from power_cuts.recording import Recording

pytestmark = pytest.mark.skipif(bool(u_boot.cannot_run()), reason=u_boot.cannot_run() or "possible")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A small disk that the real boot loader can start from."""
    return small_disk.record_made_up(tmp_path_factory.mktemp("recording"), files=True, images=u_boot.images())


def test_u_boot_does_what_is_modelled(recording: Recording) -> None:
    compared = u_boot.compare(recording, 1, 300, most=9)
    assert len({comparison.real for comparison in compared}) >= 6, "the cuts lead down many ways"
    for comparison in compared:
        assert (comparison.real, comparison.real_state) == (comparison.modelled, comparison.modelled_state)


def test_a_model_that_is_wrong_is_seen(recording: Recording) -> None:
    # As if the update that never proves itself were a good one.
    wrong = replace(recording, never_up=frozenset())
    assert not all(comparison.agrees for comparison in u_boot.compare(wrong, 1, 300, most=9))
