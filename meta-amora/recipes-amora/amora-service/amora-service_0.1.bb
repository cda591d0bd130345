SUMMARY = "The box's sound and every door to it"
DESCRIPTION = "amora-service, amoractl and amora-helper, built from the repository that this layer is in."
LICENSE = "MIT | Apache-2.0"
LIC_FILES_CHKSUM = " \
    file://LICENSE;md5=af4d51b8b8f9aefe639d91ab86ce2e3d \
    file://LICENSE-APACHE;md5=22a53954e4e0ec258dfce4391e905dac \
    file://LICENSE-MIT;md5=1c9b4236feb2c7aec89eb4d657123f3f \
"

DEPENDS = "alsa-lib cmake-native speexdsp"

require amora-service-crates.inc

inherit cargo cargo-update-recipe-crates externalsrc pkgconfig

# The service and this layer are one repository and one version.
AMORA_SOURCE ?= "${@os.path.normpath(os.path.join(d.getVar('THISDIR'), '../../..'))}"
EXTERNALSRC = "${AMORA_SOURCE}"
EXTERNALSRC_SYMLINKS = ""

CARGO_SRC_DIR = "amora-service"
CARGO_LOCK_SRC_DIR = "${S}/amora-service"
CARGO_BUILD_FLAGS += "--package amora-service --package amora-ctl --package amora-helper"

RDEPENDS:${PN} += "amora-config amora-units"
