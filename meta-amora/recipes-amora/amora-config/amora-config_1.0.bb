SUMMARY = "What kind of box this is"
DESCRIPTION = "The settings of one of the recipes in the repository's folder recipes: AMORA_RECIPE names it."
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

AMORA_RECIPE ?= "music-box"
FILESEXTRAPATHS:prepend := "${THISDIR}/../../../recipes/${AMORA_RECIPE}:"

SRC_URI = "file://amora.toml"
S = "${UNPACKDIR}"

inherit allarch

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -d ${D}${sysconfdir}/amora
    install -m 0644 ${S}/amora.toml ${D}${sysconfdir}/amora/amora.toml
}
