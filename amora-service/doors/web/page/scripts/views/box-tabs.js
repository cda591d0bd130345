import { h } from '../dom.js';
import { route } from '../routes.js';

const TABS = [['overview', 'Overview', route('box')], ['system', 'System and updates', route('box', 'system')]];

/** The way between the parts of the box's view. @param {'overview' | 'system'} present */
export function makeBoxTabs(present) {
  return h('nav', { class: 'tabs', 'aria-label': 'Box' }, TABS.map(([name, label, href]) => h('a', { href, 'aria-current': name === present ? 'page' : undefined }, label)));
}
