"""Makes updates, good and bad, from a good one: only what is promised of every update is relied on."""

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

# What sealing a root gives, and how the boot loader calls it.
VARIABLES = {
    "VERITY_DATA_SECTORS": "sectors",
    "VERITY_DATA_BLOCKS": "blocks",
    "VERITY_ROOT_HASH": "hash",
    "VERITY_SALT": "salt",
}


class Workshop:
    """The tools' own root, in which they have the versions that are tested."""

    def __init__(self, checkout):
        """Take the checkout that it belongs to."""
        self.checkout = Path(checkout)
        self._enter = self.checkout / "ci/image/in"

    def run(self, *command, cwd=None, text_in=None):
        """Run a command there; its output."""
        done = subprocess.run(
            [self._enter, *command],
            cwd=cwd,
            input=text_in,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout


@dataclass(frozen=True)
class Signer:
    """Who signs an update."""

    key: Path
    certificate: Path


@dataclass(frozen=True)
class Update:
    """An update before it is signed: its description, and the root that it brings."""

    workshop: Workshop
    folder: Path
    description: str
    root: Path

    @classmethod
    def read(cls, workshop, file, folder):
        """Unpack a signed update."""
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "original").mkdir(parents=True)
        workshop.run("cpio", "--extract", "--quiet", "--file", str(file), cwd=folder / "original")
        description = (folder / "original/sw-description").read_text()
        root = re.search(r'filename = "([^"]+)"', description).group(1)
        return cls(workshop, folder, description, folder / "original" / root)

    @property
    def version(self):
        """Its version, as it is signed."""
        return re.search(r'^\s*version = "([^"]+)"', self.description, re.MULTILINE).group(1)

    @property
    def board(self):
        """The board that it is made for."""
        return re.search(r"^    ([\w-]+)\s*[=:]\s*\{\s*hardware", self.description, re.MULTILINE).group(1)

    def described(self, pattern, text):
        """Change its description."""
        changed, count = re.subn(pattern, text, self.description, flags=re.MULTILINE)
        assert count, f"nothing in the description is like {pattern}:\n{self.description}"
        return replace(self, description=changed)

    def numbered(self, version):
        """Give it another version."""
        return self.described(r'^(\s*version = )"[^"]+"', rf'\1"{version}"')

    def without_root(self):
        """Bring a megabyte of nothing in place of the root, for an update that must not even be looked into."""
        root = self.folder / "nothing" / self.root.name
        root.parent.mkdir(exist_ok=True)
        root.write_bytes(bytes(1 << 20))
        return self._with_root(root)

    def changed(self, name, number, change=None, light=False):
        """Bring a root that `change(folder)` has changed; hash and verity tree are made anew.

        Without one, it is the change of that name among ci/image/changes. A `light` root is for a system that never
        comes so far as to play: it is written more quickly.
        """
        change = change or partial(self._change, name)
        root = self.folder / name / self.root.name
        version = f"{self.version}.{number}"
        tree = root.parent / "tree"
        shutil.rmtree(root.parent, ignore_errors=True)
        root.parent.mkdir()
        subprocess.run(["cp", "--archive", "--reflink=auto", self._tree, tree], check=True)
        release = tree / "usr/lib/os-release"
        release.write_text(re.sub(r"(?m)^IMAGE_VERSION=.*$", f"IMAGE_VERSION={version}", release.read_text()))
        if light:
            self._change("light", tree)
        change(tree)
        self.workshop.run(str(self.workshop.checkout / "ci/image/seal"), str(tree), str(root))
        shutil.rmtree(tree)
        result = self._with_root(root).numbered(version)
        made = dict(line.split("=") for line in Path(f"{root}.verity-params").read_text().split())
        for what, value in made.items():
            variable = VARIABLES[what]
            result = result.described(rf'(name = "verity_[ab]_{variable}";\s*value = )"[^"]*"', rf'\1"{value}"')
        return result

    def _change(self, name, tree):
        subprocess.run([self.workshop.checkout / "ci/image/changes" / name, tree], check=True)

    @cached_property
    def _tree(self):
        tree = self.folder / "tree"
        self.workshop.run("unsquashfs", "-quiet", "-no-progress", "-dest", str(tree), str(self.root))
        return tree

    def _with_root(self, root):
        with root.open("rb") as file:
            sum_of_it = hashlib.file_digest(file, "sha256").hexdigest()
        return replace(self.described(r'sha256 = "[^"]*"', f'sha256 = "{sum_of_it}"'), root=root)

    def delta(self, signer, name, chunks_url, full_url):
        """Sign it as a delta into a file; the chunks, for `chunks_url`, are put beside it and end in .zck."""
        file = self.folder / f"{name}.swu"
        environment = [f"SIGNER={signer.key}", f"CERTIFICATE={signer.certificate}", f"BOARD={self.board}"]
        bundle = str(self.workshop.checkout / "ci/image/bundle")
        self.workshop.run(
            *("env", *environment, bundle, "--delta", chunks_url, full_url, self.version, str(self.root), str(file)),
        )
        return file

    def signed(self, signer, name):
        """Sign it, unless nobody is given, and pack it into a file."""
        place = self.folder / f"{name}.packing"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        (place / "sw-description").write_text(self.description)
        os.link(self.root, place / self.root.name)
        parts = ["sw-description", self.root.name]
        if signer:
            parts.insert(1, "sw-description.sig")
            self.workshop.run(
                *("openssl", "cms", "-sign", "-in", "sw-description", "-out", "sw-description.sig", "-outform", "DER"),
                *("-signer", str(signer.certificate), "-inkey", str(signer.key), "-nosmimecap", "-binary"),
                cwd=place,
            )
        file = self.folder / f"{name}.swu"
        self.workshop.run(
            *("cpio", "--create", "--format=crc", "--quiet", "--owner=0:0", "--file", str(file)),
            cwd=place,
            text_in="".join(f"{part}\n" for part in parts),
        )
        shutil.rmtree(place)
        return file
