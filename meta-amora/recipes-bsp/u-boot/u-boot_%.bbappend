# Counting of tries, the redundant environment and what may be kept in it. The same fragments build the reference image's U-Boot.
FILESEXTRAPATHS:prepend:amora := "${THISDIR}/files:"

AMORA_U_BOOT_BOARD = ""
AMORA_U_BOOT_BOARD:rpi = "file://environment-mmc.cfg file://watchdog.cfg"
AMORA_U_BOOT_BOARD:qemuarm64 = "file://environment-fat.cfg"

SRC_URI:append:amora = " \
    file://amora-environment.h \
    file://amora.cfg \
    file://${AMORA_VARIANT}.cfg \
    ${AMORA_U_BOOT_BOARD} \
"

AMORA_U_BOOT_DEFINES = " \
    -include ${UNPACKDIR}/amora-environment.h \
    ${@'-DAMORA_DEV' if d.getVar('AMORA_VARIANT') == 'dev' else ''} \
"
# The disk is found before the environment is read.
AMORA_U_BOOT_DEFINES:append:qemuarm64 = " -DAMORA_VIRTIO -DCONFIG_SYS_EARLY_PCI_INIT"
EXTRA_OEMAKE:append:amora = ' KCPPFLAGS="${AMORA_U_BOOT_DEFINES}"'

# amora-base says where the environment is; the board layer's file names one in FAT.
SRC_URI:remove:amora:rpi = "file://fw_env.config"
do_install:append:amora() {
    rm -f ${D}${sysconfdir}/fw_env.config
}
