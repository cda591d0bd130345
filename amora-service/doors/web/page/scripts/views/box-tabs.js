import { h } from '../dom.js';
import { route } from '../routes.js';

const TABS = [['overview', 'Overview', route('box')], ['cloud', 'Cloud', route('box', 'cloud')], ['system', 'System and updates', route('box', 'system')]];

/** The way between the parts of the box's view. @param {'overview' | 'cloud' | 'system'} present */
export function makeBoxTabs(present) {
  return h('nav', { class: 'tabs', 'aria-label': 'Box' }, TABS.map(([name, label, href]) => h('a', { href, 'aria-current': name === present ? 'page' : undefined }, label)));
}
