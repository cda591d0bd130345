import { h, setText } from '../dom.js';
import { listeningInWords } from '../sound/listen-card.js';
import { watch, watchConnection } from '../watch.js';

/** @typedef {import('../listen/listener.js').Source} Source */

/** @type {Array<['off' | Source, string]>} */
const CHOICES = [['off', 'Off'], ['box', 'The box'], ['microphone', 'Microphone'], ['hub', 'Sent to the hub']];

/**
 * What is played in this browser: what the box plays, or what it hears, before or after its own sound is taken out.
 * @param {import('../context.js').Context} context
 * @param {AbortSignal} signal
 */
export function makeHearCard({ client, listener, toasts }, signal) {
  const text = h('p', { class: 'hushed', role: 'status' });
  const inputs = CHOICES.map(([value]) => h('input', {
    type: 'radio',
    name: 'listen-to',
    value,
    onchange: async () => {
      try {
        await (value === 'off' ? listener.stop() : listener.start(value));
      } catch (error) {
        await listener.stop();
        toasts.complain(error);
      }
    },
  }));
  const show = () => {
    const stranger = client.online && !client.connection.authenticated;
    const present = listener.status === 'off' ? 'off' : listener.source;
    for (const input of inputs) {
      input.checked = input.value === present;
      input.disabled = stranger;
    }
    setText(text, stranger ? 'Log in to listen.' : listener.status === 'off' ? invitation(client.state?.audio?.card.kind) : listeningInWords(listener));
  };
  listener.onChange(show, signal);
  watchConnection(client, show, signal);
  watch(client, ({ audio }) => audio?.card.kind, show, signal);
  return h('section', { class: 'card section hear-card', 'aria-label': 'Listen to' },
    h('fieldset', { class: 'choices' }, h('legend', {}, h('h2', {}, 'Listen to')), CHOICES.map(([, label], index) => h('label', {}, inputs[index], h('span', {}, label)))),
    text,
    h('p', { class: 'hushed' }, 'Wear headphones when you talk and listen at once.'));
}

/** What there is to hear. @param {string | undefined} kind */
function invitation(kind) {
  const way = kind === 'room' ? 'The box plays and answers in its simulated room: choose “The box” to hear that.' : 'The answers come out of the box.';
  return `${way} “Microphone” is what it hears; “Sent to the hub” is what is left of that when its own sound is taken out.`;
}
