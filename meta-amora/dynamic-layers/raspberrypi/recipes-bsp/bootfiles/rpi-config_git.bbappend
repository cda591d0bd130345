# A config.txt of our own, short enough to read, instead of one edited by forty variables.
FILESEXTRAPATHS:prepend:amora := "${THISDIR}/files:"

SRC_URI:amora = "file://config.txt file://hat.txt file://tryboot.txt"
S:amora = "${UNPACKDIR}"

do_deploy:amora() {
    CONFIG=${DEPLOYDIR}/${BOOTFILES_DIR_NAME}/config.txt
    install -m 0644 ${S}/config.txt $CONFIG
    if [ "${AMORA_BOOT}" = tryboot ]; then
        cat ${S}/tryboot.txt >> $CONFIG
    fi
    install -m 0644 ${S}/hat.txt ${DEPLOYDIR}/${BOOTFILES_DIR_NAME}/hat.txt
    if [ -n "${AMORA_HAT}" ]; then
        echo "dtoverlay=${AMORA_HAT}" >> ${DEPLOYDIR}/${BOOTFILES_DIR_NAME}/hat.txt
    fi
}
