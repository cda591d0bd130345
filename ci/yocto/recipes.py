"""Parses every recipe, append, class and configuration file of the layer with BitBake's own parser, for every board.

The upstream layers are not here: their classes are empty stand-ins, and a recipe that is only appended to is an empty
one. So this finds what is wrong in our own files: syntax of BitBake, Python and shell, files that SRC_URI names and
nobody has, expressions that fail, classes that nobody knows, and units that are enabled and not installed.
"""

import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "meta-amora"

BOARDS = {
    "raspberrypi3-64": "rpi:raspberrypi3:raspberrypi3-64",
    "raspberrypi4-64": "rpi:raspberrypi4:raspberrypi4-64",
    "raspberrypi5": "rpi:raspberrypi5",
    "qemuarm64": "qemuall:qemuarm64",
}
VARIANTS = ("release", "dev")

# Classes of OpenEmbedded's and the other layers that ours may inherit.
UPSTREAM_CLASSES = [
    "allarch",
    "cargo",
    "cargo-update-recipe-crates",
    "core-image",
    "deploy",
    "externalsrc",
    "image_types_verity",
    "kernel-arch",
    "nopackages",
    "packagegroup",
    "pkgconfig",
    "swupdate",
    "systemd",
    "update-rc.d",
    "useradd",
    "vex",
]

STAND_IN = """
    BBPATH = "{stubs}:{layer}"
    FILESPATH = "${{FILESEXTRAPATHS}}${{FILE_DIRNAME}}/${{BP}}:${{FILE_DIRNAME}}/${{BPN}}:${{FILE_DIRNAME}}/files"
    FILESEXTRAPATHS ??= ""
    THISDIR = "${{@os.path.dirname(d.getVar('FILE'))}}"
    FILE_DIRNAME = "${{@os.path.dirname(d.getVar('FILE'))}}"
    PN = "${{@bb.parse.vars_from_file(d.getVar('FILE', False), d)[0] or 'none'}}"
    PV = "${{@bb.parse.vars_from_file(d.getVar('FILE', False), d)[1] or '1.0'}}"
    PR = "r0"
    BPN = "${{PN}}"
    BP = "${{BPN}}-${{PV}}"
    OVERRIDES = "linux:aarch64:pn-${{PN}}:{overrides}:amora"
    MACHINE = "{machine}"
    DISTRO = "amora"
    AMORA_VARIANT = "{variant}"
    AMORA_UPDATE_TRUST = "{stubs}/certificate.pem"
    AMORA_UPDATE_CERTIFICATE = "{stubs}/certificate.pem"
    AMORA_DELTA_SERVER = "https://updates.example.org"
    AMORA_FULL_URL = "https://updates.example.org/whole.swu"
    AMORA_UPDATE_KEY = "{stubs}/certificate.pem"
    TMPDIR = "{stubs}/tmp"
    WORKDIR = "${{TMPDIR}}/work/${{PN}}"
    UNPACKDIR = "${{WORKDIR}}/sources"
    S = "${{UNPACKDIR}}/${{BP}}"
    B = "${{S}}"
    D = "${{WORKDIR}}/image"
    DEPLOYDIR = "${{WORKDIR}}/deploy"
    COREBASE = "{stubs}"
    COMMON_LICENSE_DIR = "{stubs}"
    BOOTFILES_DIR_NAME = "bootfiles"
    prefix = "/usr"
    bindir = "/usr/bin"
    sbindir = "/usr/sbin"
    libdir = "/usr/lib"
    datadir = "/usr/share"
    sysconfdir = "/etc"
    localstatedir = "/var"
    nonarch_libdir = "/usr/lib"
    nonarch_base_libdir = "/usr/lib"
    base_libdir = "/usr/lib"
    systemd_system_unitdir = "/usr/lib/systemd/system"
    systemd_unitdir = "/usr/lib/systemd"
    require conf/distro/amora.conf
    addpylib {stubs}/lib oe
    addpylib {layer}/lib amora
"""

OE = '''
def conditional(variable, value, yes, no, d):
    """As oe.utils.conditional."""
    return yes if d.getVar(variable) == value else no
'''


# BitBake's servers, which it loads and parsing does not need.
for server in ("hashserv", "hashserv.client", "prserv"):
    sys.modules.setdefault(server, ModuleType(server))
sys.modules["hashserv"].client = sys.modules["hashserv.client"]

import bb.data  # noqa: E402
import bb.fetch2  # noqa: E402
import bb.parse  # noqa: E402
import bb.parse.parse_py  # noqa: E402
import bb.siggen  # noqa: E402
import bb.utils  # noqa: E402


class Parser:
    """The layer's files, parsed for one board and variant."""

    def __init__(self, folder: Path, machine: str, variant: str):
        """Lay out the stand-ins in a folder and read the distribution's configuration."""
        self.stubs = folder
        self.machine = machine
        (folder / "conf").mkdir(parents=True)
        (folder / "classes").mkdir()
        (folder / "lib/oe").mkdir(parents=True)
        (folder / "lib/oe/__init__.py").write_text('BBIMPORTS = ["utils"]\n')
        (folder / "lib/oe/utils.py").write_text(OE)
        (folder / "certificate.pem").write_text("-----BEGIN CERTIFICATE-----\n")
        for name in ("MIT", "Apache-2.0"):
            (folder / name).write_text("")
        for name in UPSTREAM_CLASSES:
            (folder / "classes" / f"{name}.bbclass").write_text("")
        text = textwrap.dedent(STAND_IN).format(
            stubs=folder, layer=LAYER, machine=machine, variant=variant, overrides=BOARDS[machine]
        )
        (folder / "conf/bitbake.conf").write_text(text)
        data = bb.data.init()
        data.setVar("TOPDIR", str(folder))
        data.setVar("BBPATH", f"{folder}:{LAYER}")
        data.setVar("__bbclasstype", "global")
        data = bb.parse.handle(str(folder / "conf/bitbake.conf"), data, True, True)
        self.data = data
        bb.parse.siggen = bb.siggen.init(data)
        for name in (data.getVar("INHERIT") or "").split():
            bb.parse.BBHandler.inherit(name, "configuration", 1, data)
        data.setVar("__bbclasstype", "recipe")

    def parse(self, recipe: Path, appends: list[Path]):
        """Return a parsed recipe's data."""
        data = self.data.createCopy()
        data.setVar("__BBAPPEND", " ".join(map(str, appends)))
        return bb.parse.handle(str(recipe), data)[""]

    def stand_in_recipe(self, append: Path) -> Path:
        """Return an empty recipe for an append to one of another layer's."""
        recipe = self.stubs / "recipes" / append.name.replace("_%", "_1.0").replace(".bbappend", ".bb")
        recipe.parent.mkdir(exist_ok=True)
        recipe.write_text('SUMMARY = "Stand-in"\nLICENSE = "MIT"\ndo_install() {\n    :\n}\ndo_deploy() {\n    :\n}\n')
        return recipe


def shell_findings(data) -> list[str]:
    """Return what the shell and Python say about a recipe's functions."""
    found = []
    for name in sorted(bb.data.keys(data)):
        if not data.getVarFlag(name, "func", False):
            continue
        body = data.getVar(name, False) or ""
        if data.getVarFlag(name, "python", False):
            try:
                compile(f"def function(d):\n    pass\n{body}", name, "exec")
            except SyntaxError as error:
                found.append(f"{name}: {error}")
            continue
        script = data.expand(body)
        ran = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True, check=False)
        if ran.returncode:
            found.append(f"{name}: {ran.stderr.strip()}")
        left = re.findall(r"\$\{@[^}]*\}", script)
        if left:
            found.append(f"{name}: {left[0]} is not expanded")
    return found


def source_findings(data) -> list[str]:
    """Return the local files that SRC_URI names and nobody has."""
    found = []
    for uri in (data.getVar("SRC_URI") or "").split():
        if uri.startswith("file://"):
            name = uri.removeprefix("file://").split(";")[0]
            if not bb.utils.which(data.getVar("FILESPATH"), name):
                found.append(f"SRC_URI names {name}, which is in none of its folders")
    return found


def unit_findings(data) -> list[str]:
    """Return the units that are enabled and neither installed by name nor among the sources."""
    install = (data.getVar("do_install") or "") + (data.getVar("SRC_URI") or "")
    return [
        f"SYSTEMD_SERVICE enables {unit}, which is neither in SRC_URI nor in do_install"
        for name in bb.data.keys(data)
        if name.startswith("SYSTEMD_SERVICE:")
        for unit in (data.getVar(name) or "").split()
        if unit not in install and unit.replace("@.", "@") not in install
    ]


def mandatory_findings(data, ours: bool) -> list[str]:
    """Return the descriptions that a recipe of ours lacks."""
    if not ours:
        return []
    return [f"{name} is not set" for name in ("SUMMARY", "LICENSE") if not data.getVar(name)]


def check(parser: Parser) -> tuple[int, list[str]]:
    """Parse all of the layer; return how many files, and what is wrong with them."""
    count, found = 0, []
    appends = sorted(LAYER.rglob("*.bbappend"))
    if not parser.machine.startswith("raspberrypi"):
        appends = [append for append in appends if "dynamic-layers/raspberrypi" not in str(append)]
    jobs = [(recipe, []) for recipe in sorted(LAYER.rglob("*.bb"))]
    jobs += [(parser.stand_in_recipe(append), [append]) for append in appends]
    for recipe, with_appends in jobs:
        name = str((with_appends or [recipe])[0].relative_to(LAYER))
        count += 1
        try:
            data = parser.parse(recipe, with_appends)
            findings = source_findings(data) + shell_findings(data) + mandatory_findings(data, not with_appends)
            findings += [] if with_appends else unit_findings(data)
            for variable in bb.data.keys(data):
                data.getVar(variable)
        except bb.parse.SkipRecipe as reason:
            # The images of the other variant say so.
            findings = [] if "AMORA_VARIANT" in str(reason) else [str(reason)]
        except Exception as error:
            findings = [f"{type(error).__name__}: {error}"]
        found += [f"{name}: {finding}" for finding in findings]
    return count, found


def main() -> int:
    """Check all boards and variants; say what is wrong once, however many boards it concerns."""
    parsed, wrong = 0, {}
    with tempfile.TemporaryDirectory() as folder:
        for machine in BOARDS:
            for variant in VARIANTS:
                count, found = check(Parser(Path(folder) / f"{machine}-{variant}", machine, variant))
                parsed += count
                for finding in found:
                    wrong.setdefault(finding, []).append(f"{machine} {variant}")
    for finding, where in wrong.items():
        scope = "everywhere" if len(where) == len(BOARDS) * len(VARIANTS) else ", ".join(where)
        print(f"{finding} ({scope})", file=sys.stderr)
    print(f"Parsed {parsed} recipes and appends: {len(BOARDS)} boards, {len(VARIANTS)} variants")
    return 1 if wrong or not parsed else 0


if __name__ == "__main__":
    sys.exit(main())
