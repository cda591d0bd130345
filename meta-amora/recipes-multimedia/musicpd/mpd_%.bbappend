# Music goes to PipeWire, and to the card itself only in exclusive mode; web radio comes by curl. What a box without a screen does
# not need stays out.
PACKAGECONFIG:amora = "alsa daemon ffmpeg fifo flac id3tag libsamplerate mpg123 opus sndfile vorbis wavpack zlib"
DEPENDS:append:amora = " curl pipewire"
EXTRA_OEMESON:append:amora = " -Dcurl=enabled -Dpipewire=enabled"

# As in amora-base's sysusers.d: files on /data are this number's.
USERADD_PARAM:${PN}:amora = " \
    --system --uid 702 --user-group --no-create-home --home-dir /data/mpd --shell /sbin/nologin --groups audio mpd \
"

# amora-music has its settings, and no socket that listens to the whole network.
SYSTEMD_AUTO_ENABLE:${PN}:amora = "disable"
