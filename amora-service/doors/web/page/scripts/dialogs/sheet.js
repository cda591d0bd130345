import { h } from '../dom.js';
import { icon } from '../icons.js';

/**
 * Opens a dialogue: from below on a phone, in the middle elsewhere. The focus goes in, stays in, and returns to where it was.
 * @param {string} title
 * @param {(close: () => void, signal: AbortSignal) => (Node | string | null)[]} body
 * @returns {Promise<void>} when it is closed
 */
export function openSheet(title, body) {
  return new Promise((resolve) => {
    const ended = new AbortController();
    const close = () => dialog.close();
    const heading = h('h2', { id: 'sheet-title' }, title);
    const closer = h('button', { class: 'icon-button', type: 'button', 'aria-label': 'Close', onclick: close }, icon('close'));
    const dialog = h('dialog', { 'aria-labelledby': 'sheet-title' }, h('header', {}, heading, closer));
    dialog.append(h('div', { class: 'body' }, body(close, ended.signal)));
    const before = document.activeElement;
    dialog.addEventListener('click', (event) => {
      if (event.target === dialog) close();
    });
    dialog.addEventListener('close', () => {
      ended.abort();
      dialog.remove();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      resolve();
    });
    window.addEventListener('hashchange', close, { signal: ended.signal });
    document.body.append(dialog);
    dialog.showModal();
  });
}
