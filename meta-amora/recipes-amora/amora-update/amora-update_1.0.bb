SUMMARY = "How a box is updated: SWUpdate's settings and units"
DESCRIPTION = "SWUpdate runs on request, takes updates from the service or from hawkBit, and writes them to the slot that is not running."
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

SRC_URI = " \
    file://amora-hawkbit.path \
    file://environment-file.config \
    file://environment-raw.config \
    file://swupdate-start \
    file://swupdate.cfg \
    file://swupdate.service \
    file://swupdate.socket \
"
S = "${UNPACKDIR}"

inherit systemd

# Where the boot loader keeps its environment differs from board to board.
PACKAGE_ARCH = "${MACHINE_ARCH}"

SYSTEMD_SERVICE:${PN} = "amora-hawkbit.path swupdate.service swupdate.socket"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -d ${D}${nonarch_libdir}/amora ${D}${systemd_system_unitdir} ${D}${sysconfdir}/swupdate
    install -m 0755 ${S}/swupdate-start ${D}${nonarch_libdir}/amora/swupdate-start
    install -m 0644 ${S}/amora-hawkbit.path ${S}/swupdate.service ${S}/swupdate.socket ${D}${systemd_system_unitdir}/
    install -m 0644 ${S}/swupdate.cfg ${D}${sysconfdir}/swupdate.cfg
    case ${MACHINE} in
        raspberrypi5) bootloader=none environment= ;;
        qemuarm64|amora-qemu) bootloader=uboot environment=file ;;
        *) bootloader=uboot environment=raw ;;
    esac
    sed -i -e "s/@BOOTLOADER@/$bootloader/" ${D}${sysconfdir}/swupdate.cfg
    if [ -n "$environment" ]; then
        install -m 0644 ${S}/environment-$environment.config ${D}${sysconfdir}/fw_env.config
    fi

    # It would restart the box by itself: the service does, when nobody is disturbed.
    install -d ${D}${sysconfdir}/systemd/system
    ln -s /dev/null ${D}${sysconfdir}/systemd/system/swupdate-progress.service
    ln -s /dev/null ${D}${sysconfdir}/systemd/system/swupdate-usb@.service
}

FILES:${PN} += "${nonarch_libdir}/amora"
CONFFILES:${PN} = ""

RDEPENDS:${PN} += "amora-base amora-trust swupdate"
