SUMMARY = "Whose updates a box accepts"
DESCRIPTION = "The certificates in AMORA_UPDATE_TRUST, of which there may be several, so that keys can be rolled."
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

S = "${UNPACKDIR}"

inherit allarch

do_configure[noexec] = "1"
do_compile[noexec] = "1"

# The file is outside the layer and has a name of its own; its content makes the package a new one.
do_install[file-checksums] += "${AMORA_UPDATE_TRUST}:True"
do_install() {
    install -d ${D}${sysconfdir}/swupdate
    install -m 0644 ${AMORA_UPDATE_TRUST} ${D}${sysconfdir}/swupdate/trust.pem
}
do_install[vardepsexclude] += "AMORA_UPDATE_TRUST"
