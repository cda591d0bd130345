//! The music player capability, on MPD
