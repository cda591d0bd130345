"""Makes a small library of real audio: music, a spoken story and test signals."""
