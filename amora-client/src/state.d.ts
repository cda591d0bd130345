/** Everything that is so on a box, as one document with a section per capability. */
export interface State {
  /** Grows with every change of any section. */
  revision: number;
  system: SystemState;
  audio?: AudioState;
  player?: PlayerState;
}

/** `ok`, `starting`, `degraded` (tries again by itself) or `failed` (needs somebody). */
export type Condition = 'ok' | 'starting' | 'degraded' | 'failed';

/** How one part of the box is. */
export interface Health {
  condition: Condition;
  /** What is wrong, in plain words; empty when nothing is. */
  cause: string;
  /** What to do about it; empty when nothing is wrong. */
  next_step: string;
  /** Milliseconds since 1970. */
  since: number;
}

/** The box itself. */
export interface SystemState {
  id: string;
  name: string;
  version: string;
  /** Milliseconds since 1970. */
  started_at: number;
  health: Record<string, Health>;
}

/** `disconnected`: MPD does not answer and is being tried again. */
export type PlaybackState = 'play' | 'pause' | 'stop' | 'disconnected' | 'error';
export type ReplayGain = 'off' | 'track' | 'album' | 'auto';
export type Tag = 'artist' | 'album_artist' | 'album' | 'title' | 'genre' | 'composer' | 'date';

/** A song, in the queue or in the library. */
export interface Song {
  /** Path below the music folder, or a URL. */
  file: string;
  title: string;
  artist: string;
  album: string;
  track?: number;
  /** Seconds; 0 for a stream. */
  duration: number;
  /** Queue entry id, for a song in the queue. */
  id?: number;
  /** Position in the queue, counted from 0. */
  position?: number;
  /** Absent where it was not looked up. */
  favourite?: boolean;
}

/** The music library. */
export interface LibraryState {
  songs: number;
  artists: number;
  albums: number;
  updating: boolean;
  /** Songs known since the running scan began. */
  scanned: number;
  /** Milliseconds since 1970. */
  updated_at: number;
}

/** One of MPD's outputs. */
export interface Output {
  id: number;
  name: string;
  plugin: string;
  enabled: boolean;
}

/** The music player. */
export interface PlayerState {
  state: PlaybackState;
  error?: string;
  song: Song | null;
  /** Seconds into the song when `position_at` was taken; while playing it advances with the clock. */
  position: number;
  /** Milliseconds since 1970, by the box's clock. */
  position_at: number;
  /** The stored playlist that the queue was last loaded from. */
  playlist: string | null;
  queue_length: number;
  /** Grows with every change of the queue. */
  queue_version: number;
  queue_position: number | null;
  repeat: boolean;
  random: boolean;
  single: boolean;
  consume: boolean;
  /** Seconds. */
  crossfade: number;
  replay_gain: ReplayGain;
  /** What the decoder delivers, for example `44100:16:2`. */
  format: string;
  /** kbit/s. */
  bitrate: number;
  library: LibraryState;
  outputs: Output[];
  /** When the sleep timer will pause playback, in milliseconds since 1970. */
  sleep_at: number | null;
  playlists_version: number;
}

/** The sound card. */
export interface CardState {
  kind: string;
  device: string;
  profile: string;
  running: boolean;
  error?: string;
  rate: number;
  format: string;
  period: number;
  buffer: number;
  capture: boolean;
  real_time: boolean;
}

/** What was counted since the engine started. */
export interface AudioCounters {
  periods: number;
  xruns: number;
  reopens: number;
  underruns: number;
  dropped: number;
  limited: number;
  ducked: number;
  /** Counts of periods up to 10, 20, 50, 100, 200, 500, 1000, 2000, 5000 microseconds, and above. */
  callback_microseconds: number[];
}

/** The sound engine and its card. */
export interface AudioState {
  /** 0 to 100. */
  volume: number;
  mute: boolean;
  card: CardState;
  owner: 'engine' | 'player' | 'returning';
  exclusive: boolean;
  mixer: { active: string[]; ducking: Decibels; limiting: Decibels };
  music: { flowing: boolean; fill: number; target: number; drift: number };
  counters: AudioCounters;
}

/** Decibels; minus infinity is `null`, for JSON has no such number. */
export type Decibels = number | null;

/** Momentary levels, some 20 times a second. */
export interface Levels {
  peak: [Decibels, Decibels];
  rms: [Decibels, Decibels];
  limiting: Decibels;
  ducking: Decibels;
}

/** Something that happened. */
export interface BoxEvent {
  /** Milliseconds since 1970. */
  time: number;
  /** `section.happening`, for example `player.song_changed`. */
  event: string;
  data: Record<string, unknown>;
}
