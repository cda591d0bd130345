"""labgrid's shell driver, with the patience that an emulated box on a busy machine needs."""

import attr
from labgrid import target_factory
from labgrid.driver import ShellDriver
from labgrid.util import gen_marker

PATIENCE = 300


@target_factory.reg_driver
@attr.s(eq=False)
class BoxShellDriver(ShellDriver):
    """A shell on the console whose answers may take their time."""

    def _check_prompt(self):
        marker = gen_marker()
        self.console.sendline(f"echo '{marker[:4]}''{marker[4:]}'")
        self.console.expect(rf"{marker}\s+{self.prompt}", timeout=PATIENCE)
        self._status = 1

    def _inject_run(self):
        self.console.sendline("""run() { echo -n "$MARKER"; sh -c "$@"; echo "$MARKER $?"; }""")
        self.console.expect(self.prompt, timeout=PATIENCE)
