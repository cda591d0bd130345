SUMMARY = "Ways into a developer's box"
DESCRIPTION = "SSH with the box's own key, and a root shell at the console. Never part of a release."
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

SRC_URI = " \
    file://40-amora-development.preset \
    file://amora-host-keys.service \
    file://console-getty.conf \
    file://development.tmpfiles \
    file://sshd.conf \
"
S = "${UNPACKDIR}"

inherit systemd

SYSTEMD_SERVICE:${PN} = "amora-host-keys.service"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -d ${D}${systemd_system_unitdir}/console-getty.service.d ${D}${nonarch_libdir}/systemd/system-preset
    install -d ${D}${nonarch_libdir}/tmpfiles.d ${D}${sysconfdir}/ssh/sshd_config.d
    install -m 0644 ${S}/40-amora-development.preset ${D}${nonarch_libdir}/systemd/system-preset/
    install -m 0644 ${S}/amora-host-keys.service ${D}${systemd_system_unitdir}/
    install -m 0644 ${S}/console-getty.conf ${D}${systemd_system_unitdir}/console-getty.service.d/amora.conf
    install -m 0644 ${S}/development.tmpfiles ${D}${nonarch_libdir}/tmpfiles.d/amora-development.conf
    install -m 0644 ${S}/sshd.conf ${D}${sysconfdir}/ssh/sshd_config.d/50-amora.conf
}

FILES:${PN} += " \
    ${nonarch_libdir}/systemd \
    ${nonarch_libdir}/tmpfiles.d \
"

RDEPENDS:${PN} += "openssh-sshd"
