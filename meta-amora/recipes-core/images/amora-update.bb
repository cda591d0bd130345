SUMMARY = "AmoraOS as an update"

require amora-update.inc

AMORA_UPDATE_IMAGE = "amora-image"
