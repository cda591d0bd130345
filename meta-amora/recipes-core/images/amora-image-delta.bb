SUMMARY = "AmoraOS as an update of only what is new"
DESCRIPTION = "A signed list of the root's chunks, and the file with the chunks, from which boxes fetch those that they do not have."

require amora-image-update.inc

AMORA_UPDATE_IMAGE = "amora-image"
FILESEXTRAPATHS:prepend := "${THISDIR}/files/delta:"
DEPENDS += "zchunk-native"

# A Pi 5's kernel is in its boot partition, and goes whole.
COMPATIBLE_MACHINE = "^(raspberrypi3-64|raspberrypi4-64|qemuarm64)$"

# Where the file with the chunks will be, next to others of its kind: https://updates.example.org/amora
AMORA_DELTA_SERVER ?= ""
AMORA_ZCK = "${AMORA_IMAGE_NAME}-${AMORA_VERSION}.zck"
AMORA_DELTA_URL = "${AMORA_DELTA_SERVER}/${AMORA_ZCK}"
# Where the whole update of the same version and board is: boxes that cannot get the chunks take it by themselves.
# https://updates.example.org/amora/amora-image-update-raspberrypi4-64-1.1.0.swu
AMORA_FULL_URL ?= ""
AMORA_CHUNKS = "${AMORA_IMAGE_NAME}.chunks"
SWUPDATE_IMAGES = "${WORKDIR}/chunks/${AMORA_CHUNKS}"

python amora_make_chunks () {
    import re
    import subprocess

    root = d.expand("${DEPLOY_DIR_IMAGE}/${AMORA_ROOT}")
    chunked = d.expand("${WORKDIR}/chunks/${AMORA_ZCK}")
    subprocess.run(["zck", "--output", chunked, "-u", "--chunk-hash-type", "sha256", root], check=True)
    told = subprocess.run(["zck_read_header", "-v", chunked], check=True, capture_output=True, text=True).stdout
    size = int(re.search(r"Header size:\s*(\d+)", told)[1])
    with open(chunked, "rb") as source, open(d.expand("${WORKDIR}/chunks/${AMORA_CHUNKS}"), "wb") as target:
        target.write(source.read(size))
}
amora_make_chunks[cleandirs] = "${WORKDIR}/chunks"
do_swuimage[prefuncs] += "amora_make_chunks"

amora_deploy_chunks() {
    install -m 0644 ${WORKDIR}/chunks/${AMORA_ZCK} ${SWUDEPLOYDIR}/
}
do_swuimage[postfuncs] += "amora_deploy_chunks"
do_swuimage[vardeps] += "AMORA_DELTA_URL AMORA_FULL_URL"

python () {
    if not (d.getVar("AMORA_DELTA_SERVER") or "").startswith(("https://", "http://")):
        raise bb.parse.SkipRecipe("AMORA_DELTA_SERVER is not set: set it to the URL of the folder that boxes will fetch chunks from.")
    if not (d.getVar("AMORA_FULL_URL") or "").startswith(("https://", "http://")):
        raise bb.parse.SkipRecipe("AMORA_FULL_URL is not set: set it to the URL of the whole update, for boxes that cannot get the chunks.")
}
