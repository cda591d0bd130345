import { fill, h, setText } from '../dom.js';
import { watch } from '../watch.js';

/** Messages to the cloud: what waits, what went, what was lost. @param {import('../context.js').Context} context @param {AbortSignal} signal */
export function makeOutboxCard({ client }, signal) {
  const figures = h('dl', { class: 'tally' });
  const words = h('p', { class: 'hushed' });
  const card = h('section', { class: 'card section', 'aria-label': 'Messages to the cloud' }, h('h2', {}, 'Messages to the cloud'), figures, words);
  watch(client, ({ iot_hub: hub }) => hub && [hub.waiting, hub.sent, hub.dropped, hub.link === 'connected'], () => {
    const hub = client.state?.iot_hub;
    card.hidden = !hub;
    if (!hub) return;
    /** @type {Array<[string, number, string]>} */
    const counts = [['Waiting', hub.waiting, ''], ['Sent', hub.sent, ''], ['Dropped', hub.dropped, hub.dropped > 0 ? 'bad' : '']];
    fill(figures, counts.map(([name, count, state]) => h('div', { data: { state } }, h('dt', {}, name), h('dd', {}, count.toLocaleString()))));
    setText(words, inWords(hub));
  }, signal);
  return card;
}

/** @param {import('/client/state.d.ts').IotHubState} hub */
function inWords({ waiting, dropped, link }) {
  const kept = waiting === 0 ? '' : link === 'connected' ? 'What waits is being sent.' : 'What waits is kept, and sent once the hub is there again.';
  const lost = dropped === 0 ? '' : 'Too many waited: the oldest were dropped.';
  return [kept, lost].filter(Boolean).join(' ') || 'Nothing waits.';
}
