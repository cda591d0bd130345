SUMMARY = "AmoraOS for its developers, as an update"

require amora-update.inc

AMORA_UPDATE_IMAGE = "amora-image-dev"
