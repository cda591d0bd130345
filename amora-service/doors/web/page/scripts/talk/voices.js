import { RATE } from '../listen/jitter-buffer.js';
import { toInteger } from './microphone.js';

/** @typedef {import('./talker.js').Speech} Speech */
/** A voice that is kept with the page, made by `ci/sample-voices`. @typedef {{ id: string, label: string, words: string, file: string }} Voice */

/** How far ahead of its time speech is sent, so that a busy browser makes no gap, seconds; the box keeps one second at most. */
const AHEAD = 0.2;
/** After a pause of the browser at most this much is sent at once, seconds; the voice goes on later instead. */
const BURST = 0.5;
/** How long after its last word a voice still belongs to the room, seconds. */
const AFTERWARDS = 0.5;
/** Frames of one message: 20 ms. */
const PIECE = 960;

/** @returns {Promise<Voice[]>} */
export async function loadVoices() {
  const { voices } = await (await found('/voices/voices.json')).json();
  return voices.map((/** @type {any} */ { id, label, words }) => ({ id, label, words, file: `/voices/${id}.mp3` }));
}

/**
 * Says what a voice says, as fast as it is spoken.
 * @param {Voice} voice @param {AbortSignal} signal
 * @returns {Promise<Speech>}
 */
export async function openVoice({ file }, signal) {
  const bytes = await (await found(file)).arrayBuffer();
  const sound = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(bytes);
  const samples = Int16Array.from(sound.getChannelData(0), toInteger);
  return (say, ended, progress) => {
    let start = performance.now();
    let sent = 0;
    const send = () => {
      const late = (performance.now() - start) / 1000 + AHEAD - sent / RATE - BURST;
      if (late > 0 && sent < samples.length) start += 1000 * late;
      const seconds = (performance.now() - start) / 1000;
      while (sent < samples.length && sent < (seconds + AHEAD) * RATE) {
        say(samples.subarray(sent, sent + PIECE));
        sent += PIECE;
      }
      progress(Math.min(1, (seconds * RATE) / samples.length));
      if (seconds * RATE >= samples.length + AFTERWARDS * RATE) {
        clearInterval(timer);
        ended('');
      }
    };
    const timer = setInterval(send, 20);
    signal.addEventListener('abort', () => clearInterval(timer));
    send();
  };
}

/** @param {string} path */
async function found(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`The voice could not be loaded: the box answered ${response.status}`);
  return response;
}
