SUMMARY = "What makes a Linux system an AmoraOS box"
DESCRIPTION = "PID 1 until systemd, the writable paths and their folders, users, networks, clock, log, watchdog, and what starts."
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

SRC_URI = " \
    file://20-ethernet.network \
    file://25-wireless.network \
    file://50-amora.preset \
    file://70-amora.rules \
    file://amora-card.service \
    file://amora-console.service \
    file://amora-grow-data.service \
    file://amora-init \
    file://amora-ready.service \
    file://amora-trial.service \
    file://amora-wireless.service \
    file://amora.dnssd \
    file://amora.sysctl \
    file://amora.sysusers \
    file://amora.tmpfiles \
    file://boot.mount \
    file://console \
    file://emergency.conf \
    file://grow-data \
    file://grow-table \
    file://journald.conf \
    file://kernel-argument \
    file://ready \
    file://resolved.conf \
    file://system.conf \
    file://take-from-card \
    file://timesyncd.conf \
    file://trial \
    file://writable-paths \
"
S = "${UNPACKDIR}"

inherit systemd useradd

# The first partition differs from board to board.
PACKAGE_ARCH = "${MACHINE_ARCH}"

SYSTEMD_SERVICE:${PN} = " \
    amora-card.service \
    amora-console.service \
    amora-grow-data.service \
    amora-ready.service \
    amora-trial.service \
    ${AMORA_BOOT_MOUNT}.mount \
"
# What holds the firmware and the boot script or, on a Pi 5, the name of the slot to start: /boot or /autoboot.
AMORA_BOOT_MOUNT = "boot"
AMORA_BOOT_MOUNT:raspberrypi5 = "autoboot"

# As in amora.sysusers; MPD's and PipeWire's users come with their packages.
USERADD_PACKAGES = "${PN}"
GROUPADD_PARAM:${PN} = "--system --gid 700 gpio"
USERADD_PARAM:${PN} = " \
    --system --uid 701 --user-group --no-create-home --home-dir /data/amora --shell /sbin/nologin --comment Amora \
    --groups audio,gpio,video amora \
"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -d ${D}${sbindir} ${D}${nonarch_libdir}/amora ${D}${systemd_system_unitdir}
    install -m 0755 ${S}/amora-init ${D}${sbindir}/amora-init
    install -m 0644 ${S}/writable-paths ${D}${nonarch_libdir}/amora/writable-paths
    install -m 0755 ${S}/console ${S}/grow-data ${S}/grow-table ${S}/kernel-argument ${S}/ready ${S}/take-from-card ${S}/trial ${D}${nonarch_libdir}/amora/
    install -m 0644 ${S}/amora-card.service ${S}/amora-console.service ${S}/amora-grow-data.service ${S}/amora-ready.service ${S}/amora-trial.service \
        ${S}/amora-wireless.service ${D}${systemd_system_unitdir}/

    # Written on a box only where the choice of the slot is kept on it.
    case ${MACHINE} in
        qemuarm64|amora-qemu|raspberrypi5) options=rw,sync ;;
        *) options=ro ;;
    esac
    install -d ${D}/${AMORA_BOOT_MOUNT}
    install -m 0644 ${S}/boot.mount ${D}${systemd_system_unitdir}/${AMORA_BOOT_MOUNT}.mount
    sed -i -e "s/@NAME@/${AMORA_BOOT_MOUNT}/" -e "s/@OPTIONS@/$options/" ${D}${systemd_system_unitdir}/${AMORA_BOOT_MOUNT}.mount

    for unit in emergency rescue; do
        install -d ${D}${systemd_system_unitdir}/$unit.service.d
        install -m 0644 ${S}/emergency.conf ${D}${systemd_system_unitdir}/$unit.service.d/amora.conf
    done
    for part in system journald resolved timesyncd; do
        install -d ${D}${nonarch_libdir}/systemd/$part.conf.d
        install -m 0644 ${S}/$part.conf ${D}${nonarch_libdir}/systemd/$part.conf.d/50-amora.conf
    done
    install -d ${D}${nonarch_libdir}/systemd/system-preset ${D}${nonarch_libdir}/systemd/network ${D}${nonarch_libdir}/systemd/dnssd
    install -m 0644 ${S}/50-amora.preset ${D}${nonarch_libdir}/systemd/system-preset/50-amora.preset
    install -m 0644 ${S}/20-ethernet.network ${S}/25-wireless.network ${D}${nonarch_libdir}/systemd/network/
    install -m 0644 ${S}/amora.dnssd ${D}${nonarch_libdir}/systemd/dnssd/amora.dnssd
    install -d ${D}${nonarch_libdir}/sysctl.d ${D}${nonarch_libdir}/sysusers.d ${D}${nonarch_libdir}/tmpfiles.d ${D}${nonarch_libdir}/udev/rules.d
    install -m 0644 ${S}/amora.sysctl ${D}${nonarch_libdir}/sysctl.d/80-amora.conf
    install -m 0644 ${S}/amora.sysusers ${D}${nonarch_libdir}/sysusers.d/amora.conf
    install -m 0644 ${S}/amora.tmpfiles ${D}${nonarch_libdir}/tmpfiles.d/amora.conf
    install -m 0644 ${S}/70-amora.rules ${D}${nonarch_libdir}/udev/rules.d/70-amora.rules

    # Units that are never wanted, whoever asks for them: nothing waits for the network, and root has no password to ask for.
    install -d ${D}${sysconfdir}/systemd/system ${D}${sysconfdir}/systemd/system-generators
    for unit in systemd-networkd-wait-online.service systemd-time-wait-sync.service systemd-firstboot.service \
        systemd-homed-firstboot.service systemd-update-done.service ldconfig.service systemd-hwdb-update.service \
        systemd-journal-catalog-update.service systemd-machine-id-commit.service systemd-sysusers.service \
        alsa-restore.service alsa-state.service; do
        ln -s /dev/null ${D}${sysconfdir}/systemd/system/$unit
    done
    # Sound cards are set up by the service alone; there are no homes, and /etc is as it was built.
    install -d ${D}${sysconfdir}/udev/rules.d ${D}${sysconfdir}/tmpfiles.d
    ln -s /dev/null ${D}${sysconfdir}/udev/rules.d/90-alsa-restore.rules
    for name in credstore etc home; do
        ln -s /dev/null ${D}${sysconfdir}/tmpfiles.d/$name.conf
    done
    for generator in systemd-getty-generator systemd-gpt-auto-generator systemd-ssh-generator; do
        ln -s /dev/null ${D}${sysconfdir}/systemd/system-generators/$generator
    done
}

FILES:${PN} += " \
    /${AMORA_BOOT_MOUNT} \
    ${nonarch_libdir}/amora \
    ${nonarch_libdir}/systemd \
    ${nonarch_libdir}/sysctl.d \
    ${nonarch_libdir}/sysusers.d \
    ${nonarch_libdir}/tmpfiles.d \
    ${nonarch_libdir}/udev \
"

RDEPENDS:${PN} += " \
    e2fsprogs-e2fsck \
    e2fsprogs-resize2fs \
    util-linux-findmnt \
    util-linux-mount \
    util-linux-partx \
    util-linux-sfdisk \
"
RRECOMMENDS:${PN} += "wireless-regdb-static wpa-supplicant"
