import { h } from '../dom.js';
import { icon } from '../icons.js';

/**
 * A row that leads somewhere or does something: a folder, an artist, a playlist.
 * @param {{ icon: import('../icons.js').IconName, title: string, detail?: string, href?: string, pick?: () => unknown,
 *   actions?: Array<{ icon: import('../icons.js').IconName, label: string, choose: () => unknown }> }} options
 */
export function makePlainRow({ icon: name, title, detail, href, pick, actions = [] }) {
  const words = [h('span', { class: 'glyph' }, icon(name)), h('span', { class: 'words' }, h('span', { class: 'title clip' }, title), detail ? h('span', { class: 'detail clip' }, detail) : null)];
  return h('li', { class: 'row' },
    href ? h('a', { class: 'pick', href, data: { control: 'pick' } }, words) : h('button', { type: 'button', class: 'pick', onclick: pick, data: { control: 'pick' } }, words),
    actions.map((action, index) => h('button', { type: 'button', class: 'icon-button', 'aria-label': `${action.label}: ${title}`, title: action.label, onclick: action.choose, data: { control: `action-${index}` } }, icon(action.icon))));
}
