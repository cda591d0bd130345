"""What can be seen to be wrong with a build before it starts. Every finding is one sentence that says what to set."""

import os
import re

VERSION = re.compile(r"\d+\.\d+\.\d+")


def words(d, name):
    """Return the words of a variable, none if it is not set."""
    return (d.getVar(name) or "").split()


def of_configuration(d):
    """Return what is wrong with the configuration whatever is built."""
    found = []
    machine = d.getVar("MACHINE")
    machines = words(d, "AMORA_MACHINES")
    if machine not in machines:
        found.append(f"MACHINE is '{machine}': AmoraOS runs on {', '.join(machines)}. Set MACHINE to one of them.")
    if machine.startswith("raspberrypi") and "raspberrypi" not in words(d, "BBFILE_COLLECTIONS"):
        found.append("The layer meta-raspberrypi is missing: add it to BBLAYERS, or build with kas/" + machine + ".yml.")
    if not VERSION.fullmatch(d.getVar("AMORA_VERSION") or ""):
        found.append(
            f"AMORA_VERSION is '{d.getVar('AMORA_VERSION')}': set three numbers with dots between, such as 1.4.0. "
            "A box compares versions as numbers and refuses to go back."
        )
    if d.getVar("AMORA_VARIANT") not in ("release", "dev"):
        found.append(f"AMORA_VARIANT is '{d.getVar('AMORA_VARIANT')}': set it to release or dev.")
    boot = d.getVar("AMORA_BOOT")
    if boot not in ("u-boot", "tryboot"):
        found.append(f"AMORA_BOOT is '{boot}': set it to u-boot or tryboot.")
    elif machine in machines and machine.startswith("raspberrypi") and (boot == "u-boot") != (d.getVar("RPI_USE_U_BOOT") == "1"):
        found.append(f"RPI_USE_U_BOOT contradicts AMORA_BOOT = '{boot}': leave RPI_USE_U_BOOT to the distribution.")
    if not (d.getVar("WKS_FILE") or "").startswith("amora-"):
        found.append(
            f"WKS_FILE is '{d.getVar('WKS_FILE')}': only the amora-*.wks.in layouts have two slots and /data. Remove your setting."
        )
    hat = d.getVar("AMORA_HAT")
    if hat and hat not in words(d, "AMORA_HATS"):
        found.append(f"AMORA_HAT is '{hat}': set one of {', '.join(words(d, 'AMORA_HATS'))}, or nothing for the HAT's EEPROM to choose.")
    if d.getVar("SWUPDATE_SIGNING") != "CMS":
        found.append("SWUPDATE_SIGNING must stay CMS: a box accepts no other signature.")
    return found


def file_given(d, name, purpose):
    """Return what is wrong with a variable that must name a file."""
    path = d.getVar(name)
    if not path:
        return [f"{name} is not set: set it to {purpose}, or pass it by kas/signing.yml."]
    if not os.path.isfile(path):
        return [f"{name} names '{path}', which is no file: set it to {purpose}."]
    return []


def of_trust(d):
    """Return what is wrong with the authorities that the image is to trust."""
    found = file_given(d, "AMORA_UPDATE_TRUST", "the certificates, in PEM, of those whose updates the box accepts")
    if not found:
        with open(d.getVar("AMORA_UPDATE_TRUST"), encoding="utf-8", errors="replace") as trust:
            text = trust.read()
        if "-----BEGIN CERTIFICATE-----" not in text:
            found.append("AMORA_UPDATE_TRUST holds no certificate in PEM: a box that trusts nobody cannot be updated.")
        if "PRIVATE KEY-----" in text:
            found.append("AMORA_UPDATE_TRUST holds a private key, and would put it on every box: leave only certificates in it.")
    return found


def of_signing(d):
    """Return what is wrong with the signer of an update."""
    return file_given(d, "AMORA_UPDATE_CERTIFICATE", "the signer's certificate in PEM") + file_given(
        d, "AMORA_UPDATE_KEY", "the signer's private key in PEM"
    )


def of_image(d):
    """Return what is wrong with an image: verified root, trusted signers, and in a release no way in."""
    found = of_trust(d)
    variant = d.getVar("AMORA_IMAGE_VARIANT")
    if variant != d.getVar("AMORA_VARIANT"):
        found.append(
            f"This image is the {variant} one, and AMORA_VARIANT is '{d.getVar('AMORA_VARIANT')}': add kas/{variant}.yml, or build the "
            "other image. Their boot loaders differ in what they let a person do."
        )
    if "verity" not in words(d, "IMAGE_FSTYPES"):
        found.append("IMAGE_FSTYPES lacks 'verity': the root would not be verified. Add to IMAGE_FSTYPES, don't replace it.")
    if "read-only-rootfs" not in words(d, "IMAGE_FEATURES"):
        found.append("IMAGE_FEATURES lacks 'read-only-rootfs': add to IMAGE_FEATURES, don't replace it.")
    if variant != "release":
        return found
    for feature in words(d, "IMAGE_FEATURES"):
        if feature in words(d, "AMORA_FORBIDDEN_IMAGE_FEATURES"):
            found.append(f"IMAGE_FEATURES has '{feature}', which a release must not have: build amora-image-dev, or remove it.")
    if re.search(r"(^|\s)(-p|--password)[\s=]", d.getVar("EXTRA_USERS_PARAMS") or ""):
        found.append("EXTRA_USERS_PARAMS sets a password, which a release must not have: build amora-image-dev, or remove it.")
    if (d.getVar("AMORA_KERNEL_ARGUMENTS") or "").strip():
        found.append("AMORA_KERNEL_ARGUMENTS is set: only amora-image-dev takes kernel arguments of its own.")
    trust = d.getVar("AMORA_UPDATE_TRUST") or ""
    if os.path.basename(os.path.dirname(os.path.abspath(trust))) == "dev" and not found:
        found.append("AMORA_UPDATE_TRUST is a development authority (in a folder named dev): set the release's.")
    return found


def report(found):
    """Return the findings as one message."""
    return "AmoraOS can't be built like this:" + "".join("\n  - " + sentence for sentence in found)
