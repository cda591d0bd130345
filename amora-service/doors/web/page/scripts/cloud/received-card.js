import { fill, h } from '../dom.js';
import { momentInWords } from '../format.js';
import { icon } from '../icons.js';
import { watch } from '../watch.js';
import { isGood, statusInWords } from './words.js';

/** What the cloud asked for last, and how it was answered. @param {import('../context.js').Context} context @param {AbortSignal} signal */
export function makeReceivedCard({ client, clock }, signal) {
  const list = h('ul', {});
  const none = h('p', { class: 'hushed' }, 'Nothing since the service started.');
  const card = h('section', { class: 'card', 'aria-label': 'Asked by the cloud' }, h('h2', {}, 'Asked by the cloud'), none, list);
  watch(client, ({ iot_hub: hub }) => hub?.received, (received) => {
    card.hidden = !received;
    none.hidden = Boolean(received?.length);
    fill(list, (received ?? []).map(({ at, name, status }) => h('li', { class: 'part', data: { condition: isGood(status) ? 'ok' : 'degraded' } },
      h('span', { class: 'mark' }, icon(isGood(status) ? 'check' : 'warn')),
      h('div', { class: 'line' }, h('h3', {}, name), h('span', { class: 'hushed' }, momentInWords(clock.local(at)))),
      h('p', { class: 'more' }, statusInWords(status)))));
  }, signal);
  return card;
}
