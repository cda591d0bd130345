# The boot partitions of a board whose firmware picks the slot (Pi 5): one for each slot, with the kernel, the firmware's files and a
# command line that names the slot's verified root; and the tiny one with autoboot.txt, which says which of them counts.
#
# A slot on trial is started once by "reboot '0 tryboot'"; in that boot the firmware reads the [tryboot] sections, so the command
# line says so. Keeping the slot means to write autoboot.txt anew; doing nothing means to go back.

AMORA_BOOT_PARTITION_FILES = "${IMAGE_BOOT_FILES}"

AMORA_TRYBOOT_ARGUMENTS = "root=/dev/dm-0 rootfstype=squashfs ro rootwait gpt panic=5 init=${sbindir}/amora-init"
AMORA_TRYBOOT_CONSOLE ?= "${@oe.utils.conditional('ENABLE_UART', '1', 'console=serial0,115200', '', d)}"

do_amora_boot_partitions[depends] += " \
    dosfstools-native:do_populate_sysroot \
    mtools-native:do_populate_sysroot \
    zstd-native:do_populate_sysroot \
    virtual/kernel:do_deploy \
    rpi-bootfiles:do_deploy \
"
do_amora_boot_partitions[dirs] = "${WORKDIR}/boot-partitions"
do_amora_boot_partitions[cleandirs] = "${WORKDIR}/boot-partitions"
do_amora_boot_partitions[vardeps] += "AMORA_BOOT_PARTITION_FILES AMORA_KERNEL_ARGUMENTS AMORA_BOOT_SIZE"
python do_amora_boot_partitions () {
    import glob
    import subprocess

    deploy = d.getVar("DEPLOY_DIR_IMAGE")
    images = d.getVar("IMGDEPLOYDIR")
    work = d.expand("${WORKDIR}/boot-partitions")

    def make(name, label, size, files):
        """Make a FAT file system of SIZE MiB with FILES, pairs of where from and where to."""
        path = os.path.join(images, d.expand("${IMAGE_NAME}.") + name)
        if os.path.exists(path):
            os.remove(path)
        # Times and serial number are fixed, so that the same input makes the same file.
        environment = dict(os.environ, SOURCE_DATE_EPOCH=d.getVar("SOURCE_DATE_EPOCH") or "0", MTOOLS_SKIP_CHECK="1")
        subprocess.run(["mkfs.vfat", "--invariant", "-n", label, "-C", path, str(size * 1024)], check=True, stdout=subprocess.DEVNULL)
        made = set()
        for source, target in files:
            folder = os.path.dirname(target)
            if folder and folder not in made:
                subprocess.run(["mmd", "-i", path, "::" + folder], check=True, env=environment)
                made.add(folder)
            subprocess.run(["mcopy", "-i", path, source, "::" + target], check=True, env=environment)
        link = os.path.join(images, d.expand("${IMAGE_LINK_NAME}.") + name)
        if link != path:
            if os.path.lexists(link):
                os.remove(link)
            os.symlink(os.path.basename(path), link)

    shared = []
    for entry in d.getVar("AMORA_BOOT_PARTITION_FILES").split():
        source, _, target = entry.partition(";")
        found = sorted(glob.glob(os.path.join(deploy, source)))
        if not found:
            bb.fatal(f"{source} for the boot partition is not in {deploy}: which recipe deploys it?")
        for path in found:
            name = target if target and "*" not in source else os.path.basename(path)
            if name != "cmdline.txt" and not name.endswith(".stamp"):
                shared.append((path, name))

    arguments = " ".join(d.expand("${AMORA_TRYBOOT_CONSOLE} ${AMORA_TRYBOOT_ARGUMENTS} ${AMORA_KERNEL_ARGUMENTS}").split())
    for slot in ("a", "b"):
        device = "PARTLABEL=root" + slot.upper()
        line = f'dm-mod.create="{amora_verity_table(d, slot)}" dm-mod.waitfor={device} {arguments} amora.slot={slot}'
        files = []
        for name, trial in (("cmdline.txt", 0), ("trial.txt", 1)):
            path = os.path.join(work, f"{slot}-{name}")
            with open(path, "w") as file:
                file.write(f"{line} amora.trial={trial} amora.tries={trial}\n")
            files.append((path, name))
        name = "boot" + slot.upper()
        make(name, name.upper(), int(d.getVar("AMORA_BOOT_SIZE")), shared + files)
        # For the update: most of it is empty.
        link = os.path.join(images, d.expand("${IMAGE_LINK_NAME}.") + name)
        subprocess.run(["zstd", "--quiet", "--force", "-19", "-T0", os.path.realpath(link), "-o", link + ".zst"], check=True)

    path = os.path.join(work, "autoboot.txt")
    with open(path, "w") as file:
        file.write("[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n")
    make("autoboot", "AUTOBOOT", 16, [(path, "autoboot.txt")])
}
