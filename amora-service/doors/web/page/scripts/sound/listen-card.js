import { fill, h, setText } from '../dom.js';
import { icon } from '../icons.js';
import { sentence } from '../update/words.js';
import { watchConnection } from '../watch.js';

/** What is listened to, in words. */
export const SOURCES = { box: 'what the box plays', microphone: "what the box's microphone hears", hub: 'what the hub hears' };

/** @param {import('../listen/listener.js').Listener} listener */
export function listeningInWords({ status, source, reason }) {
  switch (status) {
    case 'off': return 'Hear in this browser what the box plays, a moment later.';
    case 'starting': return 'Connecting to the sound of the box…';
    case 'on': return `Playing here ${SOURCES[source]}.`;
    default: return reason ? sentence(reason) : 'The sound stopped coming. Trying again…';
  }
}

/**
 * "Listen here".
 * @param {import('../context.js').Context} context
 * @param {AbortSignal} signal
 */
export function makeListenCard({ client, listener, toasts }, signal) {
  const text = h('p', { class: 'hushed', role: 'status' });
  const button = h('button', { class: 'button main', type: 'button' });
  const show = () => {
    const off = listener.status === 'off';
    // What is played may be private, so it is for those who logged in, even where anybody may see the state.
    const stranger = client.online && !client.connection.authenticated;
    button.disabled = stranger;
    setText(text, stranger ? 'Log in to listen.' : listeningInWords(listener));
    fill(button, icon(off ? 'listen' : 'close'), off ? 'Listen here' : 'Stop listening');
  };
  button.addEventListener('click', async () => {
    try {
      await (listener.status === 'off' ? listener.start() : listener.stop());
    } catch (error) {
      await listener.stop();
      toasts.complain(error);
    }
  });
  listener.onChange(show, signal);
  watchConnection(client, show, signal);
  return h('section', { class: 'card' }, h('h2', {}, 'Listen here'), h('div', { class: 'listen' }, text, button));
}
