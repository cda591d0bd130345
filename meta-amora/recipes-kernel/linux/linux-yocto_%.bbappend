require amora-kernel.inc

SRC_URI:append:amora:qemuarm64 = " file://qemu.cfg"
