SUMMARY = "AmoraOS as an update"

require amora-image-update.inc

AMORA_UPDATE_IMAGE = "amora-image"
