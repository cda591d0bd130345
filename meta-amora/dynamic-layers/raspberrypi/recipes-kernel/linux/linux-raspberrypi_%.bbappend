require recipes-kernel/linux/amora-kernel.inc

FILESEXTRAPATHS:prepend:amora := "${THISDIR}/../../../../recipes-kernel/linux/files:"

SRC_URI:append:amora = " file://raspberrypi.cfg"
