"""The states of a box: off, at its boot loader's prompt, at a shell of the started system."""

import enum

import attr
from labgrid import target_factory
from labgrid.strategy import Strategy, StrategyError
from pexpect import TIMEOUT

# What a start begins with on the console: the boot loader, or where that is silent, the kernel.
START = r"U-Boot \d{4}\.\d\d|Linux version \d"
READY = r"AMORA-READY slot=([ab]) version=(\S+)"
# Emulation on a busy machine takes its time.
PATIENCE = 900
MOST_FAILURES = 2
# What is asked of a box that does not become ready, to be found in the console's log.
SYMPTOMS = "systemctl --failed --no-pager; systemctl list-jobs --no-pager; journalctl --boot --priority=err --no-pager"


class Status(enum.Enum):
    """Where a box is."""

    unknown = 0
    off = 1
    uboot = 2
    shell = 3


@target_factory.reg_driver
@attr.s(eq=False)
class BoxStrategy(Strategy):
    """Switches a box on and off, and follows it through its restarts.

    The kernel arguments that give the rig its shell are put into the boot loader's environment, where a development
    image takes `amora_args` from; there they stay for the restarts that the box makes by itself.
    """

    bindings = {  # noqa: RUF012 (labgrid's own form)
        "power": "PowerProtocol",
        "console": "ConsoleProtocol",
        "uboot": "UBootDriver",
        "shell": "ShellDriver",
    }

    kernel_arguments = attr.ib(default="", validator=attr.validators.instance_of(str))
    patience = attr.ib(default=PATIENCE, validator=attr.validators.instance_of(int))
    status = attr.ib(default=Status.unknown)

    def __attrs_post_init__(self):
        """Know nothing of the slot yet."""
        super().__attrs_post_init__()
        self.slot = None
        self.version = None
        # Starts in a row that came to nothing: further ones would only take their time.
        self.failures = 0

    def transition(self, status):
        """Bring the box into a state, through those before it."""
        status = status if isinstance(status, Status) else Status[status]
        if status == self.status:
            return
        if status != Status.off and self.failures == MOST_FAILURES:
            raise StrategyError(f"the last {MOST_FAILURES} starts came to nothing: see the first failed test")
        match status:
            case Status.off:
                self.target.deactivate(self.console)
                self.target.activate(self.power)
                self.power.off()
            case Status.uboot:
                self._stop_at_boot_loader()
            case Status.shell:
                self.transition(Status.uboot)
                self.uboot.run_check(f"setenv amora_args '{self.kernel_arguments}'")
                self.uboot.run_check("saveenv")
                self.start()
            case _:
                raise StrategyError(f"there is no way from {self.status} to {status}")
        self.status = status

    def _stop_at_boot_loader(self):
        # A busy machine may miss the second in which the boot loader can be stopped.
        for _ in range(3):
            self.transition(Status.off)
            self.target.activate(self.console)
            self.power.cycle()
            try:
                self.target.activate(self.uboot)
            except TIMEOUT:
                self.status = Status.unknown
                continue
            return
        raise StrategyError("the boot loader was not stopped in three starts")

    def start(self):
        """Let the boot loader start the system, and wait until it is ready."""
        self.target.activate(self.uboot)
        self.uboot.boot()
        self.await_ready()

    def leave_shell(self):
        """Give the console up because the box is about to restart."""
        self.target.deactivate(self.shell)
        self.target.activate(self.console)
        self.status = Status.unknown

    def await_restart(self, slot=None):
        """Wait for a restart, or several, until the box is ready again; in a given slot where one is given."""
        self.await_start()
        self.await_ready(slot)

    def await_start(self):
        """Wait until a restart has begun."""
        self.leave_shell()
        self.console.expect(START, timeout=self.patience)

    def await_ready(self, slot=None):
        """Wait until the started system says that it is ready, and take its shell."""
        # A slot that is gone back to comes after three tries of the other one.
        patience = self.patience if slot is None else 4 * self.patience
        while True:
            _, _, found, _ = self._expect(READY, patience)
            self.slot, self.version = (group.decode() for group in found.groups())
            if slot in (None, self.slot):
                break
        self.failures = 0
        # Without line editing and echo, nothing stands between a command and its output.
        # Nor shall the kernel speak in between; the kernel arguments have systemd be silent.
        self.console.sendline("set +o emacs; stty -echo cols 4000; dmesg -n 1")
        self.target.activate(self.shell)
        self.status = Status.shell

    def _expect(self, pattern, patience):
        try:
            return self.console.expect(pattern, timeout=patience)
        except TIMEOUT:
            self.failures += 1
            self.status = Status.unknown
            self.console.sendline(SYMPTOMS)
            self.console.expect([TIMEOUT], timeout=30)
            raise
