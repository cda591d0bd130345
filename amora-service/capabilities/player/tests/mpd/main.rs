//! The player against the real MPD, with `mpc` as somebody else's client, and against servers that misbehave.

mod bench;
mod library_files;

mod bad_server;
mod favourites;
mod library;
mod outputs;
mod playback;
mod playlists;
mod queue;
mod restart;
mod sleep;
mod volume;
