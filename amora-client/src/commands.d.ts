import type { AudioState, Decibels, Output, PlayerState, ReplayGain, Song, State, SystemState, Tag } from './state.d.ts';

export type Nothing = Record<string, never>;
export interface VolumeReply { volume: number; mute: boolean }
export interface QueueReply { total: number; start: number; version: number; songs: Song[] }
export interface QueueAddReply { ids: number[] }
export interface PlaylistSummary { name: string; modified?: string }
export interface PlaylistsReply { playlists: PlaylistSummary[] }
export interface PlaylistReply { name: string; items: Song[] }
export interface BrowseReply { path: string; folders: string[]; songs: Song[]; playlists: string[] }
export interface SongsReply { songs: Song[]; more: boolean }
export interface ValuesReply { values: string[] }
export interface CoverReply { media_type: string; data: string }
export interface OutputsReply { outputs: Output[] }
export interface ChannelReport {
  channel: string;
  pass: boolean;
  sent: Decibels;
  heard?: Decibels;
  noise?: Decibels;
  frequency?: number;
  delay?: number;
  drift?: number;
}
export interface SoundTestReport { pass: boolean; listened: boolean; channels: ChannelReport[]; xruns: number; advice: string }
export interface ConfigReply { config: Record<string, unknown>; origin: Record<string, string> }
export interface ReloadReply { applied: string[]; needs_restart: string[] }

export interface TagFilter { tag: Tag; value: string }
export interface Window { start?: number; limit?: number }

/** Music: playback, queue, library, playlists, outputs. */
export interface PlayerCommands {
  /** Start or resume playback, at a given entry of the queue if one is named. */
  play(params?: { position?: number; id?: number }): Promise<Nothing>;
  pause(): Promise<Nothing>;
  toggle(): Promise<Nothing>;
  stop(): Promise<Nothing>;
  next(): Promise<Nothing>;
  previous(): Promise<Nothing>;
  /** Seconds from the start of the song, or from the present position when `relative`. */
  seek(params: { position: number; relative?: boolean }): Promise<Nothing>;
  /** 0 to 100; values outside are moved to the nearest end. */
  setVolume(params: { volume: number }): Promise<VolumeReply>;
  getVolume(): Promise<VolumeReply>;
  setRepeat(params: { repeat: boolean }): Promise<Nothing>;
  setRandom(params: { random: boolean }): Promise<Nothing>;
  setSingle(params: { single: boolean }): Promise<Nothing>;
  setConsume(params: { consume: boolean }): Promise<Nothing>;
  /** Whole seconds, 0 to 60. */
  setCrossfade(params: { seconds: number }): Promise<Nothing>;
  setReplayGain(params: { mode: ReplayGain }): Promise<Nothing>;
  getStatus(): Promise<PlayerState>;
  getQueue(params?: Window): Promise<QueueReply>;
  queueAdd(params: { uri: string; position?: number; play?: boolean }): Promise<QueueAddReply>;
  queueRemove(params: { id: number }): Promise<Nothing>;
  queueMove(params: { id: number; to: number }): Promise<Nothing>;
  queueClear(): Promise<Nothing>;
  queueShuffle(): Promise<Nothing>;
  queueSave(params: { name: string; replace?: boolean }): Promise<Nothing>;
  getPlaylists(): Promise<PlaylistsReply>;
  getPlaylist(params: { playlist: string }): Promise<PlaylistReply>;
  playPlaylist(params: { playlist: string }): Promise<Nothing>;
  queuePlaylist(params: { playlist: string }): Promise<Nothing>;
  createPlaylist(params: { name: string; files?: string[] }): Promise<Nothing>;
  renamePlaylist(params: { playlist: string; name: string }): Promise<Nothing>;
  deletePlaylist(params: { playlist: string }): Promise<Nothing>;
  playTrack(params: { track_index: number; playlist?: string }): Promise<Nothing>;
  addTrack(params: { track: string; playlist?: string }): Promise<Nothing>;
  removeTrack(params: { track_index: number; playlist?: string }): Promise<Nothing>;
  reorderTrack(params: { from_index: number; to_index: number; playlist?: string }): Promise<Nothing>;
  browse(params?: { path?: string }): Promise<BrowseReply>;
  /** Songs whose tags or file name contain all the words of `query`. */
  search(params: { query: string; start?: number; limit?: number }): Promise<SongsReply>;
  list(params: { tag: Tag; filters?: TagFilter[] }): Promise<ValuesReply>;
  find(params: { filters: TagFilter[]; start?: number; limit?: number }): Promise<SongsReply>;
  updateLibrary(params?: { path?: string; rescan?: boolean }): Promise<Nothing>;
  getCover(params: { file: string }): Promise<CoverReply>;
  getOutputs(): Promise<OutputsReply>;
  setOutput(params: { id: number; enabled: boolean }): Promise<Nothing>;
  setFavourite(params: { file: string; favourite: boolean }): Promise<Nothing>;
  getFavourites(): Promise<SongsReply>;
  /** Pause after so many minutes; `null` cancels. */
  setSleepTimer(params: { minutes: number | null }): Promise<Nothing>;
}

/** The sound card and what is mixed into it. */
export interface AudioCommands {
  setVolume(params: { volume: number }): Promise<VolumeReply>;
  changeVolume(params: { by: number }): Promise<VolumeReply>;
  setMute(params: { mute: boolean }): Promise<Nothing>;
  chime(params?: { chime?: 'ready' | 'done' | 'attention' | 'error' }): Promise<Nothing>;
  /** A tone on each channel in turn; takes a few seconds. */
  test(params?: { frequency?: number; level?: number; duration?: number }): Promise<SoundTestReport>;
  setExclusive(params: { exclusive: boolean }): Promise<Nothing>;
  getStatus(): Promise<AudioState>;
}

/** The box itself. */
export interface SystemCommands {
  getState(): Promise<State>;
  getStatus(): Promise<SystemState>;
  getConfig(): Promise<ConfigReply>;
  reload(): Promise<ReloadReply>;
}

/** Every command of a box, a group per section. */
export interface Sections {
  player: PlayerCommands;
  audio: AudioCommands;
  system: SystemCommands;
}
