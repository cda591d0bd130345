# One graph without a session, sound cards, cameras or Bluetooth: what amora-music sets up.
PACKAGECONFIG:class-target:amora = "pw-cat sndfile systemd udev volume wireplumber"

# As in amora-base's sysusers.d.
GROUPADD_PARAM:${PN}:amora = "--system --gid 703 pipewire"
USERADD_PARAM:${PN}:amora = " \
    --system --uid 703 --gid pipewire --no-create-home --home-dir / --shell /sbin/nologin --comment PipeWire pipewire \
"
