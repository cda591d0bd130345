SUMMARY = "AmoraOS for its developers"
DESCRIPTION = "The same image with SSH for root, a console, and tools to look inside. Never ship it."

require amora-image.inc

AMORA_IMAGE_VARIANT = "dev"
IMAGE_FEATURES += "allow-root-login empty-root-password allow-empty-password ssh-server-openssh"
IMAGE_INSTALL += "packagegroup-amora-developer ${AMORA_KERNEL_MODULES_DEV}"
