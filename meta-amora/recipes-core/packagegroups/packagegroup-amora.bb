SUMMARY = "What makes a Linux system an AmoraOS box"

inherit packagegroup

PACKAGES = "${PN} ${PN}-dev"
PACKAGE_ARCH = "${MACHINE_ARCH}"

RDEPENDS:${PN} = " \
    amora-config \
    amora-service \
    alsa-utils-amixer \
    alsa-utils-alsactl \
    ca-certificates \
    e2fsprogs-e2fsck \
    e2fsprogs-mke2fs \
    e2fsprogs-resize2fs \
    mpd \
    pipewire \
    swupdate \
    systemd-analyze \
    tzdata-core \
    wireplumber \
"
# U-Boot's environment from user space.
RDEPENDS:${PN}:append = "${@' libubootenv-bin' if d.getVar('AMORA_BOOT') == 'u-boot' else ''}"

SUMMARY:${PN}-dev = "Tools to look inside a box"
RDEPENDS:${PN}-dev = " \
    alsa-utils \
    cryptsetup \
    gdbserver \
    iperf3 \
    libgpiod-tools \
    mpc \
    openssh-sftp-server \
    strace \
    tcpdump \
    v4l-utils \
"
