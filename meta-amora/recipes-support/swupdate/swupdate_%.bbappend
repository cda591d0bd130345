FILESEXTRAPATHS:prepend := "${THISDIR}/files:"

SRC_URI += "file://amora.cfg"
SRC_URI:append:raspberrypi5 = " file://tryboot.cfg"

# amora-update has the units and the settings: nothing starts by itself at a USB stick, and nothing restarts the box.
SYSTEMD_PACKAGES = ""
do_install:append() {
    rm -rf ${D}${systemd_system_unitdir} ${D}${sysconfdir}/udev ${D}${sysconfdir}/init.d ${D}${libdir}/swupdate ${D}${wwwdir}
}
