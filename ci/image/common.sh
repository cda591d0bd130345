# Where things are, for the scripts of this folder. Sourced.
# shellcheck shell=bash disable=SC2034  # used by whoever sources this

set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$checkout/build/image
workshop=$build/workshop
mirror=${AMORA_MIRROR:-http://deb.debian.org/debian}
release=trixie

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# A list of packages, one a line with comments, as mmdebstrap wants it.
packages() { # FILE
    sed 's/#.*//' "$1" | xargs | tr ' ' ','
}
