import { h, setText } from '../dom.js';
import { decibels, decimal } from '../format.js';
import { LevelBar, clearCanvas } from '../sound/level-bar.js';
import { sentence } from '../update/words.js';
import { watchConnection } from '../watch.js';
import { History, SILENCE } from './history.js';
import { drawPlot } from './plot.js';
import { isHeard, isLent } from './words.js';

/** @typedef {import('./history.js').Reading} Reading */

/** What the meters show, decibels. */
const FLOOR = -90;
/** Nothing came for so long: nothing is heard, milliseconds. */
const STALE = 600;
/** Time between two readings in words, and between two summaries, milliseconds. */
const WORDS = 500;
const SUMMARY = 2000;
/** How long after its end what was said from here may still be heard there: the room waits a little, and so does the network, milliseconds. */
const ON_ITS_WAY = 1000;
/** Time between two pictures of the meters; and of anything where motion is not wanted, milliseconds. */
const MOVING = 30;
const STILL = 1000;

const NOTHING = { rms: SILENCE, peak: SILENCE };

/**
 * What the box hears and what the hub hears of it: meters, and the last half minute as a picture.
 * @param {import('../context.js').Context} context
 * @param {import('./talker.js').Talker} talker
 * @param {AbortSignal} signal
 */
export function makeLevelsCard({ client, listener }, talker, signal) {
  const history = new History();
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  const microphone = makeRow('Microphone');
  const hub = makeRow('Sent to the hub');
  const canvas = h('canvas', { class: 'plot', 'aria-hidden': 'true' });
  const nothing = h('p', { class: 'nothing', role: 'status' });
  const summary = h('figcaption', { class: 'hushed' });
  const legend = h('ul', { class: 'legend' }, [['microphone', 'Microphone'], ['hub', 'After cancelling'], ['held', 'Not sent'], ['removed', 'Echo removed'], ['speaking', 'Somebody speaks']].map(([name, words]) => h('li', { data: { name } }, words)));
  const card = h('section', { class: 'card section levels-card', 'aria-label': 'What is heard' }, h('h2', {}, 'What is heard'),
    h('div', { class: 'level-rows' }, microphone.element, hub.element),
    h('figure', { class: 'section' }, legend, h('div', { class: 'plot-frame' }, canvas, nothing), summary));

  let frame = 0;
  let receivedAt = -Infinity;
  let talkedAt = -Infinity;
  let [movedAt, drawnAt, spokenAt, summedAt] = [-Infinity, -Infinity, -Infinity, -Infinity];
  let grown = true;
  const stranger = () => client.online && !client.connection.authenticated;

  const take = (/** @type {Int16Array} */ block) => {
    receivedAt = performance.now();
    if (talker.status === 'talking') talkedAt = receivedAt;
    const { voice, audio } = client.state ?? {};
    const circumstances = { sounding: (audio?.mixer?.active?.length ?? 0) > 0, speaking: voice?.barge_in === true || receivedAt - talkedAt < ON_ITS_WAY, muted: !voice || !isHeard(voice, audio) };
    if (history.push(block, receivedAt, circumstances)) grown = true;
  };
  const explain = () => {
    const { status, reason } = listener.heard;
    if (stranger()) setText(nothing, 'Log in to see what the box hears.');
    else if (performance.now() - receivedAt < STALE) setText(nothing, '');
    else if (isLent(client.state?.audio)) setText(nothing, 'The player has the sound card alone (exclusive mode): the box hears nothing until that ends.');
    else if (status === 'on') setText(nothing, 'Nothing comes at the moment.');
    else setText(nothing, reason ? sentence(reason) : status === 'waiting' ? 'The sound stopped coming. Trying again…' : 'Connecting to the sound of the box…');
  };
  const draw = (/** @type {number} */ time) => {
    frame = requestAnimationFrame(draw);
    const fresh = time - receivedAt < STALE;
    const { voice, audio } = client.state ?? {};
    const sent = voice && isHeard(voice, audio);
    const readings = { microphone: fresh ? history.reading.microphone : NOTHING, hub: fresh && sent ? history.reading.hub : NOTHING };
    if (time - spokenAt >= WORDS) {
      spokenAt = time;
      microphone.tell(fresh ? decibels(readings.microphone.rms) : '–');
      hub.tell(!voice || voice.link !== 'connected' ? 'no call' : voice.mute ? 'closed' : fresh ? decibels(readings.hub.rms) : '–');
      explain();
    }
    if (time - summedAt >= SUMMARY) {
      summedAt = time;
      setText(summary, inWords(history));
    }
    // A bar that moves by itself is motion too.
    if (time - movedAt < (calm.matches ? STILL : MOVING)) return;
    movedAt = time;
    microphone.draw(readings.microphone, time);
    hub.draw(readings.hub, time);
    if ((!grown || calm.matches) && time - drawnAt < STILL) return;
    drawnAt = time;
    grown = false;
    drawPlot(canvas, history.points, Math.max(history.points.at(-1)?.time ?? 0, fresh ? 0 : time));
  };

  // Nobody looks at a hidden page, and strangers are told nothing.
  let give = () => {};
  let taking = false;
  const attend = () => {
    const wanted = !signal.aborted && document.visibilityState === 'visible' && !stranger();
    if (wanted !== taking) {
      taking = wanted;
      if (wanted) give = listener.heard.take({ block: take, change: explain });
      else give();
    }
    explain();
  };
  document.addEventListener('visibilitychange', attend, { signal });
  watchConnection(client, attend, signal);
  frame = requestAnimationFrame(draw);
  signal.addEventListener('abort', () => {
    cancelAnimationFrame(frame);
    attend();
  });
  return card;
}

/** @param {string} name */
function makeRow(name) {
  const canvas = h('canvas', { 'aria-hidden': 'true' });
  const value = h('span', { class: 'figures' }, '–');
  const bar = new LevelBar(FLOOR);
  return {
    element: h('div', { class: 'level-row', role: 'group', 'aria-label': name }, h('span', {}, name), value, canvas),
    /** @param {string} text */
    tell: (text) => setText(value, text),
    /** @param {Reading} reading @param {number} time */
    draw({ rms, peak }, time) {
      const picture = clearCanvas(canvas);
      if (!picture) return;
      const { pen, width, height, scale } = picture;
      bar.move(rms, peak, time);
      bar.draw(pen, { left: 0, top: 3 * scale, width, thick: height - 6 * scale, scale });
    },
  };
}

/** What the picture shows, for those who cannot see it and those who want a figure. @param {History} history */
function inWords(history) {
  const [microphone, hub] = [history.range('microphone'), history.range('hub')];
  if (!microphone || !hub) return 'Nothing was heard in the last 30 seconds.';
  const { removed } = history;
  const told = removed === null ? 'The box did not sound alone, so that no echo could be measured.' : `While the box sounded alone, ${removed.toFixed(0)} dB of its echo were removed.`;
  return `Last 30 seconds: ${told} The microphone heard ${span(microphone)}, of which ${span(hub)} was left.`;
}

/** @param {{ least: number, most: number }} range */
const span = ({ least, most }) => (decimal(least) === decimal(most) ? `${decimal(most)} dB` : `${decimal(least)} to ${decimal(most)} dB`);
