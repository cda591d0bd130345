/**
 * The messages of a box's MQTT topics. Two dialects exist, `camelCase` with milliseconds and `snake_case` with seconds;
 * both are read, and the first is spoken, as the original SDK did.
 */
import { AmoraError } from './errors.js';

/** @typedef {import('./state.d.ts').PlayerState} PlayerState */
/** @typedef {import('./state.d.ts').Song} Song */

/** What the `state` topic tells, in the terms of the state document. */
/** @typedef {Partial<PlayerState> & { volume?: number }} StateNews */

/**
 * @param {string} command
 * @param {string} commandId
 * @param {object} params
 */
export function commandMessage(command, commandId, params) {
  return JSON.stringify({ command, commandId, params, timestamp: Date.now() });
}

/**
 * @param {string} text
 * @returns {{ id: string, data: any } | { id: string, error: AmoraError }}
 */
export function readResponse(text) {
  const message = readObject(text);
  const id = message.commandId ?? message.command_id;
  if (typeof id !== 'string') throw new AmoraError('protocol', 'a response without an id');
  // The box wraps what a command returned, as the original did.
  if (message.result === true) return { id, data: message.data?.result ?? message.data ?? {} };
  const told = message.error ?? message.data?.error ?? message.data ?? {};
  return { id, error: AmoraError.from({ code: told.code, field: told.field, message: told.message ?? message.message }) };
}

/**
 * @param {string} text
 * @returns {StateNews}
 */
export function readState(text) {
  const message = readObject(text);
  const song = readSong(message.currentSong ?? message.current_song);
  const time = number(message.timestamp_ms) ?? number(message.timestamp) ?? Date.now();
  /** @type {StateNews} */
  const news = {
    state: readPlayback(message.state),
    song,
    position: number(message.currentSong?.position ?? message.current_song?.position) ?? 0,
    // Seconds since 1970 stay below this until the year 5138; milliseconds passed it in 1973.
    position_at: Math.round(time < 1e11 ? time * 1000 : time),
  };
  const volume = number(message.volume);
  if (volume !== undefined) news.volume = volume;
  if (typeof message.repeat === 'boolean') news.repeat = message.repeat;
  if (typeof message.random === 'boolean') news.random = message.random;
  if (typeof message.playlist === 'string' || message.playlist === null) news.playlist = message.playlist;
  return news;
}

/**
 * @param {string} text
 * @returns {import('./state.d.ts').BoxEvent & { sequence?: number }}
 */
export function readEvent(text) {
  const message = readObject(text);
  if (typeof message.event !== 'string') throw new AmoraError('protocol', 'an event without a name');
  return message;
}

/** Whether the box is there. @param {string} text */
export function readConnection(text) {
  return readObject(text).status === 'online';
}

/** @param {any} state @returns {PlayerState['state']} */
function readPlayback(state) {
  switch (state) {
    case 'play': case 'playing': return 'play';
    case 'pause': case 'paused': return 'pause';
    case 'stop': case 'stopped': return 'stop';
    case 'disconnected': return 'disconnected';
    case 'error': return 'error';
    case 'loading': return 'play';
    default: throw new AmoraError('protocol', `a state of the player that is not known: ${String(state).slice(0, 40)}`);
  }
}

/** @param {any} song @returns {Song | null} */
function readSong(song) {
  if (typeof song !== 'object' || song === null) return null;
  return {
    file: text(song.file) ?? '',
    title: text(song.title) ?? '',
    artist: text(song.artist) ?? 'Unknown',
    album: text(song.album) ?? 'Unknown',
    duration: number(song.duration) ?? 0,
  };
}

/** @param {string} json @returns {any} */
function readObject(json) {
  let value;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new AmoraError('protocol', 'a message that is not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null) throw new AmoraError('protocol', 'a message that is no object');
  return value;
}

/** @param {unknown} value */
const number = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);
/** @param {unknown} value */
const text = (value) => (typeof value === 'string' ? value : undefined);
