import { fill, h, setText, withCode } from '../dom.js';
import { counted, spanInWords } from '../format.js';
import { icon } from '../icons.js';
import { sentence } from '../update/words.js';
import { watch } from '../watch.js';
import { LINKS, conditionOf } from './words.js';

/** @typedef {import('/client/state.d.ts').IotHubState} IotHubState */

/** How often spans of time are told anew, milliseconds. */
const MINUTE_HAND = 15_000;

/** Whether the hub is there, since when, and why not. @param {import('../context.js').Context} context @param {AbortSignal} signal */
export function makeHubCard({ client, clock }, signal) {
  const mark = h('span', { class: 'mark' });
  const link = h('h3', {});
  const since = h('span', { class: 'hushed' });
  const cause = h('span', {});
  const nextStep = h('strong', {});
  const part = h('div', { class: 'part' }, mark, h('div', { class: 'line' }, link, since), h('p', { class: 'more' }, cause, ' ', nextStep));
  const facts = h('dl', { class: 'facts-list' });
  const present = h('div', { class: 'section' }, part, facts);
  const absent = h('div', { class: 'section' },
    h('p', {}, 'This box is connected to no cloud, and needs none.'),
    h('p', { class: 'hushed' }, 'To connect it to Azure IoT Hub, give it a section ', h('code', {}, '[iot_hub]'), ' in its configuration.'));
  const card = h('section', { class: 'card', 'aria-label': 'Azure IoT Hub' }, h('h2', {}, 'Azure IoT Hub'), present, absent);

  const tell = () => {
    const hub = client.state?.iot_hub;
    if (!hub) return;
    const span = spanInWords(Date.now() - clock.local(hub.since));
    setText(since, hub.link === 'connected' ? `for ${span}` : `no connection for ${span}`);
  };
  watch(client, ({ iot_hub: hub, system }) => [hub && { ...hub, waiting: 0, sent: 0, received: [] }, system.health.iot_hub], () => {
    const hub = client.state?.iot_hub;
    present.hidden = !hub;
    absent.hidden = Boolean(hub);
    if (!hub) return;
    const how = conditionOf(hub, client.state?.system.health.iot_hub);
    if (part.dataset.condition !== how.condition) fill(mark, icon(how.condition === 'ok' ? 'check' : how.condition === 'starting' ? 'refresh' : 'warn'));
    part.dataset.condition = how.condition;
    setText(link, LINKS[hub.link] ?? hub.link);
    fill(cause, withCode(how.cause ? sentence(how.cause) : how.condition === 'ok' ? 'All is well.' : ''));
    fill(nextStep, withCode(sentence(how.nextStep)));
    fill(facts, factsOf(hub).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
    tell();
  }, signal);
  const timer = setInterval(tell, MINUTE_HAND);
  signal.addEventListener('abort', () => clearInterval(timer));
  return card;
}

/** @param {IotHubState} hub @returns {Array<[string, string]>} */
function factsOf({ hub, device_id: device, connections, desired_version: version }) {
  return [
    ['Hub', hub || 'not known yet'],
    ['Device', device || 'not known yet'],
    ['Connected', `${counted(connections, 'time')} since the start`],
    ['Twin', version > 0 ? `version ${version.toLocaleString()} obeyed` : 'not read yet'],
  ];
}
