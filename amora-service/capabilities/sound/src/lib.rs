//! The sound capability: the box's volume, chimes, tests and exclusive mode, on the audio engine
