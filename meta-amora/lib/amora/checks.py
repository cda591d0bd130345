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
    machine, boot, layout = d.getVar("MACHINE"), d.getVar("AMORA_BOOT"), d.getVar("WKS_FILE")
    version, variant, hat = d.getVar("AMORA_VERSION"), d.getVar("AMORA_VARIANT"), d.getVar("AMORA_HAT")
    machines, hats = words(d, "AMORA_MACHINES"), words(d, "AMORA_HATS")
    is_raspberry_pi = machine in machines and machine.startswith("raspberrypi")
    if machine not in machines:
        found.append(f"MACHINE is '{machine}': AmoraOS runs on {', '.join(machines)}. Set MACHINE to one of them.")
    if is_raspberry_pi and "raspberrypi" not in words(d, "BBFILE_COLLECTIONS"):
        found.append(f"The layer meta-raspberrypi is missing: add it to BBLAYERS, or build with kas/{machine}.yml.")
    if not VERSION.fullmatch(version or ""):
        found.append(
            f"AMORA_VERSION is '{version}': set three numbers with dots between, such as 1.4.0. "
            "A box compares versions as numbers and refuses to go back."
        )
    if variant not in ("release", "dev"):
        found.append(f"AMORA_VARIANT is '{variant}': set it to release or dev.")
    if boot not in ("u-boot", "tryboot"):
        found.append(f"AMORA_BOOT is '{boot}': set it to u-boot or tryboot.")
    elif is_raspberry_pi and (boot == "u-boot") != (d.getVar("RPI_USE_U_BOOT") == "1"):
        found.append(f"RPI_USE_U_BOOT contradicts AMORA_BOOT = '{boot}': leave RPI_USE_U_BOOT to the distribution.")
    if not (layout or "").startswith("amora-"):
        found.append(
            f"WKS_FILE is '{layout}': only the layouts amora-*.wks.in have two slots and /data. Remove your setting."
        )
    if hat and hat not in hats:
        found.append(f"AMORA_HAT is '{hat}': set one of {', '.join(hats)}, or nothing and let the HAT's EEPROM choose.")
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
    name = "AMORA_UPDATE_TRUST"
    found = file_given(d, name, "the certificates, in PEM, of those whose updates the box accepts")
    if not found:
        with open(d.getVar(name), encoding="utf-8", errors="replace") as trust:
            text = trust.read()
        if "-----BEGIN CERTIFICATE-----" not in text:
            found.append(f"{name} holds no certificate in PEM: a box that trusts nobody cannot be updated.")
        if "PRIVATE KEY-----" in text:
            found.append(f"{name} holds a private key and would put it on every box: leave only certificates in it.")
    return found


def of_signing(d):
    """Return what is wrong with the signer of an update."""
    return file_given(d, "AMORA_UPDATE_CERTIFICATE", "the signer's certificate in PEM") + file_given(
        d, "AMORA_UPDATE_KEY", "the signer's private key in PEM"
    )


def of_image(d):
    """Return what is wrong with an image: verified root, trusted signers, and in a release no way in."""
    found = of_trust(d)
    variant, wanted = d.getVar("AMORA_IMAGE_VARIANT"), d.getVar("AMORA_VARIANT")
    features = words(d, "IMAGE_FEATURES")
    if variant != wanted:
        found.append(
            f"This image is the {variant} one, and AMORA_VARIANT is '{wanted}': add kas/{variant}.yml, or build the "
            "other image. Their boot loaders differ in what they let a person do."
        )
    if "verity" not in words(d, "IMAGE_FSTYPES"):
        found.append(
            "IMAGE_FSTYPES lacks 'verity', without which the root is not verified: add to it, don't replace it."
        )
    if "read-only-rootfs" not in features:
        found.append("IMAGE_FEATURES lacks 'read-only-rootfs': add to it, don't replace it.")
    if variant == "release":
        found += of_release(d, features)
    return found


def of_release(d, features):
    """Return every way in that a release must not have."""
    instead = "which a release must not have: build amora-image-dev, or remove it."
    found = [
        f"IMAGE_FEATURES has '{feature}', {instead}"
        for feature in features
        if feature in words(d, "AMORA_FORBIDDEN_IMAGE_FEATURES")
    ]
    if re.search(r"(^|\s)(-p|--password)[\s=]", d.getVar("EXTRA_USERS_PARAMS") or ""):
        found.append(f"EXTRA_USERS_PARAMS sets a password, {instead}")
    if (d.getVar("AMORA_KERNEL_ARGUMENTS") or "").strip():
        found.append("AMORA_KERNEL_ARGUMENTS is set: only amora-image-dev takes kernel arguments of its own.")
    trust = os.path.abspath(d.getVar("AMORA_UPDATE_TRUST") or "")
    if os.path.basename(os.path.dirname(trust)) == "dev":
        found.append("AMORA_UPDATE_TRUST is a development authority (its folder is named dev): set the release's.")
    return found


def report(found):
    """Return the findings as one message."""
    return "AmoraOS can't be built like this:" + "".join("\n  - " + sentence for sentence in found)
