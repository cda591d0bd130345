import { fill, h, withCode } from '../dom.js';
import { watch } from '../watch.js';
import { choiceInWords, engineInWords, figure } from './words.js';

/** @typedef {import('/client/state.d.ts').EchoState} EchoState */

/** Who takes the echo away, why, and how well. @param {import('../context.js').Context} context @param {AbortSignal} signal */
export function makeEchoCard({ client }, signal) {
  const facts = h('dl', { class: 'facts-list' });
  const reason = h('p', { class: 'hushed' });
  watch(client, (state) => state.voice && (state.voice.echo ?? null), (echo) => {
    if (!echo) {
      facts.hidden = true;
      return fill(reason, 'No canceller is at work: the box hears nothing at present.');
    }
    facts.hidden = false;
    fill(facts, factsOf(echo).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
    fill(reason, withCode(choiceInWords(echo)));
  }, signal);
  return h('section', { class: 'card section', 'aria-label': 'Echo canceller' }, h('h2', {}, 'Echo canceller'), facts, reason);
}

/** @param {EchoState} echo @returns {Array<[string, string]>} */
function factsOf({ engine, erle, delay_ms: delay, drift, double_talk: doubleTalk, gain }) {
  /** @type {Array<[string, string]>} */
  const facts = [
    ['Engine', engineInWords(engine)],
    ['Echo removed (ERLE)', figure(erle, 'dB')],
    ['Extra delay', figure(delay, 'ms')],
    ['Drift', figure(drift, 'ppm')],
    ['Double talk', figure(typeof doubleTalk === 'number' ? 100 * doubleTalk : null, '%', 0)],
  ];
  return typeof gain === 'number' ? [...facts, ['Gain control adds', figure(gain, 'dB')]] : facts;
}
