FILESEXTRAPATHS:prepend:amora := "${THISDIR}/files:"

SRC_URI:append:amora = " file://amora.cfg"
SRC_URI:append:amora:raspberrypi5 = " file://tryboot.cfg"

# amora-update has the units and the settings: nothing starts by itself at a USB stick, and nothing restarts the box.
SYSTEMD_PACKAGES:amora = ""
do_install:append:amora() {
    rm -rf ${D}${systemd_system_unitdir} ${D}${sysconfdir}/udev ${D}${sysconfdir}/init.d ${D}${libdir}/swupdate ${D}${wwwdir}
    rm -rf ${D}${nonarch_libdir}/tmpfiles.d
}
