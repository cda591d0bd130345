"""Moves the GPIO lines of QEMU's virt machine from outside, by its PL061."""

import socket


class Lines:
    """The eight lines of the machine's GPIO controller."""

    def __init__(self, machine, path):
        """Find the controller; `path` is QEMU's qtest socket."""
        devices = machine.monitor_command("qom-list", {"path": "/machine/unattached"})
        name = next(device["name"] for device in devices if device["type"] == "child<pl061>")
        self._device = f"/machine/unattached/{name}"
        self._path = path

    def set(self, line, level):
        """Drive a line high or low."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(str(self._path))
            with connection.makefile("rw") as stream:
                stream.write(f"set_irq_in {self._device} unnamed-gpio-in {line} {int(level)}\n")
                stream.flush()
                answer = stream.readline().strip()
        assert answer == "OK", f"QEMU did not move line {line}: {answer}"
