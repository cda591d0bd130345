/** Generated from docs/contract by scripts/generate.mjs. */

/** What was counted since the engine started. */
export interface AudioCounters {
  /** How long the thread took per period: counts of periods up to 10, 20, 50, 100, 200, 500, 1000, 2000, 5000 microseconds, and above. */
  callback_microseconds: number[];
  /** Frames that a source had to drop because nobody took them. */
  dropped: Frames;
  /** Times music was ducked. */
  ducked: number;
  /** Periods in which the limiter worked. */
  limited: number;
  /** Periods handed to the card. */
  periods: number;
  /** Times the card had to be opened again. */
  reopens: number;
  /** Times a source that should sound had nothing to give. */
  underruns: number;
  /** Times the card ran out of sound. */
  xruns: number;
}

/** The sound engine and its card. Levels are not here: they change too fast and have a stream of their own. */
export interface AudioState {
  /** The card in use. */
  card: CardState;
  /** What was counted since the engine started. */
  counters: AudioCounters;
  /** Whether exclusive mode is asked for. */
  exclusive: boolean;
  /** What the mixer is doing. */
  mixer: MixerState;
  /** The path that music takes from MPD to the mixer. */
  music: MusicState;
  /** Silent for now. */
  mute: boolean;
  /** Who has the card. */
  owner: CardOwner;
  /** 0 to 100, for everything the box plays. */
  volume: Volume;
}

/** A number of bytes. */
export type Bytes = number;

/** Who has the card. */
export type CardOwner = 'engine' | 'player' | 'returning';

/** The sound card. */
export interface CardState {
  /** Frames in the card's buffer, as negotiated. */
  buffer: Frames;
  /** Whether the card can record. */
  capture: boolean;
  /** The device's name, for example `hw:CARD=IQaudIODAC`. */
  device: string;
  /** Why not, in plain words. */
  error?: string | null;
  /** Sample format, as negotiated, for example `S32_LE`. */
  format: string;
  /** `alsa`, `room` or `null`. */
  kind: string;
  /** Frames in a period, as negotiated. */
  period: Frames;
  /** The board's profile, for example `IQaudio DAC+`. */
  profile: string;
  /** Frames per second, as negotiated. */
  rate: Hertz;
  /** Whether the thread runs with real-time priority. */
  real_time: boolean;
  /** Whether sound is flowing. */
  running: boolean;
}

/** What a trial checks. */
export type Check = 'system' | 'sound' | 'page' | 'cloud' | 'data';

/** Where a check stands. */
export type CheckResult = 'waiting' | 'passed' | 'failed' | 'skipped';

/** Conditions, from best to worst. */
export type Condition = 'ok' | 'starting' | 'degraded' | 'failed';

/** A level or gain in decibels; levels are relative to full scale. Silence is -200 in JSON, which has no minus infinity. */
export type Decibels = number;

/** Echo cancellers. */
export type EchoEngine = 'auto' | 'speex' | 'aec3' | 'kalman' | 'off';

/** The echo canceller. */
export interface EchoState {
  /** By how much the echo comes later than the card reports, in milliseconds; missing while not found. */
  delay_ms?: number | null;
  /** Share of the time in which the box and somebody spoke at once, 0 to 1. */
  double_talk: number;
  /** How far the microphone's clock runs from the loudspeaker's. */
  drift: PartsPerMillion;
  /** Who cancels; never `auto`, and `off` where the microphone goes out as it is. */
  engine: EchoEngine;
  /** Echo return loss enhancement: by how much the echo leaves quieter than it came. Missing until the box has sounded alone for a while. */
  erle?: Decibels | null;
  /** What gain control adds to the microphone; missing while it is off. */
  gain?: Decibels | null;
  /** Why this one, in plain words. */
  reason: string;
}

/** A count of audio frames (one sample of every channel). */
export type Frames = number;

/** How one part of the box is. */
export interface Health {
  /** What is wrong, in plain words; empty when nothing is. */
  cause: string;
  /** In one word. */
  condition: Condition;
  /** What to do about it; empty when nothing is wrong. */
  next_step: string;
  /** Since when it has been in this condition. */
  since: Timestamp;
}

/** A frequency or sample rate in hertz. */
export type Hertz = number;

/** How the connection is. */
export type IotHubLink = 'starting' | 'waiting_for_clock' | 'provisioning' | 'connecting' | 'connected' | 'waiting';

/** Something that came from the cloud. */
export interface IotHubReceived {
  /** When. */
  at: Timestamp;
  /** The method's name, or the command that the message asked for. */
  name: string;
  /** The status that it was answered with: 200 and 202 are good. */
  status: number;
}

/** The door to Azure IoT Hub. */
export interface IotHubState {
  /** Why there is no connection, in plain words; empty while there is one. */
  cause: string;
  /** Connections made since the service started. */
  connections: number;
  /** Version of the desired properties that was last obeyed. */
  desired_version: number;
  /** The device's id there. */
  device_id?: string | null;
  /** Messages to the cloud that were dropped because too many waited. */
  dropped: number;
  /** The hub's host name, where it is known. */
  hub?: string | null;
  /** How the connection is. */
  link: IotHubLink;
  /** What to do about it; empty while there is a connection. */
  next_step: string;
  /** The last messages and methods that came from the cloud, newest first; at most five. */
  received: IotHubReceived[];
  /** Messages that the hub took since the service started. */
  sent: number;
  /** Since when there has been a connection, or none: attempts do not count. */
  since: Timestamp;
  /** Messages to the cloud that wait for a connection. */
  waiting: number;
}

/** Momentary levels, for a meter. Published some 20 times a second on a stream of their own. */
export interface Levels {
  /** Gain reduction by the ducker. */
  ducking: Decibels;
  /** Gain reduction by the limiter. */
  limiting: Decibels;
  /** Highest sample of each output channel, left and right, since the last reading. */
  peak: [Decibels, Decibels];
  /** Mean level of each output channel since the last reading. */
  rms: [Decibels, Decibels];
}

/** The music library. */
export interface LibraryState {
  /** Albums known. */
  albums: number;
  /** Artists known. */
  artists: number;
  /** Songs known since the running scan began; what a progress display counts. */
  scanned: number;
  /** Songs known. */
  songs: number;
  /** When the library last changed. */
  updated_at: Timestamp;
  /** Whether a scan is running. */
  updating: boolean;
}

/** What the mixer is doing. */
export interface MixerState {
  /** The sources that are sounding now, highest priority first. */
  active: string[];
  /** How much music is turned down at present for something more important. */
  ducking: Decibels;
  /** How much the limiter has turned down at most in the last second. */
  limiting: Decibels;
}

/** The path that music takes from MPD to the mixer. */
export interface MusicState {
  /** How far the music's clock runs from the card's. */
  drift: PartsPerMillion;
  /** Frames waiting. */
  fill: Frames;
  /** Whether a writer has the FIFO open and music arrives. */
  flowing: boolean;
  /** Frames that the controller tries to keep waiting. */
  target: Frames;
}

/** How an update ended, in one word. */
export type Outcome = 'kept' | 'rolled_back' | 'refused' | 'failed' | 'cancelled';

/** One of MPD's outputs. */
export interface Output {
  /** On or off. */
  enabled: boolean;
  /** Its id. */
  id: number;
  /** Its name in MPD's configuration. */
  name: string;
  /** The plug-in, for example `fifo` or `alsa`. */
  plugin: string;
}

/** A clock deviation in parts per million; positive is fast. */
export type PartsPerMillion = number;

/** The restart that an installed update waits for. */
export interface PendingRestart {
  /** When it restarts at the latest, where that is known. */
  at?: Timestamp | null;
  /** When the box restarts. */
  policy: RestartPolicy;
  /** What it still waits for, in plain words; empty when nothing. */
  waiting_for: string;
}

/** What the player is doing. */
export type PlaybackState = 'play' | 'pause' | 'stop' | 'disconnected' | 'error';

/** The music player. */
export interface PlayerState {
  /** Momentary bit rate in kbit/s; 0 when stopped. */
  bitrate: number;
  /** Consume mode. */
  consume: boolean;
  /** Overlap between songs. */
  crossfade: Seconds;
  /** Why `state` is `error` or `disconnected`, in plain words. */
  error?: string | null;
  /** What the decoder delivers, for example `44100:16:2`; empty when stopped. */
  format: string;
  /** The library. */
  library: LibraryState;
  /** MPD's outputs. */
  outputs: Output[];
  /** The stored playlist that the queue was last loaded from. */
  playlist?: string | null;
  /** Version of the stored playlists' list; it grows with every change. */
  playlists_version: number;
  /** Position in the song when `position_at` was taken; while playing it advances with the clock. */
  position: Seconds;
  /** When `position` was read. */
  position_at: Timestamp;
  /** Queue entries. */
  queue_length: number;
  /** Position of the song in the queue. */
  queue_position?: number | null;
  /** MPD's version number of the queue; it grows with every change. */
  queue_version: number;
  /** Random mode. */
  random: boolean;
  /** Repeat mode. */
  repeat: boolean;
  /** ReplayGain mode. */
  replay_gain: ReplayGain;
  /** Single mode. */
  single: boolean;
  /** When the sleep timer will pause playback. */
  sleep_at?: Timestamp | null;
  /** The song being played or paused. */
  song?: Song | null;
  /** What the player is doing. */
  state: PlaybackState;
}

/** How loudness tags are applied. */
export type ReplayGain = 'off' | 'track' | 'album' | 'auto';

/** When to restart into an installed update. */
export type RestartPolicy = 'now' | 'idle' | 'window' | 'manual';

/** A duration in seconds, with fractions. */
export type Seconds = number;

/** One of the two places for a system. */
export type Slot = 'a' | 'b';

/** A song, in the queue or in the library. */
export interface Song {
  /** Album; `Unknown` when it has none. */
  album: string;
  /** Artist; `Unknown` when it has none. */
  artist: string;
  /** Length; 0 for a stream. */
  duration: Seconds;
  /** Whether it is marked as a favourite; absent where that was not looked up. */
  favourite?: boolean | null;
  /** Path below the music folder, or a URL. */
  file: string;
  /** Queue entry id, for a song in the queue. */
  id?: number | null;
  /** Position in the queue, for a song in the queue. */
  position?: number | null;
  /** Title; the file's base name when it has none. */
  title: string;
  /** Track number on the album. */
  track?: number | null;
}

/** The state of the box. A section is absent when its capability is not configured. */
export interface State {
  /** The sound engine. */
  audio?: AudioState | null;
  /** The door to Azure IoT Hub. */
  iot_hub?: IotHubState | null;
  /** The music player. */
  player?: PlayerState | null;
  /** Grows with every change of any section. */
  revision: number;
  /** The box itself. */
  system: SystemState;
  /** Updates. */
  update?: UpdateState | null;
  /** The voice call. */
  voice?: VoiceState | null;
}

/** The box itself. */
export interface SystemState {
  /** One entry for each capability and door. */
  health: Record<string, Health>;
  /** The id that the box is addressed by. */
  id: string;
  /** The name that people read. */
  name: string;
  /** When the service started. */
  started_at: Timestamp;
  /** Version of the software. */
  version: string;
}

/** A tag that songs can be listed and found by. */
export type Tag = 'artist' | 'album_artist' | 'album' | 'title' | 'genre' | 'composer' | 'date';

/** A point in time: milliseconds since 1970-01-01T00:00:00Z. */
export type Timestamp = number;

/** The trial of the running image. */
export interface Trial {
  /** The checks, in the order in which they are shown. */
  checks: TrialCheck[];
  /** When it is given up unless every check has passed. */
  deadline: Timestamp;
  /** Starts that it is allowed. */
  limit: number;
  /** Which start of the new image this is. */
  tries: number;
}

/** One check of a trial. */
export interface TrialCheck {
  /** What is checked. */
  check: Check;
  /** Where it stands. */
  result: CheckResult;
  /** What it saw last, in plain words. */
  seen: string;
}

/** Why an update was refused, failed or was rolled back. */
export type UpdateCause = 'malformed' | 'truncated' | 'not_signed' | 'wrong_signer' | 'wrong_board' | 'downgrade' | 'too_big' | 'corrupt' | 'download' | 'installer' | 'under_voltage' | 'boot_loader' | 'card' | 'space' | 'clock' | 'panic' | 'missing_init' | 'corrupt_root' | 'watchdog' | 'never_started' | 'never_ready' | 'check_failed' | 'asked' | 'unknown';

/** An update being installed, or installed. */
export interface UpdateInstall {
  /** Why the full image is taken in place of the delta that was asked for, in plain words; absent where it is not. */
  fallback?: string | null;
  /** What SWUpdate is writing, for example `rootfs.squashfs`; empty before it writes. */
  part: string;
  /** How much of it is done, 0 to 100. */
  percent: number;
  /** Bytes that arrived. */
  received: Bytes;
  /** The caller's own word for it. */
  reference?: string | null;
  /** Bytes in all, where that is known. */
  size?: Bytes | null;
  /** The slot that it is written to. */
  slot: Slot;
  /** Where it comes from. */
  source: UpdateSource;
  /** When it began. */
  started_at: Timestamp;
  /** Its address without user and query, for an update that is fetched. */
  url?: string | null;
  /** Its version; absent until its description was read. */
  version?: string | null;
  /** Why it stands still at the moment, in plain words; absent while it moves. */
  waiting?: string | null;
}

/** How an update ended. */
export interface UpdateOutcome {
  /** When this was decided. */
  at: Timestamp;
  /** The kind of reason, for programs; absent for an update that was kept. */
  cause?: UpdateCause | null;
  /** The check of the trial that failed. */
  check?: Check | null;
  /** Why the full image was taken in place of the delta that was asked for, in plain words; absent where it was not. */
  fallback?: string | null;
  /** The version that ran before. */
  from_version: string;
  /** What to do about it; empty when there is nothing to do. */
  next_step: string;
  /** In one word. */
  outcome: Outcome;
  /** The reason, in plain words; empty for an update that was kept. */
  reason: string;
  /** The caller's own word for it. */
  reference?: string | null;
  /** What that check saw, or the last words of the system that failed. */
  seen?: string | null;
  /** The slot that it was written to. */
  slot?: Slot | null;
  /** Where the update came from. */
  source: UpdateSource;
  /** The version of the update, where it was known. */
  to_version?: string | null;
  /** Times that it was started. */
  tries: number;
}

/** What is going on with updates. */
export type UpdatePhase = 'idle' | 'checking' | 'installing' | 'installed' | 'restarting' | 'trial';

/** Where an update comes from. */
export type UpdateSource = 'url' | 'upload' | 'hawkbit' | 'device_update' | 'other';

/** Updates of the whole image. */
export interface UpdateState {
  /** The update being installed, or installed and waiting for the restart. */
  install?: UpdateInstall | null;
  /** How the last update ended. */
  last?: UpdateOutcome | null;
  /** What is going on. */
  phase: UpdatePhase;
  /** The restart that the installed update waits for. */
  restart?: PendingRestart | null;
  /** The slot that the running image was started from. */
  slot?: Slot | null;
  /** The trial of the running image, until it is kept or given up. */
  trial?: Trial | null;
  /** Why this box cannot be updated, in plain words; absent where it can. */
  unavailable?: string | null;
  /** Version of the running image; empty where it is not an image of ours. */
  version: string;
}

/** What was counted since the service started. A frame is 20 ms of sound. */
export interface VoiceCounters {
  /** Frames that went through the echo canceller. */
  aec_frames_processed: number;
  /** Attempts that failed. */
  connection_failures: number;
  /** Calls made. */
  connections: number;
  /** Frames that the microphone heard. */
  mic_frames_captured: number;
  /** Frames of the microphone dropped because too many waited. */
  mic_frames_dropped: number;
  /** Frames sent to the hub. */
  mic_frames_sent: number;
  /** Frames of speech dropped because too many waited. */
  tts_frames_dropped: number;
  /** Frames of speech played. */
  tts_frames_played: number;
  /** Frames of speech that the hub sent. */
  tts_frames_received: number;
}

/** How a call is. */
export type VoiceLink = 'off' | 'connecting' | 'connected' | 'interrupted' | 'waiting';

/** What waits, in frames of 20 ms. */
export interface VoiceQueues {
  /** Of the microphone, for the hub. */
  microphone: number;
  /** Of the hub, for the loudspeaker. */
  speech: number;
}

/** The voice call. */
export interface VoiceState {
  /** How long the sound thread took for its last period, in milliseconds. */
  audio_callback_duration_ms: number;
  /** Whether somebody speaks while the box does. */
  barge_in: boolean;
  /** Why there is no call, in plain words; empty while there is one. */
  cause: string;
  /** What was counted since the service started. */
  counters: VoiceCounters;
  /** The box's name there. */
  device_id: string;
  /** The echo canceller, while it works. */
  echo?: EchoState | null;
  /** Where the call goes. */
  hub: string;
  /** How the call is. */
  link: VoiceLink;
  /** Whether the microphone is held back. */
  mute: boolean;
  /** What waits. */
  queues: VoiceQueues;
  /** Since when the call has been so. */
  since: Timestamp;
  /** Seconds since the voice desk was started. */
  uptime_seconds: number;
}

/** A volume as people set it: a whole number from 0 (silent) to 100 (full scale). */
export type Volume = number;

/** Something that happened: `section.happening`, for example `player.song_changed`. */
export interface BoxEvent {
  time: Timestamp;
  event: string;
  data: Record<string, unknown>;
}
