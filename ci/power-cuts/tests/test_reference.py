"""What the recording on the reference image stands on, as far as it can be tested without the machine."""

import sys
from pathlib import Path

import pytest
from power_cuts import reference
from power_cuts.console import ConsoleError, Machine


def test_the_built_in_environment_is_found_in_a_boot_loader() -> None:
    command = b"bootcmd=load ${devtype} ${devnum}:1 ${scriptaddr} boot.scr\0"
    binary = b"\x7fcode\0text=x\0\x01\xff" + command + b"bootlimit=3\0empty=\0altbootcmd=run bootcmd\0\0after=1\0\xff"
    assert reference.built_in(binary) == {
        "bootcmd": "load ${devtype} ${devnum}:1 ${scriptaddr} boot.scr",
        "bootlimit": "3",
        "empty": "",
        "altbootcmd": "run bootcmd",
    }
    with pytest.raises(reference.ImageError):
        reference.built_in(b"bootcmd=bootflow scan\0")


def shell(tmp_path: Path) -> Machine:
    """A shell in place of a machine."""
    return Machine(["bash", "--norc", "-s"], tmp_path / "log")


def test_commands_are_run_and_their_output_read(tmp_path: Path) -> None:
    with shell(tmp_path) as machine:
        assert machine.run("echo one; echo two", 20) == "one\ntwo\n"
        assert machine.run("printf three", 20) == "three"
        with pytest.raises(ConsoleError, match="ended with 3"):
            machine.run("echo no; (exit 3)", 20)
    assert b"three" in (tmp_path / "log").read_bytes()


def test_what_does_not_come_is_told_with_the_last_that_came(tmp_path: Path) -> None:
    with shell(tmp_path) as machine:
        machine.send("echo something else\n")
        with pytest.raises(ConsoleError, match="something else"):
            machine.expect("never", 1)


def test_a_machine_that_ends_is_seen_at_once(tmp_path: Path) -> None:
    with Machine([sys.executable, "-c", "print('bye')"], tmp_path / "log") as machine:
        machine.await_end(20)
        with pytest.raises(ConsoleError, match="bye"):
            machine.expect("never", 600)


def test_a_folder_is_served(tmp_path: Path) -> None:
    with reference.served(tmp_path) as address:
        assert address.startswith("http://10.0.2.2:")
