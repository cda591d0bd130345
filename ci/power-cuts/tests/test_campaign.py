"""Campaigns over the small disk: nothing is lost when it is right, and what is broken on purpose is found."""

from pathlib import Path

import pytest
from power_cuts import campaign, installer, small_disk
from power_cuts.command import main
from power_cuts.cut import Manner
from power_cuts.recording import Recording, RecordingError, defaults, writeable
from power_cuts.small_disk import Breaks

with_data = pytest.mark.skipif(bool(small_disk.cannot_record()), reason=small_disk.cannot_record() or "possible")
LAYOUTS = pytest.mark.parametrize("files", [False, True], ids=["gap", "files"])


@LAYOUTS
def test_no_cut_harms_a_sound_design(tmp_path: Path, files: bool) -> None:
    results = campaign.run(small_disk.record_made_up(tmp_path, files=files), 1, 150)
    assert campaign.faults(results) == {}
    assert {result.slot for result in results} == {"a", "b"}
    assert any(result.went_back for result in results), "the failing update is given up"
    assert len({result.phase for result in results}) >= 5


@LAYOUTS
def test_a_single_copy_of_the_environment_is_found_to_brick(tmp_path: Path, files: bool) -> None:
    results = campaign.run(
        small_disk.record_made_up(tmp_path, files=files, breaks=Breaks(single_copy=True)), 1, 60, focus=1.0
    )
    assert sum(bool(result.bricked) for result in results) >= 2


def test_an_update_tried_before_it_is_on_the_disk_is_found(tmp_path: Path) -> None:
    results = campaign.run(small_disk.record_made_up(tmp_path, breaks=Breaks(unsynced_slot=True)), 1, 200)
    assert campaign.faults(results)["an update is tried that is not all on the disk"]
    assert not any(result.bricked for result in results), "even so the box goes back"


@with_data
@LAYOUTS
def test_no_cut_loses_data_that_was_synced(tmp_path: Path, files: bool) -> None:
    recording = small_disk.record(tmp_path, files=files)
    results = campaign.run(recording, 1, 60)
    assert campaign.faults(results) == {}


@pytest.mark.skipif(
    bool(small_disk.cannot_record() or installer.cannot_install()),
    reason=small_disk.cannot_record() or installer.cannot_install() or "possible",
)
def test_no_cut_harms_what_swupdate_and_libubootenv_write(tmp_path: Path) -> None:
    recording = small_disk.record(tmp_path, installer=installer.Installer)
    results = campaign.run(recording, 1, 60)
    assert campaign.faults(results) == {}
    assert any(result.slot == "b" for result in results)
    assert any(result.went_back for result in results)


@with_data
def test_a_writer_that_does_not_sync_is_found(tmp_path: Path) -> None:
    results = campaign.run(small_disk.record(tmp_path, breaks=Breaks(careless_writer=True)), 1, 40)
    assert any("promised" in problem for result in results for problem in result.data)
    assert not any(result.bricked for result in results)


def test_a_bad_card_bricks_nothing_either_while_the_copies_lie_apart(tmp_path: Path) -> None:
    recording = small_disk.record_made_up(tmp_path)
    results = campaign.run(recording, 1, 150, manners=(Manner.ERASED_BLOCK,))
    assert not any(result.bricked for result in results)


def test_cuts_are_the_same_for_any_number_of_processes(tmp_path: Path) -> None:
    recording = small_disk.record_made_up(tmp_path)
    alone = campaign.run(recording, 3, 40, processes=1)
    assert alone == campaign.run(recording, 3, 40, processes=3)
    assert alone != campaign.run(recording, 4, 40, processes=1)


def test_a_recording_is_found_again_and_a_damaged_one_refused(tmp_path: Path) -> None:
    recording = small_disk.record_made_up(tmp_path, files=True)
    assert Recording.load(tmp_path) == recording
    (tmp_path / "recording.json").write_text("{}")
    with pytest.raises(RecordingError):
        Recording.load(tmp_path)


def test_the_command_reports_and_explains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_disk.record_made_up(tmp_path)
    assert main(["judge", str(tmp_path), "--cuts", "40"]) == 0
    assert "40 cuts judged" in capsys.readouterr().out
    assert main(["explain", str(tmp_path), "7"]) == 0
    assert "start: slot" in capsys.readouterr().out
    assert main(["judge", str(tmp_path / "absent")]) == 2
    assert "holds no recording" in capsys.readouterr().err


def test_the_boot_loaders_variables_are_read_from_its_sources() -> None:
    names = writeable(small_disk.WRITEABLE.read_text())
    assert {"amora_slot", "upgrade_available", "bootcount", "bootlimit", "ustate", "amora_args"} <= names
    assert {"verity_a_hash", "verity_b_hash", "verity_a_sectors", "verity_b_salt"} <= names
    assert "bootcmd" not in names
    assert defaults("a=1\nb=x=y\n\n") == {"a": "1", "b": "x=y"}
