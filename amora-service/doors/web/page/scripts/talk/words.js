/** What the voice desk says, in words for people. */

import { decimal } from '../format.js';
import { sentence } from '../update/words.js';

/** @typedef {import('/client/state.d.ts').VoiceState} VoiceState */
/** @typedef {import('/client/state.d.ts').AudioState} AudioState */
/** @typedef {import('/client/state.d.ts').Health} Health */

/** @type {Record<import('/client/state.d.ts').VoiceLink, string>} */
const LINKS = {
  off: 'No call',
  connecting: 'Calling',
  connected: 'In a call',
  interrupted: 'The call is interrupted',
  waiting: 'No call, trying again',
};

/** @type {Record<import('/client/state.d.ts').EchoEngine, string>} */
const ENGINES = { auto: 'Automatic', speex: 'SpeexDSP', aec3: 'WebRTC AEC3', kalman: "Kalman, the box's own", off: 'Off' };

/** @type {Record<string, string>} */
const SHORT = { kalman: 'Kalman', aec3: 'AEC3', speex: 'SpeexDSP' };

/** Why an engine was chosen, with the engines' names as people write them. @param {import('/client/state.d.ts').EchoState} echo */
export function choiceInWords({ engine, reason }) {
  const because = `${engine}, because `;
  const told = reason?.startsWith(because) ? `chosen because ${reason.slice(because.length)}` : (reason ?? '');
  return sentence(told.replace(/\b(kalman|aec3|speex)\b/g, (name) => SHORT[name]));
}

/** @type {(link: VoiceState['link']) => string} */
export const linkInWords = (link) => (Object.hasOwn(LINKS, link) ? LINKS[link] : link);

/** @type {(engine: import('/client/state.d.ts').EchoEngine) => string} */
export const engineInWords = (engine) => (Object.hasOwn(ENGINES, engine) ? ENGINES[engine] : engine);

/** Whether the player has the card alone, so that the box neither hears nor says anything. @param {AudioState | null | undefined} audio */
export const isLent = (audio) => Boolean(audio) && audio?.owner !== 'engine';

/** Whether the hub hears anything. @param {VoiceState} voice @param {AudioState | null | undefined} audio */
export const isHeard = ({ link, mute }, audio) => link === 'connected' && !mute && !isLent(audio);

/** Who hears the microphone. @param {VoiceState} voice @param {AudioState | null | undefined} audio */
export function microphoneInWords({ link, mute }, audio) {
  if (mute) return 'The microphone is closed: nothing is sent.';
  if (link === 'connected' && isLent(audio)) return 'The player has the sound card alone: the hub hears nothing.';
  return link === 'connected' ? 'The microphone is open: the hub hears the room.' : 'Nothing is sent while there is no call.';
}

/** Why nobody in the room would hear the hub; empty where they do. @param {VoiceState} voice @param {AudioState | null | undefined} audio */
export function loudspeakerInWords({ link }, audio) {
  if (link !== 'connected' || !audio || isLent(audio)) return '';
  if (audio.mute) return 'The box is muted: its answers are not heard.';
  return audio.volume === 0 ? 'The volume is at zero: its answers are not heard.' : '';
}

/**
 * How the call is, as the health of a part is told.
 * @param {VoiceState} voice @param {Health | undefined} health
 */
export function conditionOf({ link, cause }, health) {
  const nextStep = health?.next_step ?? '';
  switch (link) {
    case 'off': return { condition: 'off', cause: cause || 'Nobody is called until somebody asks for it.', nextStep: '' };
    case 'connected': {
      const lacks = health?.condition === 'degraded' || health?.condition === 'failed';
      return lacks ? { condition: 'degraded', cause: health.cause, nextStep } : { condition: 'ok', cause: '', nextStep: '' };
    }
    case 'connecting': return { condition: cause ? 'degraded' : 'starting', cause, nextStep };
    default: return { condition: 'degraded', cause, nextStep };
  }
}

/** A figure of the box, where it has one. @param {unknown} value @param {string} unit @param {number} [digits] */
export function figure(value, unit, digits = 1) {
  return typeof value === 'number' && Number.isFinite(value) ? `${decimal(value, digits)} ${unit}` : 'not known yet';
}
