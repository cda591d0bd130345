# What of SWUpdate a box has; amora-update has its units and settings.
FILESEXTRAPATHS:prepend:amora := "${THISDIR}/files:"

SRC_URI:append:amora = " file://amora.cfg"

SYSTEMD_SERVICE:${PN}:amora = ""
SYSTEMD_SERVICE:${PN}-progress:amora = ""
SYSTEMD_SERVICE:${PN}-usb:amora = ""

do_install:append:amora() {
    rm -rf ${D}${wwwdir} ${D}${sysconfdir}/init.d ${D}${sysconfdir}/udev ${D}${libdir}/swupdate ${D}${nonarch_libdir}/tmpfiles.d
    rm -f ${D}${systemd_system_unitdir}/swupdate*
}
