SUMMARY = "AmoraOS for its developers, as an update"
DESCRIPTION = "The image as an update, signed: what SWUpdate writes to the slot that is not running."

require amora-image-update.inc

AMORA_UPDATE_IMAGE = "amora-image-dev"
