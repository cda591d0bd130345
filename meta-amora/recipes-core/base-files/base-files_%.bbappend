# amora-init mounts what a box has; the usual table would put another volatile folder over it.
FILESEXTRAPATHS:prepend:amora := "${THISDIR}/files:"
