SUMMARY = "What makes a Linux system an AmoraOS box"
DESCRIPTION = "The packages of every image, and those for looking inside a box of a developer's."
LICENSE = "MIT"

PACKAGE_ARCH = "${MACHINE_ARCH}"

inherit packagegroup

PACKAGES = "${PN} ${PN}-developer"

RDEPENDS:${PN} = " \
    alsa-utils-alsactl \
    alsa-utils-amixer \
    amora-base \
    amora-config \
    amora-music \
    amora-service \
    amora-trust \
    amora-units \
    amora-update \
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
    ${@'libubootenv-bin' if d.getVar('AMORA_BOOT') == 'u-boot' else ''} \
"

RDEPENDS:${PN}-developer = " \
    alsa-utils \
    amora-development \
    amora-development \
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
