SUMMARY = "AmoraOS"
DESCRIPTION = "What a box runs: read-only, verified, updated as a whole, and without any login."

require amora-image.inc

AMORA_IMAGE_VARIANT = "release"
