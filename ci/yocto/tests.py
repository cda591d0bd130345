"""What the layer's files must agree on with each other and with the rest of the tree, and what stops a build."""

import argparse
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path
from types import MappingProxyType

import jsonschema
import kas.configschema
import kas.context
import kas.includehandler
import libconf
import yaml

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "meta-amora"
sys.path.insert(0, str(LAYER / "lib"))

from amora import checks  # noqa: E402  # the layer's own folder has to be on the path first

BOARDS = ("qemuarm64", "raspberrypi3-64", "raspberrypi4-64", "raspberrypi5")


def read(*parts: str) -> str:
    """Return the text of a file of the layer."""
    return LAYER.joinpath(*parts).read_text()


def setting(text: str, name: str) -> str:
    """Return what a configuration file assigns to a variable."""
    found = re.search(rf'^{re.escape(name)} *\??= *"([^"]*)"', text, re.MULTILINE)
    assert found, f"{name} is not set"
    return found[1]


class Settings(dict):
    """BitBake variables for the checks."""

    def getVar(self, name):  # noqa: N802  # BitBake's own name
        """Return a variable's value, or nothing."""
        return self.get(name)


class Configuration(unittest.TestCase):
    """Stops before a build."""

    def good(self, **changes):
        """Return a configuration with nothing wrong, but for the changes."""
        return Settings(
            {
                "MACHINE": "raspberrypi4-64",
                "AMORA_MACHINES": " ".join(BOARDS),
                "AMORA_VARIANT": "release",
                "AMORA_VERSION": "1.2.3",
                "AMORA_BOOT": "u-boot",
                "RPI_USE_U_BOOT": "1",
                "BBFILE_COLLECTIONS": "core raspberrypi amora",
                "WKS_FILE": "amora-u-boot-raw-environment.wks.in",
                "AMORA_HATS": "iqaudio-dac rpi-dacpro",
                "SWUPDATE_SIGNING": "CMS",
            }
            | changes
        )

    def test_nothing_is_found_in_a_good_one(self):
        """A good configuration builds."""
        self.assertEqual(checks.of_configuration(self.good()), [])

    def test_each_mistake_is_named_with_what_to_set(self):
        """One mistake, one sentence, with the variable in it."""
        for name, value in (
            ("MACHINE", "beaglebone"),
            ("AMORA_VERSION", "next"),
            ("AMORA_VERSION", "1.2"),
            ("AMORA_VARIANT", "debug"),
            ("AMORA_BOOT", "grub"),
            ("RPI_USE_U_BOOT", "0"),
            ("WKS_FILE", "sdimage-raspberrypi.wks"),
            ("AMORA_HAT", "hifiberry"),
            ("SWUPDATE_SIGNING", "RSA"),
        ):
            with self.subTest(name=name, value=value):
                found = checks.of_configuration(self.good(**{name: value}))
                self.assertEqual(len(found), 1, found)
                self.assertIn(name, found[0])

    def test_a_missing_board_layer_is_named(self):
        """Without meta-raspberrypi there is no Raspberry Pi."""
        found = checks.of_configuration(self.good(BBFILE_COLLECTIONS="core amora"))
        self.assertIn("meta-raspberrypi", found[0])


class Image(unittest.TestCase):
    """Refused images."""

    def setUp(self):
        """Make certificates and keys."""
        self.security = read("conf/distro/include/amora-security.inc").replace("\\\n", "")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "trust.pem").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n")
        (self.folder / "both.pem").write_text("-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n")
        (self.folder / "empty.pem").write_text("")

    def image(self, **changes):
        """Return what is found in a release image with changes."""
        return checks.of_image(
            Settings(
                {
                    "AMORA_IMAGE_VARIANT": "release",
                    "AMORA_VARIANT": "release",
                    "AMORA_UPDATE_TRUST": str(self.folder / "trust.pem"),
                    "IMAGE_FSTYPES": "squashfs-zst verity wic",
                    "IMAGE_FEATURES": "read-only-rootfs",
                    "AMORA_FORBIDDEN_IMAGE_FEATURES": setting(
                        read("conf/distro/include/amora-security.inc").replace("\\\n", ""),
                        "AMORA_FORBIDDEN_IMAGE_FEATURES",
                    ),
                }
                | changes
            )
        )

    def test_a_good_one_is_built(self):
        """A release with a trusted authority has nothing wrong."""
        self.assertEqual(self.image(), [])

    def test_each_mistake_is_named_with_what_to_set(self):
        """One mistake, one sentence, with the variable in it."""
        for name, value in (
            ("AMORA_UPDATE_TRUST", None),
            ("AMORA_UPDATE_TRUST", str(self.folder / "none.pem")),
            ("AMORA_UPDATE_TRUST", str(self.folder / "empty.pem")),
            ("AMORA_UPDATE_TRUST", str(self.folder / "both.pem")),
            ("IMAGE_FSTYPES", "ext4 wic"),
            ("IMAGE_FEATURES", ""),
            ("IMAGE_FEATURES", "read-only-rootfs empty-root-password"),
            ("IMAGE_FEATURES", "read-only-rootfs ssh-server-openssh"),
            ("EXTRA_USERS_PARAMS", "usermod -p '$6$x' root;"),
            ("AMORA_KERNEL_ARGUMENTS", "init=/bin/sh"),
            ("AMORA_VARIANT", "dev"),
        ):
            with self.subTest(name=name, value=value):
                found = self.image(**{name: value})
                self.assertEqual(len(found), 1, found)
                self.assertIn(name, found[0])

    def test_a_release_does_not_trust_a_development_authority(self):
        """The keys that lie about on a developer's machine open no release."""
        folder = self.folder / "dev"
        folder.mkdir()
        (folder / "trust.pem").write_text("-----BEGIN CERTIFICATE-----\n")
        found = self.image(AMORA_UPDATE_TRUST=str(folder / "trust.pem"))
        self.assertEqual(len(found), 1, found)

    def test_development_has_what_a_release_has_not(self):
        """The development image may be logged into."""
        found = self.image(
            AMORA_IMAGE_VARIANT="dev",
            AMORA_VARIANT="dev",
            IMAGE_FEATURES="read-only-rootfs empty-root-password",
            AMORA_KERNEL_ARGUMENTS="loglevel=7",
        )
        self.assertEqual(found, [])

    def test_an_update_needs_its_signer(self):
        """Both halves are asked for."""
        found = checks.of_signing(Settings({}))
        self.assertEqual(len(found), 2)
        self.assertIn("AMORA_UPDATE_KEY", found[1])


class Layouts(unittest.TestCase):
    """Disk layouts, against the boot loader's settings and the seams of the update."""

    def parts(self, name):
        """Return the options of each partition in a layout, sizes filled in."""
        boot = read("conf/distro/include/amora-boot.inc")
        text = read("files/wic", name)
        for variable in ("AMORA_BOOT_SIZE", "AMORA_SLOT_SIZE", "AMORA_DATA_SIZE"):
            text = text.replace("${" + variable + "}", setting(boot, variable))
        found = []
        for line in text.splitlines():
            if line.startswith("part"):
                options = {}
                words = shlex.split(line)[1:]
                for word, after in zip(words, [*words[1:], "--"], strict=True):
                    if word.startswith("--"):
                        options[word[2:]] = "" if after.startswith("--") and "=" not in after else after
                found.append(options)
        return found

    def names(self, name):
        """Return the labels of a layout's partitions in order."""
        return [part["part-name"] for part in self.parts(name) if "no-table" not in part]

    def test_the_partitions_are_those_that_updates_are_written_to(self):
        """U-Boot's boards have four, the Pi 5 six in the order that autoboot.txt counts on."""
        four = ["boot", "rootA", "rootB", "data"]
        self.assertEqual(self.names("amora-u-boot-raw-environment.wks.in"), four)
        self.assertEqual(self.names("amora-u-boot-file-environment.wks.in"), four)
        self.assertEqual(self.names("amora-tryboot.wks.in"), ["autoboot", "bootA", "bootB", "rootA", "rootB", "data"])

    def test_both_slots_are_alike(self):
        """What fits into one slot fits into the other."""
        for layout in LAYER.glob("files/wic/*.wks.in"):
            sizes = {part["part-name"]: part["fixed-size"] for part in self.parts(layout.name) if "part-name" in part}
            self.assertEqual(sizes["rootA"], sizes["rootB"])
            self.assertEqual(sizes.get("bootA"), sizes.get("bootB"))

    def test_the_raw_environment_is_where_u_boot_looks(self):
        """Both copies, in the gap before the first partition, and as large as U-Boot reads."""
        fragment = read("recipes-bsp/u-boot/files/environment-mmc.cfg") + read("recipes-bsp/u-boot/files/amora.cfg")

        def config(name):
            return int(re.search(rf"^CONFIG_{name}=(\w+)$", fragment, re.MULTILINE)[1], 0)

        parts = self.parts("amora-u-boot-raw-environment.wks.in")
        offsets = [int(part["offset"]) * 1024 for part in parts if "no-table" in part]
        self.assertEqual(offsets, [config("ENV_OFFSET"), config("ENV_OFFSET_REDUND")])
        size = int(setting(read("conf/distro/include/amora-boot.inc"), "AMORA_ENVIRONMENT_SIZE"), 0)
        self.assertEqual(size, config("ENV_SIZE"))
        first = next(part for part in parts if "no-table" not in part)
        self.assertLessEqual(max(offsets) + size, int(first["align"]) * 1024)

    def test_only_the_boot_partition_is_in_the_mbr(self):
        """The Pi 3's ROM reads it there."""
        parts = self.parts("amora-u-boot-raw-environment.wks.in")
        self.assertEqual([part["part-name"] for part in parts if "mbr" in part], ["boot"])


class Description(unittest.TestCase):
    """sw-description, as SWUpdate's own generator renders it."""

    VARIABLES = MappingProxyType(
        {
            "AMORA_VERSION": "1.2.3",
            "AMORA_BOARD": "raspberrypi4-64",
            "AMORA_ROOT": "root.img",
            "AMORA_CHUNKS": "root.chunks",
            "AMORA_DELTA_URL": "https://updates.example.org/root.zck",
            "AMORA_FULL_URL": "https://updates.example.org/whole.swu",
            "AMORA_BOOT_A": "boot-a.img",
            "AMORA_BOOT_B": "boot-b.img",
            "AMORA_VERITY_SECTORS": "16",
            "AMORA_VERITY_BLOCKS": "2",
            "AMORA_VERITY_HASH": "ab",
            "AMORA_VERITY_SALT": "cd",
        }
    )

    def render(self, name):
        """Return sw-description as it comes out of an update made from the template."""
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            for image in ("root.img", "root.chunks", "boot-a.img", "boot-b.img"):
                (work / image).write_bytes(image.encode() * 512)
            variables = " ".join(f'{name} = "{value}";' for name, value in self.VARIABLES.items())
            (work / "variables.cfg").write_text("variables : { " + variables + " };")
            template = LAYER / "recipes-core/images/files" / name
            command = [
                sys.executable,
                "-m",
                "swugenerator.main",
                "-n",
                "-s",
                template,
                "-c",
                work / "variables.cfg",
                "-a",
                work,
            ]
            subprocess.run([*command, "-o", work / "update.swu", "create"], check=True)
            archive = (work / "update.swu").read_bytes()
        size = int(archive[54:62], 16)
        start = (110 + int(archive[94:102], 16) + 3) // 4 * 4
        return libconf.loads(archive[start : start + size].decode()).software

    def fill(self, name):
        """Return a template with its placeholders filled in, and nothing made of it."""
        text = read("recipes-core/images/files", name)
        text = re.sub(r"@@(\w+)@@", lambda found: self.VARIABLES[found[1]], text)
        return libconf.loads(re.sub(r"\$swupdate_get_sha256\([^()]+\)", "0" * 64, text)).software

    def test_each_slot_gets_its_image_and_its_own_root_hash(self):
        """Nothing of one slot is written for the other, and the slot is chosen last."""
        software = self.render("sw-description")
        self.assertEqual(software.version, "1.2.3")
        self.assertFalse(software.bootloader_transaction_marker)
        board = software["raspberrypi4-64"]
        self.assertEqual(board["hardware-compatibility"], ["1.0"])
        for slot in ("a", "b"):
            image = board.stable[slot].images[0]
            self.assertEqual(image.device, f"/dev/disk/by-partlabel/root{slot.upper()}")
            self.assertRegex(image.sha256, "^[0-9a-f]{64}$")
            variables = {entry.name: entry.value for entry in board.stable[slot].bootenv}
            self.assertEqual(
                variables,
                {
                    f"verity_{slot}_sectors": "16",
                    f"verity_{slot}_blocks": "2",
                    f"verity_{slot}_hash": "ab",
                    f"verity_{slot}_salt": "cd",
                    "amora_slot": slot,
                    "bootcount": "0",
                    "upgrade_available": "1",
                },
            )

    def test_a_tryboot_slot_is_its_root_and_its_boot_partition(self):
        """No environment, and each boot partition for its slot."""
        board = self.render("raspberrypi5/sw-description")["raspberrypi4-64"]
        for slot in ("a", "b"):
            images = {image.device: image.filename for image in board.stable[slot].images}
            name = slot.upper()
            self.assertEqual(
                images,
                {
                    f"/dev/disk/by-partlabel/root{name}": "root.img",
                    f"/dev/disk/by-partlabel/boot{name}": f"boot-{slot}.img",
                },
            )
            self.assertNotIn("bootenv", board.stable[slot])

    def test_a_delta_differs_only_in_how_the_root_gets_there(self):
        """From the running slot and a web server, into the same place with the same root hash."""
        whole = self.fill("sw-description")["raspberrypi4-64"].stable
        delta = self.fill("delta/sw-description")["raspberrypi4-64"].stable
        for slot, other in (("a", "b"), ("b", "a")):
            self.assertEqual(whole[slot].bootenv, delta[slot].bootenv)
            image = delta[slot].images[0]
            self.assertEqual(image.device, whole[slot].images[0].device)
            self.assertEqual((image.type, image.properties.chain), ("delta", "raw"))
            self.assertEqual(image.properties.source, whole[other].images[0].device)
            self.assertEqual(image.properties.url, self.VARIABLES["AMORA_DELTA_URL"])
            # SWUpdate refuses a list of chunks that it would have to read while it arrives.
            self.assertNotIn("installed-directly", image)
        self.assertEqual(self.fill("delta/sw-description").amora.full, self.VARIABLES["AMORA_FULL_URL"])

    def test_bitbake_can_render_it_too(self):
        """Its expressions take one placeholder a line, and nothing after a function but a quote."""
        for template in LAYER.glob("recipes-core/images/files/**/sw-description"):
            for line in template.read_text().splitlines():
                self.assertLessEqual(line.count("@@"), 2, line)
                self.assertFalse(line.startswith("@@") or line.endswith("@@"), line)
                if "$swupdate" in line:
                    self.assertRegex(line, r'\$swupdate_get_sha256\([^()]+\)";$')

    def test_u_boot_takes_every_variable(self):
        """A variable that is not on the boot loader's list would be ignored."""
        header = read("recipes-bsp/u-boot/files/amora-environment.h")
        for entry in self.render("sw-description")["raspberrypi4-64"].stable.a.bootenv:
            name = re.sub("^verity_a_", "_", entry.name)
            self.assertIn(f"{name}:", header)


class Tree(unittest.TestCase):
    """The layer and its neighbours."""

    def test_one_version(self):
        """The image, the update and the service in it have the same."""
        workspace = tomllib.loads((ROOT / "amora-service/Cargo.toml").read_text())
        version = setting(read("conf/distro/amora.conf"), "AMORA_VERSION")
        self.assertEqual(version, workspace["workspace"]["package"]["version"])

    def test_every_known_hat_is_offered(self):
        """hat.txt names what the checks accept, and each has its overlay in the image or from the board's layer."""
        boot = read("conf/distro/include/amora-boot.inc").replace("\\\n", "")
        offered = read("dynamic-layers/raspberrypi/recipes-bsp/bootfiles/files/hat.txt")
        overlays = setting(boot, "RPI_KERNEL_DEVICETREE_OVERLAYS:append:rpi")
        for hat in setting(boot, "AMORA_HATS").split():
            self.assertIn(hat, offered)
            self.assertTrue(f"overlays/{hat}.dtbo" in overlays or hat in ("iqaudio-dac", "iqaudio-dacplus"), hat)

    def test_the_firmware_reads_every_line_of_config_txt(self):
        """It stops at column 80."""
        for file in LAYER.glob("dynamic-layers/raspberrypi/recipes-bsp/bootfiles/files/*.txt"):
            for line in file.read_text().splitlines():
                self.assertLessEqual(len(line), 80, f"{file.name}: {line}")


class Kas(unittest.TestCase):
    """The build's descriptions, against kas's own schema."""

    FILES = sorted([*ROOT.glob("kas/*.yml"), *ROOT.glob("recipes/*/kas.yml")])

    def test_schema(self):
        """Every file is one that kas accepts, of the version that 5.4 introduced."""
        self.assertGreater(len(self.FILES), 8)
        for file in self.FILES:
            with self.subTest(file=file.name):
                content = yaml.safe_load(file.read_text())
                jsonschema.validate(content, kas.configschema.CONFIGSCHEMA)
                self.assertEqual(content["header"]["version"], 23)
                for include in content["header"].get("includes", []):
                    self.assertTrue((ROOT / include).is_file(), include)

    def test_every_board_has_one(self):
        """As the distribution lists them."""
        boards = setting(read("conf/distro/include/amora-boot.inc"), "AMORA_MACHINES").split()
        self.assertEqual(sorted(boards), sorted(BOARDS))
        for board in boards:
            self.assertEqual(yaml.safe_load((ROOT / f"kas/{board}.yml").read_text())["machine"], board)

    def test_every_layer_is_pinned(self):
        """Each repository has a full hash in a lock file."""
        named, pinned = {}, {}
        for file in self.FILES:
            content = yaml.safe_load(file.read_text())
            named |= {name: repo for name, repo in content.get("repos", {}).items() if "url" in (repo or {})}
            pinned |= content.get("overrides", {}).get("repos", {})
        self.assertEqual(sorted(named), sorted(pinned))
        for name, pin in pinned.items():
            self.assertRegex(pin["commit"], "^[0-9a-f]{40}$", name)

    def test_kas_resolves_every_board(self):
        """With its variants and all fragments; what comes out names the board, the variant and every layer's commit."""
        kas.context.create_global_context(argparse.Namespace(no_color=True))
        fragments = ("signing", "mirror", "signatures")
        recipes = sorted((ROOT / "recipes").glob("*/kas.yml"))
        self.assertGreater(len(recipes), 1)
        for board in BOARDS:
            for variant in ("release", "dev"):
                with self.subTest(board=board, variant=variant):
                    files = [ROOT / f"kas/{name}.yml" for name in (board, variant, *fragments)]
                    for recipe in recipes:
                        handler = kas.includehandler.IncludeHandler([*files, recipe])
                        config, _ = handler.get_config({"amora": str(ROOT)})
                        self.assertIn(f'AMORA_RECIPE = "{recipe.parent.name}"', config["local_conf_header"]["recipe"])
                    self.assertEqual(config["machine"], board)
                    self.assertIn(f'AMORA_VARIANT = "{variant}"', config["local_conf_header"]["variant"])
                    remote = {name for name, repo in config["repos"].items() if "url" in repo}
                    self.assertEqual(remote, set(config["overrides"]["repos"]))


if __name__ == "__main__":
    program = unittest.main(exit=False, verbosity=0)
    ran, bad = program.result.testsRun, len(program.result.failures) + len(program.result.errors)
    print(f"# pass {ran - bad}\n# fail {bad}")
    sys.exit(1 if bad else 0)
