SUMMARY = "Music's way through a box: MPD and PipeWire, set up for the service's mixer"
DESCRIPTION = "MPD plays into PipeWire's only sink, which writes into the service's FIFO. The sound card is the service's alone."
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

SRC_URI = " \
    file://amora-mpd-announce.service \
    file://amora-pipewire.service \
    file://amora-pipewire.socket \
    file://amora-wireplumber.service \
    file://mpd-amora.conf \
    file://mpd-exclusive \
    file://mpd.conf \
    file://mpd.dnssd \
    file://pipewire.conf \
    file://wireplumber.conf \
"
S = "${UNPACKDIR}"

inherit systemd

SYSTEMD_SERVICE:${PN} = " \
    amora-mpd-announce.service \
    amora-pipewire.service \
    amora-pipewire.socket \
    amora-wireplumber.service \
"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -d ${D}${systemd_system_unitdir}/mpd.service.d ${D}${sysconfdir}/amora ${D}${datadir}/amora ${D}${nonarch_libdir}/amora
    install -m 0644 ${S}/amora-mpd-announce.service ${S}/amora-pipewire.service ${S}/amora-pipewire.socket \
        ${S}/amora-wireplumber.service ${D}${systemd_system_unitdir}/
    install -m 0644 ${S}/mpd-amora.conf ${D}${systemd_system_unitdir}/mpd.service.d/amora.conf
    install -m 0755 ${S}/mpd-exclusive ${D}${nonarch_libdir}/amora/mpd-exclusive
    install -m 0644 ${S}/mpd.conf ${D}${sysconfdir}/amora/mpd.conf
    install -m 0644 ${S}/mpd.dnssd ${S}/pipewire.conf ${D}${datadir}/amora/
    install -d ${D}${datadir}/wireplumber/wireplumber.conf.d
    install -m 0644 ${S}/wireplumber.conf ${D}${datadir}/wireplumber/wireplumber.conf.d/50-amora.conf

    # MPD listens where its settings say; its package's socket would listen to the whole network.
    install -d ${D}${sysconfdir}/systemd/system
    ln -s /dev/null ${D}${sysconfdir}/systemd/system/mpd.socket
}

FILES:${PN} += " \
    ${datadir}/amora \
    ${datadir}/wireplumber \
    ${nonarch_libdir}/amora \
    ${systemd_system_unitdir} \
"

RDEPENDS:${PN} += " \
    mpd \
    pipewire \
    pipewire-modules-access \
    pipewire-modules-adapter \
    pipewire-modules-client-device \
    pipewire-modules-client-node \
    pipewire-modules-link-factory \
    pipewire-modules-metadata \
    pipewire-modules-pipe-tunnel \
    pipewire-modules-profiler \
    pipewire-modules-protocol-native \
    pipewire-modules-rt \
    pipewire-modules-session-manager \
    pipewire-modules-spa-node-factory \
    pipewire-spa-plugins-audioconvert \
    pipewire-spa-plugins-support \
    wireplumber \
"
