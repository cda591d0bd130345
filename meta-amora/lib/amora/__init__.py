"""AmoraOS's own checks of a build's configuration."""

BBIMPORTS = ["checks"]
