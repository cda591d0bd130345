SUMMARY = "Units of the service and of what it may ask root for"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

SRC_URI = " \
    file://amora-helper-power.socket \
    file://amora-helper-power@.service \
    file://amora-helper-reset.socket \
    file://amora-helper-reset@.service \
    file://amora-helper-slot.socket \
    file://amora-helper-slot@.service \
    file://amora-service.service \
"
S = "${UNPACKDIR}"

inherit allarch systemd

SYSTEMD_SERVICE:${PN} = " \
    amora-helper-power.socket \
    amora-helper-reset.socket \
    amora-helper-slot.socket \
    amora-service.service \
"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -d ${D}${systemd_system_unitdir}
    for role in power reset slot; do
        install -m 0644 ${S}/amora-helper-$role.socket ${S}/amora-helper-$role@.service ${D}${systemd_system_unitdir}/
    done
    install -m 0644 ${S}/amora-service.service ${D}${systemd_system_unitdir}/
}

FILES:${PN} += "${systemd_system_unitdir}"
