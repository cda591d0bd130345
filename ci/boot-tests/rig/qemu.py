"""labgrid's QEMU driver, for machines that are started many times and do not always start."""

import attr
from labgrid import target_factory
from labgrid.driver import QEMUDriver
from labgrid.driver.exception import ExecutionError


@target_factory.reg_driver
@attr.s(eq=False)
class BoxQEMUDriver(QEMUDriver):
    """QEMU whose further arguments can change from start to start."""

    def __attrs_post_init__(self):
        """Remember the arguments that every start has."""
        super().__attrs_post_init__()
        self.usual_args = self.extra_args

    def also(self, arguments):
        """Add arguments to those of the next starts; without any, the usual ones are left."""
        self.extra_args = f"{self.usual_args} {arguments}"

    def on_activate(self):
        """Prepare a start, without waiting for ever for a QEMU that refuses its arguments."""
        super().on_activate()
        self._socket.settimeout(60)

    def on(self):
        """Start QEMU; say what it said where it does not start."""
        try:
            super().on()
        except OSError as error:
            raise ExecutionError(f"QEMU did not start: {' '.join(self._cmd)}") from error
        self._clientsocket.setblocking(False)

    def off(self):
        """Cut the power: nothing is asked of the machine, which may wait for a console that nobody reads."""
        if not self.status:
            return
        self._child.kill()
        self._child.communicate()
        self._child = None
        self.status = 0
