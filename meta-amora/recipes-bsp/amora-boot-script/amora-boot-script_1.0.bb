SUMMARY = "The script that picks the slot and starts its kernel"
DESCRIPTION = "Run by U-Boot at every boot: counts the tries of a slot on trial, goes back when they are used up, and hands the kernel its verified root."
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

PROVIDES = "u-boot-default-script"
INHIBIT_DEFAULT_DEPS = "1"
DEPENDS = "u-boot-tools-native"

SRC_URI = "file://boot.cmd"
S = "${UNPACKDIR}"
B = "${WORKDIR}/build"

inherit kernel-arch deploy nopackages

COMPATIBLE_MACHINE = "^(rpi|qemuarm64)$"
PACKAGE_ARCH = "${MACHINE_ARCH}"

do_compile[cleandirs] = "${B}"
do_compile() {
    uboot-mkimage -A ${UBOOT_ARCH} -T script -C none -n "AmoraOS" -d ${S}/boot.cmd ${B}/boot.scr
}

do_deploy() {
    install -m 0644 ${B}/boot.scr ${DEPLOYDIR}/boot.scr
}
addtask deploy after do_compile before do_build
