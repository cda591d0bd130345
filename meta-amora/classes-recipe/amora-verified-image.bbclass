# The verified root, and what tells the boot loader about it.
#
# image_types_verity makes the hash tree and appends it to the squashfs; here its root hash goes where the board's boot
# loader looks for it: U-Boot's environment, or the command line in the Pi 5's boot partitions.

inherit image_types_verity

VERITY_IMAGE_FSTYPE = "squashfs-zst"
# One salt for a version of an image on a board: builds are repeatable, and no two share hashes.
VERITY_SALT = "${@__import__('hashlib').sha256(d.expand('${IMAGE_BASENAME} ${MACHINE} ${AMORA_VERSION}').encode()).hexdigest()}"

AMORA_ROOT_IMAGE = "${IMAGE_LINK_NAME}.${VERITY_IMAGE_FSTYPE}${VERITY_IMAGE_SUFFIX}"

def amora_verity(d):
    """Return what image_types_verity found out, as a dictionary."""
    path = d.expand("${IMGDEPLOYDIR}/${IMAGE_LINK_NAME}.${VERITY_IMAGE_FSTYPE}.verity-params")
    with open(path) as parameters:
        return dict(line.split("=", 1) for line in parameters.read().split())

def amora_verity_table(d, slot):
    """Return the argument from which the kernel makes the verified root of a slot."""
    verity = amora_verity(d)
    device = "PARTLABEL=root" + slot.upper()
    return (
        f"amora-root,,,ro,0 {verity['VERITY_DATA_SECTORS']} verity 1 {device} {device} 4096 4096 "
        f"{verity['VERITY_DATA_BLOCKS']} {verity['VERITY_DATA_BLOCKS']} sha256 {verity['VERITY_ROOT_HASH']} {verity['VERITY_SALT']}"
    )

do_amora_boot_state[depends] += "u-boot-tools-native:do_populate_sysroot"
do_amora_boot_state[vardeps] += "AMORA_KERNEL_ARGUMENTS AMORA_ENVIRONMENT_SIZE"
python do_amora_boot_state () {
    import subprocess

    verity = amora_verity(d)
    variables = {
        "amora_slot": "a",
        "upgrade_available": "0",
        "bootcount": "0",
        "bootlimit": "3",
        "ustate": "0",
        "altbootcmd": "run bootcmd",
        "verity_a_sectors": verity["VERITY_DATA_SECTORS"],
        "verity_a_blocks": verity["VERITY_DATA_BLOCKS"],
        "verity_a_hash": verity["VERITY_ROOT_HASH"],
        "verity_a_salt": verity["VERITY_SALT"],
    }
    arguments = (d.getVar("AMORA_KERNEL_ARGUMENTS") or "").strip()
    if arguments:
        variables["amora_args"] = arguments

    text = d.expand("${WORKDIR}/u-boot-environment.txt")
    with open(text, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in sorted(variables.items()))
    name = d.expand("${IMAGE_NAME}.u-boot-environment")
    path = d.expand("${IMGDEPLOYDIR}/") + name
    subprocess.run(["uboot-mkenvimage", "-r", "-s", d.getVar("AMORA_ENVIRONMENT_SIZE"), "-o", path, text], check=True)
    link = d.expand("${IMGDEPLOYDIR}/${IMAGE_LINK_NAME}.u-boot-environment")
    if os.path.lexists(link):
        os.remove(link)
    if link != path:
        os.symlink(name, link)
}

python () {
    task = "do_amora_boot_state" if d.getVar("AMORA_BOOT") == "u-boot" else "do_amora_boot_partitions"
    bb.build.addtask(task, "do_image_wic do_image_complete", "do_image_verity", d)
}
