/** Generated from docs/contract by scripts/generate.mjs. */

import type { AudioCounters, AudioState, Bytes, CardOwner, CardState, Check, CheckResult, Condition, Decibels, EchoEngine, EchoState, Frames, Health, Hertz, IotHubLink, IotHubReceived, IotHubState, LibraryState, MixerState, MusicState, Outcome, Output, PartsPerMillion, PendingRestart, PlaybackState, PlayerState, ReplayGain, RestartPolicy, Seconds, Slot, Song, State, SystemState, Tag, Timestamp, Trial, TrialCheck, UpdateCause, UpdateInstall, UpdateOutcome, UpdatePhase, UpdateSource, UpdateState, VoiceCounters, VoiceLink, VoiceQueues, VoiceState, Volume } from './state.d.ts';

/** A track to add. */
export interface AddTrack {
  /** A stored playlist; the queue when missing. */
  playlist?: string | null;
  /** A file of the library or a URL. */
  track: string;
}

/** A folder of the library. */
export interface Browse {
  /** Path below the music folder; empty for the top. */
  path?: string;
}

/** One folder of the library. */
export interface BrowseReply {
  /** Paths of the folders in it. */
  folders: string[];
  /** The folder's path below the music folder. */
  path: string;
  /** Paths of playlist files in it. */
  playlists: string[];
  /** The songs in it. */
  songs: Song[];
}

/** A step of volume. */
export interface ChangeVolume {
  /** Steps to add; negative lowers. */
  by: number;
}

/** What the sound test heard of one channel. */
export interface ChannelReport {
  /** `left` or `right`. */
  channel: string;
  /** From leaving the card to reaching the microphone. */
  delay?: Millis | null;
  /** Deviation between the card's clock and the microphone's. */
  drift?: PartsPerMillion | null;
  /** Frequency found. */
  frequency?: Hertz | null;
  /** Level of the tone at the microphone. */
  heard?: Decibels | null;
  /** Level of everything else at the microphone. */
  noise?: Decibels | null;
  /** Whether the tone was found as it was sent. */
  pass: boolean;
  /** Level of the tone in what left the card. */
  sent: Decibels;
}

/** The chimes the box knows. They are synthesised, so they fit any rate and need no files. */
export type Chime = 'ready' | 'done' | 'attention' | 'error';

/** The effective configuration. */
export interface ConfigReply {
  /** The configuration document; secrets are replaced by `"***"`. */
  config: unknown;
  /** For each setting given, by dotted path: the layer that it came from. */
  origin: Record<string, string>;
}

/** A change of settings. */
export interface Configure {
  /** Take away everything else that this command set before. */
  replace?: boolean;
  /** The settings, nested as in the configuration file, for example `{"audio": {"ready_chime": false}}`. With `null` a setting, or a section, is again as the files say. */
  settings?: Record<string, unknown>;
}

/** What a change of settings did. */
export interface ConfigureReply {
  /** Settings that changed and are in force, by dotted path. */
  applied: string[];
  /** Settings that changed and wait for a restart, by dotted path. */
  needs_restart: string[];
  /** Settings that were given and are kept, but have another value from a higher layer: by dotted path, the environment variable or flag. */
  overridden: Record<string, string>;
}

/** A picture. */
export interface CoverReply {
  /** The file's bytes, in Base64. */
  data: string;
  /** Media type, for example `image/jpeg`. */
  media_type: string;
}

/** A new stored playlist. */
export interface CreatePlaylist {
  /** Files of the library, or URLs, in order. */
  files?: string[];
  /** Its name. */
  name: string;
}

/** The diagnostic bundle that was made. */
export interface DiagnosisReply {
  /** When it was made. */
  made_at: Timestamp;
  /** Path of the bundle on the box, a `.tar.gz`; the next bundle takes its place. */
  path: string;
  /** Its size. */
  size: Bytes;
}

/** A factory reset. */
export interface FactoryReset {
  /** The box's own id (`system.id`), to show that this box is meant. */
  confirm: string;
}

/** Tags to match exactly. */
export interface Find {
  /** All of these must match. */
  filters: TagFilter[];
  /** Most matches wanted. */
  limit?: number;
  /** Index of the first match wanted. */
  start?: number;
}

/** An update to fetch. */
export interface InstallUpdate {
  /** A word of the caller's own, at most 128 bytes, found again in the state and in the outcome. */
  reference?: string | null;
  /** When to restart into the update; as configured when missing. */
  restart?: RestartPolicy | null;
  /** SHA-256 of the file in hexadecimal, where it is known; another file is refused. SWUpdate checks the signature and the hash of each part in any case. */
  sha256?: string | null;
  /** Size of the file, where it is known; another size is refused. */
  size?: Bytes | null;
  /** `http://` or `https://` address of the `.swu` file. */
  url: string;
}

/** A tag whose values are wanted. */
export interface List {
  /** Only values of songs that match all of these. */
  filters?: TagFilter[];
  /** The tag. */
  tag: Tag;
}

/** A duration in whole milliseconds. */
export type Millis = number;

/** An empty object. */
export type Nothing = Record<string, never>;

/** MPD's outputs. */
export interface OutputsReply {
  /** In MPD's order. */
  outputs: Output[];
}

/** Where to start playing. With neither field the player resumes. */
export interface Play {
  /** Queue entry id. */
  id?: number | null;
  /** Position in the queue, counted from 0. */
  position?: number | null;
}

/** A chime to play. */
export interface PlayChime {
  /** Which one. */
  chime?: Chime;
}

/** A track to play. */
export interface PlayTrack {
  /** A stored playlist; the queue when missing. */
  playlist?: string | null;
  /** Index in the list, counted from 0. */
  track_index: number;
}

/** A stored playlist. */
export interface PlaylistName {
  /** Its name. */
  playlist: string;
}

/** A stored playlist. */
export interface PlaylistReply {
  /** Its songs, in order. */
  items: Song[];
  /** Its name. */
  name: string;
}

/** A stored playlist without its songs. */
export interface PlaylistSummary {
  /** When it last changed, RFC 3339. */
  modified?: string | null;
  /** Its name. */
  name: string;
}

/** The stored playlists. */
export interface PlaylistsReply {
  /** Sorted by name. */
  playlists: PlaylistSummary[];
}

/** What to add to the queue. */
export interface QueueAdd {
  /** Play it at once. */
  play?: boolean;
  /** Position in the queue; at its end when missing. */
  position?: number | null;
  /** A file or folder of the library, or a stream's URL. */
  uri: string;
}

/** What was added to the queue. */
export interface QueueAddReply {
  /** Ids of the new entries. */
  ids: number[];
}

/** One entry of the queue. */
export interface QueueEntryId {
  /** The entry's id (not its position). */
  id: number;
}

/** Which songs to add to the queue. */
export interface QueueFind {
  /** All of these must match. */
  filters: TagFilter[];
  /** Play the first of them at once. */
  play?: boolean;
  /** Position in the queue; at its end when missing. */
  position?: number | null;
}

/** A move within the queue. */
export interface QueueMove {
  /** The entry's id (not its position). */
  id: number;
  /** Its new position, counted from 0. */
  to: number;
}

/** The queue, or a window of it. */
export interface QueueReply {
  /** The entries. */
  songs: Song[];
  /** Index of the first entry given. */
  start: number;
  /** Entries of the whole queue. */
  total: number;
  /** MPD's version number of the queue; it grows with every change. */
  version: number;
}

/** Saving the queue. */
export interface QueueSave {
  /** Name of the stored playlist. */
  name: string;
  /** Replace an existing playlist of that name. */
  replace?: boolean;
}

/** What reading the configuration again did. */
export interface ReloadReply {
  /** Settings that changed and are in force, by dotted path. */
  applied: string[];
  /** Settings that changed and wait for a restart, by dotted path. */
  needs_restart: string[];
}

/** A track to remove. */
export interface RemoveTrack {
  /** A stored playlist; the queue when missing. */
  playlist?: string | null;
  /** Index in the list, counted from 0. */
  track_index: number;
}

/** A new name for a stored playlist. */
export interface RenamePlaylist {
  /** The new name. */
  name: string;
  /** The present name. */
  playlist: string;
}

/** A track to move. */
export interface ReorderTrack {
  /** Present index, counted from 0. */
  from_index: number;
  /** A stored playlist; the queue when missing. */
  playlist?: string | null;
  /** New index, counted from 0. */
  to_index: number;
}

/** A search. */
export interface Search {
  /** Most matches wanted. */
  limit?: number;
  /** Words, all of which must appear in the song's tags or file name. */
  query: string;
  /** Index of the first match wanted. */
  start?: number;
}

/** Where to move within the song. */
export interface Seek {
  /** Seconds from the start of the song, or from the present position when `relative`. */
  position: Seconds;
  /** Whether `position` is added to the present position. */
  relative?: boolean;
}

/** The volume wanted. */
export interface SetBoxVolume {
  /** 0 (silent) to 100 (full scale). */
  volume: Volume;
}

/** Consume mode. */
export interface SetConsume {
  /** On or off. */
  consume: boolean;
}

/** Crossfade. */
export interface SetCrossfade {
  /** Length of the overlap in whole seconds; 0 switches it off. */
  seconds: number;
}

/** Exclusive mode. */
export interface SetExclusive {
  /** On or off. */
  exclusive: boolean;
}

/** The favourite mark of a song. */
export interface SetFavourite {
  /** Set or remove the mark. */
  favourite: boolean;
  /** Its path below the music folder. */
  file: string;
}

/** Muting. */
export interface SetMute {
  /** Silent or audible. */
  mute: boolean;
}

/** One of MPD's outputs. */
export interface SetOutput {
  /** On or off. */
  enabled: boolean;
  /** Its id. */
  id: number;
}

/** Random order. */
export interface SetRandom {
  /** On or off. */
  random: boolean;
}

/** Repeat. */
export interface SetRepeat {
  /** On or off. */
  repeat: boolean;
}

/** ReplayGain. */
export interface SetReplayGain {
  /** The mode. */
  mode: ReplayGain;
}

/** Single mode. */
export interface SetSingle {
  /** On or off. */
  single: boolean;
}

/** The sleep timer. */
export interface SetSleepTimer {
  /** Minutes until playback pauses; `null` cancels the timer. */
  minutes?: number | null;
}

/** The volume wanted. */
export interface SetVolume {
  /** 0 (silent) to 100 (full scale). */
  volume: Volume;
}

/** One song of the library. */
export interface SongFile {
  /** Its path below the music folder. */
  file: string;
}

/** A list of songs. */
export interface SongsReply {
  /** Whether there are more after these. */
  more: boolean;
  /** The songs. */
  songs: Song[];
}

/** What the sound test heard. */
export interface SoundTestReport {
  /** What to do about a failure; empty when all is well. */
  advice: string;
  /** One per channel. */
  channels: ChannelReport[];
  /** Whether the box could listen to itself; without a microphone only the card's own counters are judged. */
  listened: boolean;
  /** Whether every check passed. */
  pass: boolean;
  /** Times the card ran out of sound during the test. */
  xruns: number;
}

/** One tag and the value it must have. */
export interface TagFilter {
  /** The tag. */
  tag: Tag;
  /** Its value. */
  value: string;
}

/** The sound test. */
export interface TestSound {
  /** Length of the tone on each channel. */
  duration?: Millis;
  /** Frequency of the tone. */
  frequency?: Hertz;
  /** Level of the tone at the card. */
  level?: Decibels;
}

/** A library scan. */
export interface UpdateLibrary {
  /** Only this folder; everything when missing. */
  path?: string | null;
  /** Read unchanged files again too. */
  rescan?: boolean;
}

/** Distinct values of a tag. */
export interface ValuesReply {
  /** Sorted. */
  values: string[];
}

/** Whether the microphone is held back. */
export interface VoiceMute {
  /** On or off. */
  mute: boolean;
}

/** The volume of the box. */
export interface VolumeReply {
  /** Whether the box is muted. */
  mute: boolean;
  /** 0 to 100. */
  volume: Volume;
}

/** A part of a long list. Without fields: all of it, up to the server's limit. */
export interface Window {
  /** Most entries wanted. */
  limit?: number | null;
  /** Index of the first entry wanted. */
  start?: number;
}

/** The sound card and what is mixed into it. */
export interface AudioCommands {
  /** Raise or lower the volume of the box. */
  changeVolume(params: ChangeVolume): Promise<VolumeReply>;
  /** Play a short chime over whatever is playing. */
  chime(params?: PlayChime): Promise<Nothing>;
  /** Read the state of the sound engine, with its counters. */
  getStatus(): Promise<AudioState>;
  /** Give the card to the player alone, bit-perfect at the music's own rate, while nothing else needs it. */
  setExclusive(params: SetExclusive): Promise<Nothing>;
  /** Silence the box without losing its volume, or let it be heard again. */
  setMute(params: SetMute): Promise<Nothing>;
  /** Set the volume of the box. Values outside 0–100 are moved to the nearest end. */
  setVolume(params: SetBoxVolume): Promise<VolumeReply>;
  /** Play a tone on each channel in turn and, where there is a microphone, listen for it. */
  test(params?: TestSound): Promise<SoundTestReport>;
}

/** The `box` section. */
export interface BoxCommands {
  /** Forget everything but the installed system, and restart as on the first day. */
  factoryReset(params: FactoryReset): Promise<Nothing>;
  /** Switch the box off. */
  powerOff(): Promise<Nothing>;
  /** Restart the box. */
  restart(): Promise<Nothing>;
}

/** Music: playback, queue, library, playlists, outputs. */
export interface PlayerCommands {
  /** Add a track to the queue, or to a stored playlist when one is named. */
  addTrack(params: AddTrack): Promise<Nothing>;
  /** List the folders, songs and playlists in one folder of the library. */
  browse(params?: Browse): Promise<BrowseReply>;
  /** Create a stored playlist from a list of files. An existing one is replaced. */
  createPlaylist(params: CreatePlaylist): Promise<Nothing>;
  /** Delete a stored playlist. */
  deletePlaylist(params: PlaylistName): Promise<Nothing>;
  /** Find songs whose tags equal the given values exactly. */
  find(params: Find): Promise<SongsReply>;
  /** Read the cover art of a song: embedded in the file, or beside it. */
  getCover(params: SongFile): Promise<CoverReply>;
  /** List the favourite songs. */
  getFavourites(): Promise<SongsReply>;
  /** List the outputs that MPD can play to. */
  getOutputs(): Promise<OutputsReply>;
  /** List the songs of a stored playlist. */
  getPlaylist(params: PlaylistName): Promise<PlaylistReply>;
  /** List the stored playlists. */
  getPlaylists(): Promise<PlaylistsReply>;
  /** List the queue, or a window of it. */
  getQueue(params?: Window): Promise<QueueReply>;
  /** Read the whole player state. */
  getStatus(): Promise<PlayerState>;
  /** Read the volume of the box. */
  getVolume(): Promise<VolumeReply>;
  /** List the distinct values of a tag, for example every artist. */
  list(params: List): Promise<ValuesReply>;
  /** Go to the next entry of the queue. */
  next(): Promise<Nothing>;
  /** Pause playback and keep the position. */
  pause(): Promise<Nothing>;
  /** Start or resume playback, at a given entry of the queue if one is named. */
  play(params?: Play): Promise<Nothing>;
  /** Replace the queue with a stored playlist and play it. */
  playPlaylist(params: PlaylistName): Promise<Nothing>;
  /** Play one track: of the queue, or of a stored playlist when one is named. */
  playTrack(params: PlayTrack): Promise<Nothing>;
  /** Go to the previous entry of the queue. */
  previous(): Promise<Nothing>;
  /** Add a song, a folder or a stream to the queue. */
  queueAdd(params: QueueAdd): Promise<QueueAddReply>;
  /** Remove every entry from the queue. */
  queueClear(): Promise<Nothing>;
  /** Add every song whose tags are exactly these to the queue, for example an album, in the order of `player.find`. */
  queueFind(params: QueueFind): Promise<QueueAddReply>;
  /** Move one entry of the queue to another position. */
  queueMove(params: QueueMove): Promise<Nothing>;
  /** Append a stored playlist to the queue. */
  queuePlaylist(params: PlaylistName): Promise<Nothing>;
  /** Remove one entry from the queue. */
  queueRemove(params: QueueEntryId): Promise<Nothing>;
  /** Save the queue as a stored playlist. */
  queueSave(params: QueueSave): Promise<Nothing>;
  /** Put the queue into a random order, once. */
  queueShuffle(): Promise<Nothing>;
  /** Remove a track from the queue, or from a stored playlist when one is named. */
  removeTrack(params: RemoveTrack): Promise<Nothing>;
  /** Rename a stored playlist. */
  renamePlaylist(params: RenamePlaylist): Promise<Nothing>;
  /** Move a track within the queue, or within a stored playlist when one is named. */
  reorderTrack(params: ReorderTrack): Promise<Nothing>;
  /** Find songs whose tags or file name contain all the words of a text. */
  search(params: Search): Promise<SongsReply>;
  /** Move within the current song. */
  seek(params: Seek): Promise<Nothing>;
  /** Remove each song from the queue once it was played. */
  setConsume(params: SetConsume): Promise<Nothing>;
  /** Overlap the end of a song with the start of the next. */
  setCrossfade(params: SetCrossfade): Promise<Nothing>;
  /** Mark a song as a favourite, or remove the mark. */
  setFavourite(params: SetFavourite): Promise<Nothing>;
  /** Switch one of MPD's outputs on or off. */
  setOutput(params: SetOutput): Promise<Nothing>;
  /** Play the queue in random order. */
  setRandom(params: SetRandom): Promise<Nothing>;
  /** Repeat the queue from the start when it ends. */
  setRepeat(params: SetRepeat): Promise<Nothing>;
  /** Choose how loudness tags in the files are applied. */
  setReplayGain(params: SetReplayGain): Promise<Nothing>;
  /** Stop after the current song (or repeat it, when repeat is on). */
  setSingle(params: SetSingle): Promise<Nothing>;
  /** Pause after a while, fading out over the last ten seconds. `null`, or a restart of the service, cancels. */
  setSleepTimer(params?: SetSleepTimer): Promise<Nothing>;
  /** Set the volume of the box. Values outside 0–100 are moved to the nearest end. */
  setVolume(params: SetVolume): Promise<VolumeReply>;
  /** Stop playback. */
  stop(): Promise<Nothing>;
  /** Pause when playing, otherwise play. */
  toggle(): Promise<Nothing>;
  /** Scan the library for new, changed and removed files. */
  updateLibrary(params?: UpdateLibrary): Promise<Nothing>;
}

/** The box itself. */
export interface SystemCommands {
  /** Change settings that are marked *Remote*, keep them, and apply what can change without a restart. */
  configure(params?: Configure): Promise<ConfigureReply>;
  /** Make a diagnostic bundle: a file for whoever is to find out what is wrong. */
  diagnose(): Promise<DiagnosisReply>;
  /** Read the effective configuration, without secrets. */
  getConfig(): Promise<ConfigReply>;
  /** Read the whole state document. */
  getState(): Promise<State>;
  /** Read what this box is: name, version, start time, health. */
  getStatus(): Promise<SystemState>;
  /** Read the configuration files again and apply what can change without a restart. */
  reload(): Promise<ReloadReply>;
}

/** The `update` section. */
export interface UpdateCommands {
  /** Stop the download or the installation that is going on. The running system is not touched. */
  cancel(): Promise<UpdateState>;
  /** Keep the system that is on trial without waiting for its checks. */
  confirm(): Promise<UpdateState>;
  /** Read where updates stand. */
  getStatus(): Promise<UpdateState>;
  /** Fetch a signed update (`.swu`) and write it to the other slot. */
  install(params: InstallUpdate): Promise<UpdateState>;
  /** Restart into the installed update now, whatever sounds. */
  restart(): Promise<UpdateState>;
  /** Drop the installed update, or end the trial of the running one and go back to the slot before it. */
  rollBack(): Promise<UpdateState>;
}

/** The `voice` section. */
export interface VoiceCommands {
  /** Make the call, at once where the next attempt is waited for. */
  connect(): Promise<VoiceState>;
  /** End the call, and make none until `voice.connect` or a restart. */
  disconnect(): Promise<VoiceState>;
  /** Read how the call is. */
  getStatus(): Promise<VoiceState>;
  /** Hold the microphone back, or let it be heard again. Speech from the hub goes on. */
  mute(params: VoiceMute): Promise<VoiceState>;
}

/** Every command of a box, a group per section. */
export interface Sections {
  audio: AudioCommands;
  box: BoxCommands;
  player: PlayerCommands;
  system: SystemCommands;
  update: UpdateCommands;
  voice: VoiceCommands;
}
