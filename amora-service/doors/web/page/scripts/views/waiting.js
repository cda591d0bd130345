import { h } from '../dom.js';

/**
 * The page came, but the box behind it does not answer yet.
 * @param {import('/client/client.js').AmoraClient} client
 */
export function makeWaiting(client) {
  return h('main', { class: 'login' }, h('div', { class: 'waiting' },
    h('img', { src: '/icon.svg', alt: '' }),
    h('h1', {}, 'Waiting for the box'),
    h('p', { class: 'hushed', role: 'status' }, 'It does not answer. It is tried again by itself.'),
    h('button', { class: 'button main', type: 'button', onclick: () => client.retryNow() }, 'Try now')));
}
