import { h, withCode } from '../dom.js';
import { icon } from '../icons.js';

/** How long a toast stays, milliseconds. Errors stay longer. */
const STAY = { good: 3500, bad: 9000 };
const MOST = 4;

/** Short messages at the edge of the page. Errors are spoken at once. */
export class Toasts {
  constructor() {
    this.element = h('div', { class: 'toasts', role: 'region', 'aria-label': 'Messages' });
    this.spoken = h('div', { class: 'for-readers', role: 'alert' });
  }

  /** @param {string} text */
  say(text) {
    this.#show(text, 'good');
  }

  /** Shows why something failed, in the box's own words. @param {unknown} error */
  complain(error) {
    const text = error instanceof Error && error.message ? error.message : String(error);
    this.#show(`${text[0].toUpperCase()}${text.slice(1)}`, 'bad');
  }

  /** @param {string} text @param {'good' | 'bad'} kind */
  #show(text, kind) {
    const words = h('p', {}, withCode(text));
    for (const shown of [...this.element.children]) if (shown.querySelector('p')?.textContent === words.textContent) shown.remove();
    const close = h('button', { class: 'icon-button', type: 'button', 'aria-label': 'Dismiss', onclick: () => toast.remove() }, icon('close'));
    const toast = h('div', { class: `toast ${kind}` }, icon(kind === 'good' ? 'check' : 'warn'), words, close);
    this.element.append(toast);
    while (this.element.children.length > MOST) this.element.firstElementChild?.remove();
    if (kind === 'bad') this.spoken.textContent = words.textContent;
    // A toast that is being read or has the focus stays.
    const leave = () => (toast.matches(':hover, :focus-within') ? setTimeout(leave, 1000) : toast.remove());
    setTimeout(leave, STAY[kind]);
  }
}
