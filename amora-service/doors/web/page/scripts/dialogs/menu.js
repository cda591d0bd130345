import { h } from '../dom.js';
import { icon } from '../icons.js';
import { openSheet } from './sheet.js';

/** @typedef {{ icon: import('../icons.js').IconName, label: string, choose: () => unknown }} MenuEntry */

/**
 * A list of things to do.
 * @param {string} title
 * @param {MenuEntry[]} entries
 * @param {Node} [heading]
 */
export async function openMenu(title, entries, heading) {
  /** @type {MenuEntry | undefined} */
  let chosen;
  await openSheet(title, (close) => [
    heading ?? null,
    h('div', { class: 'menu' }, entries.map((entry) => h('button', {
      type: 'button',
      onclick: () => {
        chosen = entry;
        close();
      },
    }, icon(entry.icon), h('span', { class: 'clip' }, entry.label)))),
  ]);
  await chosen?.choose();
}
