import { h } from '../dom.js';
import { makePowerCard } from '../machine/power-card.js';
import { makeInstallCard } from '../update/install-card.js';
import { makeOutcomeCard } from '../update/outcome-card.js';
import { makePresentCard } from '../update/present-card.js';
import { makeBoxTabs } from './box-tabs.js';

/** The installed system: its updates and its power. @type {import('../context.js').View} */
export function systemView(context, _path, signal) {
  return h('div', { class: 'view' },
    h('h1', { tabindex: '-1' }, 'System'), makeBoxTabs('system'),
    h('div', { class: 'columns' },
      h('div', { class: 'section' }, makePresentCard(context, signal), makeOutcomeCard(context, signal)),
      h('div', { class: 'section' }, makeInstallCard(context, signal), makePowerCard(context, signal))));
}
