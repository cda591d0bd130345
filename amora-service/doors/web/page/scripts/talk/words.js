/** What the voice desk says, in words for people. */

import { decimal } from '../format.js';

/** @typedef {import('/client/state.d.ts').VoiceState} VoiceState */
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

/** @type {(link: VoiceState['link']) => string} */
export const linkInWords = (link) => (Object.hasOwn(LINKS, link) ? LINKS[link] : link);

/** @type {(engine: import('/client/state.d.ts').EchoEngine) => string} */
export const engineInWords = (engine) => (Object.hasOwn(ENGINES, engine) ? ENGINES[engine] : engine);

/** Whether the hub hears anything. @param {VoiceState} voice */
export const isHeard = ({ link, mute }) => link === 'connected' && !mute;

/** Who hears the microphone. @param {VoiceState} voice */
export function microphoneInWords({ link, mute }) {
  if (mute) return 'The microphone is closed: nothing is sent.';
  return link === 'connected' ? 'The microphone is open: the hub hears the room.' : 'Nothing is sent while there is no call.';
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
