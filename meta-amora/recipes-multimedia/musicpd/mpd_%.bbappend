# Music goes to PipeWire, and to the card itself only in exclusive mode; what a box without a screen does not need stays out.
PACKAGECONFIG[pipewire] = "-Dpipewire=enabled,-Dpipewire=disabled,pipewire"
PACKAGECONFIG = " \
    ${@bb.utils.contains('LICENSE_FLAGS_ACCEPTED', 'commercial', 'aac ffmpeg', '', d)} \
    alsa daemon fifo flac id3tag libsamplerate mpg123 opus pipewire sndfile vorbis wavpack zlib \
"

# As in amora-base's sysusers.d: files on /data are this number's.
USERADD_PARAM:${PN} = " \
    --system --uid 702 --user-group --no-create-home --home-dir /data/mpd --shell /sbin/nologin --groups audio mpd \
"

# amora-music has its settings, and no socket that listens to the whole network.
SYSTEMD_AUTO_ENABLE:${PN} = "disable"
