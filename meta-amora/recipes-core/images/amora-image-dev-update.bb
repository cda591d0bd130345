SUMMARY = "AmoraOS for its developers, as an update"

require amora-image-update.inc

AMORA_UPDATE_IMAGE = "amora-image-dev"
