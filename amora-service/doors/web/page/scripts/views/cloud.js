import { makeHubCard } from '../cloud/hub-card.js';
import { makeOutboxCard } from '../cloud/outbox-card.js';
import { makeReceivedCard } from '../cloud/received-card.js';
import { makeUpdateCard } from '../cloud/update-card.js';
import { h } from '../dom.js';
import { makeBoxTabs } from './box-tabs.js';

/** The connection to the cloud, and what goes over it. @type {import('../context.js').View} */
export function cloudView(context, _path, signal) {
  return h('div', { class: 'view' },
    h('h1', { tabindex: '-1' }, 'Cloud'), makeBoxTabs('cloud'),
    h('div', { class: 'columns' },
      h('div', { class: 'section' }, makeHubCard(context, signal), makeOutboxCard(context, signal)),
      h('div', { class: 'section' }, makeReceivedCard(context, signal), makeUpdateCard(context, signal))));
}
