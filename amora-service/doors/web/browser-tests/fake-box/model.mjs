import { makeLibrary } from './library.mjs';
import { Talkers } from './talkers.mjs';
import { Updates } from './updates.mjs';

/** @typedef {import('/client/state.d.ts').Song} Song */
/** @typedef {import('/client/state.d.ts').State} State */

/** A failure that the box tells of. */
export class Refusal extends Error {
  /** @param {string} code @param {string} message @param {string} [field] */
  constructor(code, message, field) {
    super(message);
    this.code = code;
    this.field = field;
  }
}

/** A box in memory: the same commands, state and events as the real one, without sound. */
export class Box {
  library = makeLibrary();
  /** @type {Song[]} */
  queue = [];
  /** @type {Map<string, string[]>} */
  playlists = new Map();
  /** @type {Set<string>} */
  favourites = new Set();
  /** Every command carried out, in order. @type {Array<{ command: string, params: any }>} */
  log = [];
  /** Commands that fail, and how. @type {Map<string, Refusal>} */
  refusals = new Map();
  updates = new Updates(this);
  room = new Talkers(this);
  /** @type {(changed: Partial<State>) => void} */
  onChange = () => {};
  /** @type {(event: object) => void} */
  onEvent = () => {};
  #nextId = 1;

  constructor() {
    const now = Date.now();
    const healthy = { condition: /** @type {const} */ ('ok'), cause: '', next_step: '', since: now - 7_400_000 };
    /** @type {State & { audio: NonNullable<State['audio']>, player: NonNullable<State['player']>, update: NonNullable<State['update']> }} */
    this.state = {
      revision: 1,
      system: { id: 'kitchen', name: 'Kitchen', version: '0.1.0', started_at: now - 7_431_000, health: { audio: { ...healthy }, player: { ...healthy }, mqtt: { ...healthy }, web: { ...healthy } } },
      audio: {
        volume: 62, mute: false, owner: 'engine', exclusive: false,
        card: { kind: 'alsa', device: 'hw:CARD=IQaudIODAC', profile: 'IQaudio DAC+', running: true, rate: 48000, format: 'S32_LE', period: 240, buffer: 720, capture: false, real_time: true },
        mixer: { active: ['music'], ducking: 0, limiting: 0 },
        music: { flowing: true, fill: 3810, target: 3840, drift: 12.4 },
        counters: { periods: 1_486_201, xruns: 0, reopens: 1, underruns: 2, dropped: 0, limited: 31, ducked: 4, callback_microseconds: [2031, 918_221, 520_113, 44_801, 980, 52, 3, 0, 0, 0] },
      },
      player: {
        state: 'stop', song: null, position: 0, position_at: now, playlist: null, queue_length: 0, queue_version: 1, queue_position: null,
        repeat: false, random: false, single: false, consume: false, crossfade: 0, replay_gain: 'off', format: '', bitrate: 0,
        library: { songs: this.library.length, artists: 10, albums: 10, updating: false, scanned: 0, updated_at: now },
        outputs: [{ id: 0, name: 'Amora', plugin: 'fifo', enabled: true }, { id: 1, name: 'Bit-perfect', plugin: 'alsa', enabled: false }],
        sleep_at: null, playlists_version: 1,
      },
      update: { phase: 'idle', version: '1.4.2', slot: 'a' },
    };
  }

  /** @param {Song[]} songs */
  enqueue(songs, at = this.queue.length) {
    const added = songs.map((song) => ({ ...song, id: this.#nextId++ }));
    this.queue.splice(at, 0, ...added);
    const { player } = this.state;
    if (typeof player.queue_position === 'number' && at <= player.queue_position) player.queue_position += added.length;
    this.queueChanged();
    return added.map(({ id }) => id);
  }

  /** @param {number} index */
  playAt(index, position = 0) {
    const song = this.queue[index];
    if (!song) throw new Refusal('not_found', `the queue has no entry ${index}`);
    Object.assign(this.state.player, { state: 'play', song: this.known({ ...song, position: index }), position, position_at: Date.now(), queue_position: index, format: '44100:16:2', bitrate: 912 });
    this.changed('player');
    this.onEvent({ time: Date.now(), event: 'player.song_changed', data: { song: this.state.player.song } });
  }

  queueChanged() {
    this.state.player.queue_length = this.queue.length;
    this.state.player.queue_version += 1;
    this.changed('player');
  }

  /** @param {'player' | 'audio' | 'system' | 'update' | 'iot_hub' | 'voice'} section */
  changed(section) {
    this.state.revision += 1;
    this.onChange({ revision: this.state.revision, [section]: this.state[section] });
  }

  /** The door to Azure IoT Hub, connected unless told otherwise. @param {Partial<import('/client/state.d.ts').IotHubState>} [how] */
  setCloud(how = {}) {
    const hub = { link: /** @type {const} */ ('connected'), since: Date.now() - 8_040_000, cause: '', next_step: '', hub: 'fleet-west.azure-devices.net', device_id: 'kitchen', connections: 3, desired_version: 12, waiting: 0, dropped: 0, sent: 1427, received: [] };
    this.state.iot_hub = { ...hub, ...how };
    this.changed('iot_hub');
  }

  /** The voice desk of a simulated room, in a call unless told otherwise. @param {Partial<import('/client/state.d.ts').VoiceState>} [how] */
  setVoice(how = {}) {
    const echo = { engine: /** @type {const} */ ('kalman'), reason: 'the card plays and records by one clock, and its loudspeaker bends nothing', erle: 38.4, delay_ms: 4.2, drift: -12.3, double_talk: 0.031 };
    const counters = { mic_frames_captured: 391_000, mic_frames_sent: 390_950, mic_frames_dropped: 0, tts_frames_received: 4210, tts_frames_played: 4210, tts_frames_dropped: 0, aec_frames_processed: 391_000, connections: 3, connection_failures: 1 };
    this.state.audio.card.kind = 'room';
    this.state.voice = {
      link: 'connected', since: Date.now() - 8_040_000, cause: '', hub: 'http://hub.local:8080', device_id: 'kitchen', mute: false, barge_in: false,
      uptime_seconds: 8100, audio_callback_duration_ms: 0.4, queues: { microphone: 0, speech: 0 }, counters, echo, ...this.state.voice, ...how,
    };
    this.changed('audio');
    this.changed('voice');
  }

  /** @param {string} how */
  goDown(how) {
    this.onEvent({ time: Date.now(), event: 'box.going_down', data: { how, cause: 'asked for' } });
  }

  /** @param {Song} song */
  known(song) {
    return { ...song, favourite: this.favourites.has(song.file) };
  }

  /** @param {string} file */
  find(file) {
    return this.library.find((song) => song.file === file) ?? { file, title: file.split('/').at(-1) ?? file, artist: 'Unknown', album: 'Unknown', duration: 0 };
  }

  /** @param {string} command @param {any} params @returns {any} */
  execute(command, params) {
    this.log.push({ command, params });
    const refusal = this.refusals.get(command);
    if (refusal) throw refusal;
    const [section, verb] = command.split('.');
    const commands = /** @type {Record<string, Record<string, (params: any) => any>>} */ (COMMANDS(this));
    const run = commands[section]?.[verb];
    if (!run) throw new Refusal('unknown_command', `there is no command \`${command}\``);
    return run(params) ?? {};
  }
}

/** @param {Box} box */
const COMMANDS = (box) => {
  const { player, audio } = box.state;
  const set = (/** @type {object} */ change) => {
    Object.assign(player, change);
    box.changed('player');
  };
  const present = () => (player.state === 'play' ? player.position + (Date.now() - player.position_at) / 1000 : player.position);
  const indexOf = (/** @type {number} */ id) => {
    const index = box.queue.findIndex((song) => song.id === id);
    if (index < 0) throw new Refusal('not_found', `the queue has no entry with id ${id}`, 'id');
    return index;
  };
  const move = (/** @type {number} */ from, /** @type {number} */ to) => {
    const playing = typeof player.queue_position === 'number' ? box.queue[player.queue_position] : undefined;
    const [song] = box.queue.splice(from, 1);
    box.queue.splice(to, 0, song);
    if (playing) player.queue_position = box.queue.indexOf(playing);
    box.queueChanged();
  };
  const files = (/** @type {string} */ uri) => {
    const songs = box.library.filter(({ file }) => file === uri || file.startsWith(`${uri}/`));
    if (songs.length === 0) throw new Refusal('not_found', `there is no ${uri} in the library`, 'uri');
    return songs;
  };
  const listOf = (/** @type {string} */ name) => {
    const list = box.playlists.get(name);
    if (!list) throw new Refusal('not_found', `there is no playlist called ${name}`, 'playlist');
    return list;
  };
  const playlistsChanged = () => set({ playlists_version: player.playlists_version + 1 });
  const matches = (/** @type {any} */ song, /** @type {any[]} */ filters = []) => filters.every(({ tag, value }) => song[tag] === value);
  const page = (/** @type {Song[]} */ songs, start = 0, limit = 200) => ({ songs: songs.slice(start, start + limit).map((song) => box.known(song)), more: songs.length > start + limit });
  const volume = (/** @type {number} */ value) => {
    audio.volume = Math.max(0, Math.min(100, Math.round(value)));
    box.changed('audio');
    return { volume: audio.volume, mute: audio.mute };
  };
  return {
    player: {
      play: (/** @type {any} */ { id, position }) => {
        if (id !== undefined || position !== undefined || player.song === null) box.playAt(id === undefined ? (position ?? 0) : indexOf(id));
        else set({ state: 'play', position_at: Date.now() });
      },
      pause: () => set({ position: present(), position_at: Date.now(), state: 'pause' }),
      stop: () => set({ state: 'stop', song: null, position: 0, queue_position: null }),
      next: () => box.playAt((player.queue_position ?? -1) + 1),
      previous: () => box.playAt(Math.max(0, (player.queue_position ?? 1) - 1)),
      seek: (/** @type {any} */ { position }) => set({ position, position_at: Date.now() }),
      set_repeat: (/** @type {any} */ { repeat }) => set({ repeat }),
      set_random: (/** @type {any} */ { random }) => set({ random }),
      set_single: (/** @type {any} */ { single }) => set({ single }),
      set_consume: (/** @type {any} */ { consume }) => set({ consume }),
      set_crossfade: (/** @type {any} */ { seconds }) => set({ crossfade: seconds }),
      set_replay_gain: (/** @type {any} */ { mode }) => set({ replay_gain: mode }),
      get_queue: (/** @type {any} */ { start = 0, limit = 16_384 }) => ({ total: box.queue.length, start, version: player.queue_version, songs: box.queue.slice(start, start + limit).map((song, index) => ({ ...song, position: start + index })) }),
      queue_add: (/** @type {any} */ { uri, position, play }) => {
        const ids = box.enqueue(files(uri), position);
        if (play) box.playAt(indexOf(ids[0]));
        return { ids };
      },
      queue_find: (/** @type {any} */ { filters, position, play }) => {
        const ids = box.enqueue(box.library.filter((song) => matches(song, filters)), position);
        if (play && ids.length > 0) box.playAt(indexOf(ids[0]));
        return { ids };
      },
      queue_remove: (/** @type {any} */ { id }) => {
        box.queue.splice(indexOf(id), 1);
        box.queueChanged();
      },
      queue_move: (/** @type {any} */ { id, to }) => move(indexOf(id), to),
      queue_clear: () => {
        box.queue = [];
        Object.assign(player, { state: 'stop', song: null, queue_position: null });
        box.queueChanged();
      },
      queue_shuffle: () => box.queueChanged(),
      queue_save: (/** @type {any} */ { name, replace }) => {
        if (box.playlists.has(name) && !replace) throw new Refusal('conflict', `there is a playlist called ${name} already`, 'name');
        box.playlists.set(name, box.queue.map(({ file }) => file));
        playlistsChanged();
      },
      get_playlists: () => ({ playlists: [...box.playlists.keys()].sort().map((name) => ({ name, modified: '2026-03-14T18:20:00Z' })) }),
      get_playlist: (/** @type {any} */ { playlist }) => ({ name: playlist, items: listOf(playlist).map((file) => box.find(file)) }),
      play_playlist: (/** @type {any} */ { playlist }) => {
        box.queue = [];
        box.enqueue(listOf(playlist).map((file) => box.find(file)));
        player.playlist = playlist;
        box.playAt(0);
      },
      queue_playlist: (/** @type {any} */ { playlist }) => void box.enqueue(listOf(playlist).map((file) => box.find(file))),
      create_playlist: (/** @type {any} */ { name, files: wanted = [] }) => {
        box.playlists.set(name, [...wanted]);
        playlistsChanged();
      },
      rename_playlist: (/** @type {any} */ { playlist, name }) => {
        box.playlists.set(name, listOf(playlist));
        box.playlists.delete(playlist);
        playlistsChanged();
      },
      delete_playlist: (/** @type {any} */ { playlist }) => {
        listOf(playlist);
        box.playlists.delete(playlist);
        playlistsChanged();
      },
      play_track: (/** @type {any} */ { track_index: index, playlist }) => {
        box.queue = [];
        box.enqueue(listOf(playlist).map((file) => box.find(file)));
        box.playAt(index);
      },
      add_track: (/** @type {any} */ { track, playlist }) => {
        listOf(playlist).push(track);
        playlistsChanged();
      },
      remove_track: (/** @type {any} */ { track_index: index, playlist }) => {
        listOf(playlist).splice(index, 1);
        playlistsChanged();
      },
      reorder_track: (/** @type {any} */ { from_index: from, to_index: to, playlist }) => {
        const list = listOf(playlist);
        list.splice(to, 0, ...list.splice(from, 1));
        playlistsChanged();
      },
      browse: (/** @type {any} */ { path = '' }) => {
        const prefix = path ? `${path}/` : '';
        const below = box.library.filter(({ file }) => file.startsWith(prefix));
        const folders = [...new Set(below.filter(({ file }) => file.slice(prefix.length).includes('/')).map(({ file }) => prefix + file.slice(prefix.length).split('/')[0]))];
        return { path, folders, songs: below.filter(({ file }) => !file.slice(prefix.length).includes('/')), playlists: [] };
      },
      search: (/** @type {any} */ { query, start, limit }) => {
        const words = query.toLowerCase().split(/\s+/);
        return page(box.library.filter(({ title, artist, album }) => words.every((/** @type {string} */ word) => `${title} ${artist} ${album}`.toLowerCase().includes(word))), start, limit);
      },
      list: (/** @type {any} */ { tag, filters }) => ({ values: [...new Set(box.library.filter((song) => matches(song, filters)).map((song) => Reflect.get(song, tag)))].sort() }),
      find: (/** @type {any} */ { filters, start, limit }) => page(box.library.filter((song) => matches(song, filters)), start, limit),
      update_library: () => set({ library: { ...player.library, updating: true, scanned: 17 } }),
      set_output: (/** @type {any} */ { id, enabled }) => set({ outputs: player.outputs.map((output) => (output.id === id ? { ...output, enabled } : output)) }),
      set_favourite: (/** @type {any} */ { file, favourite }) => {
        box.favourites[favourite ? 'add' : 'delete'](file);
        if (player.song?.file === file) set({ song: { ...player.song, favourite } });
      },
      get_favourites: () => ({ songs: [...box.favourites].map((file) => box.known(box.find(file))), more: false }),
      set_sleep_timer: (/** @type {any} */ { minutes }) => set({ sleep_at: minutes === null ? null : Date.now() + minutes * 60_000 }),
      get_status: () => player,
    },
    audio: {
      set_volume: (/** @type {any} */ params) => volume(params.volume),
      change_volume: (/** @type {any} */ { by }) => volume(audio.volume + by),
      set_mute: (/** @type {any} */ { mute }) => {
        audio.mute = mute;
        box.changed('audio');
      },
      chime: () => ({}),
      test: () => ({ pass: true, listened: true, xruns: 0, advice: '', channels: ['left', 'right'].map((channel) => ({ channel, pass: true, sent: -20, heard: -31.2, noise: -74.5, frequency: 1000.1, delay: 9, drift: 3.1 })) }),
      set_exclusive: (/** @type {any} */ { exclusive }) => {
        Object.assign(audio, { exclusive, owner: exclusive ? 'player' : 'engine' });
        box.changed('audio');
      },
      get_status: () => audio,
    },
    update: box.updates.commands,
    voice: {
      connect: () => box.setVoice({ link: 'connecting', cause: '', since: Date.now() }),
      disconnect: () => box.setVoice({ link: 'off', since: Date.now() }),
      mute: (/** @type {any} */ { mute }) => box.setVoice({ mute }),
    },
    box: {
      restart: () => box.goDown('restart'),
      power_off: () => box.goDown('power_off'),
      factory_reset: (/** @type {any} */ { confirm }) => {
        if (confirm !== box.state.system.id) throw new Refusal('invalid_parameter', 'parameter `confirm`: is not the id of this box', 'confirm');
        return box.goDown('factory_reset');
      },
    },
    system: { get_state: () => box.state, get_status: () => box.state.system, get_config: () => ({ config: { update: { restart: 'window', window: '03:00-05:00' } }, origin: {} }) },
  };
};
