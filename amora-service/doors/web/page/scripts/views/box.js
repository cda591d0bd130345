import { act } from '../actions.js';
import { fill, h, setText, withCode } from '../dom.js';
import { counted, decibels, formatInWords, spanInWords } from '../format.js';
import { icon } from '../icons.js';
import { toggleTheme, watchTheme } from '../theme.js';
import { watch, watchConnection } from '../watch.js';
import { makeBoxTabs } from './box-tabs.js';
import { cloudView } from './cloud.js';
import { systemView } from './system.js';

/** @typedef {import('../context.js').Context} Context */
/** @typedef {import('/client/state.d.ts').AudioState} AudioState */

const CONDITIONS = { ok: 'Working', starting: 'Starting', degraded: 'Trying again', failed: 'Needs help' };
/** Parts whose own name is not what people call them. @type {Record<string, string>} */
const NAMES = { iot_hub: 'Azure IoT Hub' };
const SPANS = ['10', '20', '50', '100', '200', '500', '1k', '2k', '5k', '∞'];

/** How the box is, its cloud, or its system. @type {import('../context.js').View} */
export function boxView(context, path, signal) {
  if (path[0] === 'cloud') return cloudView(context, path, signal);
  if (path[0] === 'system') return systemView(context, path, signal);
  return h('div', { class: 'view' },
    h('h1', { tabindex: '-1' }, 'Box'), makeBoxTabs('overview'),
    h('div', { class: 'columns' },
      makeHealth(context, signal),
      h('div', { class: 'section' }, makeAbout(context, signal), makeConnection(context, signal)),
      makeCard(context, signal),
      makeEngine(context, signal)));
}

/** @param {Context} context @param {AbortSignal} signal */
function makeHealth({ client, clock }, signal) {
  const list = h('div', {});
  watch(client, (state) => state.system.health, (health) => {
    fill(list, Object.entries(health ?? {}).map(([part, { condition, cause, next_step: nextStep, since }]) => h('div', { class: 'part', data: { condition } },
      h('span', { class: 'mark' }, icon(condition === 'ok' ? 'check' : condition === 'starting' ? 'refresh' : 'warn')),
      h('div', { class: 'line' }, h('h3', {}, NAMES[part] ?? part), h('span', { class: 'hushed' }, `${CONDITIONS[condition] ?? condition} for ${spanInWords(Date.now() - clock.local(since))}`)),
      h('p', { class: 'more' }, cause ? [...withCode(cause), nextStep ? h('strong', {}, ' ', withCode(nextStep)) : null] : 'All is well.'))));
  }, signal);
  return h('section', { class: 'card' }, h('h2', {}, 'Health'), list);
}

/** @param {Context} context @param {AbortSignal} signal */
function makeAbout({ client, clock }, signal) {
  const list = h('dl', { class: 'facts-list' });
  const show = () => {
    const system = client.state?.system;
    if (system) showFacts(list, [['Name', system.name], ['Id', system.id], ['Version', system.version], ['Running for', spanInWords(Date.now() - clock.local(system.started_at))]]);
  };
  watch(client, ({ system }) => [system.name, system.id, system.version, system.started_at], show, signal);
  const timer = setInterval(show, 30_000);
  signal.addEventListener('abort', () => clearInterval(timer));
  return h('section', { class: 'card' }, h('h2', {}, 'About'), list);
}

/** @param {Context} context @param {AbortSignal} signal */
function makeConnection(context, signal) {
  const { client } = context;
  const text = h('p', { class: 'hushed' });
  const leave = h('button', { class: 'button', type: 'button', onclick: () => act(context, () => client.logout()) }, icon('exit'), 'Log out');
  const colours = h('button', { class: 'button', type: 'button', onclick: toggleTheme });
  watchTheme((now) => fill(colours, icon(now === 'dark' ? 'sun' : 'moon'), now === 'dark' ? 'Light colours' : 'Dark colours'), signal);
  watchConnection(client, ({ status, authenticated }) => {
    setText(text, status === 'online' ? `Connected to ${client.http.url.host}${authenticated ? '' : ', for reading only'}.` : 'Not connected; trying again.');
    leave.hidden = !authenticated;
  }, signal);
  return h('section', { class: 'card section' }, h('h2', {}, 'Connection'), text,
    h('div', { class: 'choices' }, h('a', { class: 'button', href: '/api/docs' }, icon('box'), 'API documentation'), colours, leave));
}

/** @param {Context} context @param {AbortSignal} signal */
function makeCard({ client }, signal) {
  const list = h('dl', { class: 'facts-list' });
  watch(client, (state) => state.audio && [state.audio.card, state.audio.owner], () => {
    const audio = client.state?.audio;
    if (!audio) return showFacts(list, [['Sound', 'not configured']]);
    const { card } = audio;
    const milliseconds = (/** @type {number} */ frames) => (card.rate > 0 ? ` (${((frames / card.rate) * 1000).toFixed(1)} ms)` : '');
    showFacts(list, [
      ['Card', card.profile || card.kind],
      ['Device', card.device],
      ['State', card.error ?? (card.running ? 'sound is flowing' : 'stopped')],
      ['Format', formatInWords(`${card.rate}:${card.format}:2`).replace(' bit', '')],
      ['Period', `${card.period} frames${milliseconds(card.period)}`],
      ['Buffer', `${card.buffer} frames${milliseconds(card.buffer)}`],
      ['Recording', card.capture ? 'possible' : 'not possible'],
      ['Real-time priority', card.real_time ? 'yes' : 'no'],
      ['Held by', { engine: 'the sound engine', player: 'the player', returning: 'the player, for a moment more' }[audio.owner]],
    ]);
  }, signal);
  return h('section', { class: 'card' }, h('h2', {}, 'Sound card'), list);
}

/** @param {Context} context @param {AbortSignal} signal */
function makeEngine({ client }, signal) {
  const list = h('dl', { class: 'facts-list' });
  const histogram = h('div', { class: 'histogram', role: 'img' });
  watch(client, (state) => state.audio && [state.audio.counters, state.audio.music, state.audio.mixer.limiting], () => {
    const audio = client.state?.audio;
    if (!audio) return;
    const { counters, music, mixer } = audio;
    showFacts(list, [
      ['Periods', counters.periods.toLocaleString()],
      ['Ran dry', counted(counters.xruns, 'time')],
      ['Opened again', counted(counters.reopens, 'time')],
      ['Sources late', counted(counters.underruns, 'time')],
      ['Frames dropped', counters.dropped.toLocaleString()],
      ['Ducked', counted(counters.ducked, 'time')],
      ['Limiter', `${counted(counters.limited, 'period')}, ${decibels(mixer.limiting)} now`],
      ['Music waiting', `${music.fill} of ${music.target} frames`],
      ['Drift of the music', `${music.drift.toFixed(1)} ppm`],
    ]);
    showHistogram(histogram, counters);
  }, signal);
  return h('section', { class: 'card section' }, h('h2', {}, 'Sound engine'), list,
    h('h3', {}, 'Time taken per period, in microseconds'), histogram);
}

/** @param {HTMLElement} element @param {AudioState['counters']} counters */
function showHistogram(element, { callback_microseconds: counts }) {
  const most = Math.max(1, ...counts);
  const all = counts.reduce((sum, count) => sum + count, 0) || 1;
  element.setAttribute('aria-label', `Time taken per period: ${counts.map((count, index) => `up to ${SPANS[index]} microseconds ${((count / all) * 100).toFixed(1)} %`).join(', ')}`);
  // The rare long ones are what one looks for, so the pillars are logarithmic.
  fill(element, counts.map((count, index) => h('span', { class: 'column' }, h('span', { class: 'pillar' }, h('i', { vars: { share: `${(Math.log1p(count) / Math.log1p(most)) * 100}%` } })), h('span', {}, SPANS[index]))));
}

/** @param {HTMLElement} list @param {Array<[string, string]>} facts */
function showFacts(list, facts) {
  fill(list, facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}
