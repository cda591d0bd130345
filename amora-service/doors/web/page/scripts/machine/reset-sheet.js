import { h, setText } from '../dom.js';
import { openSheet } from '../dialogs/sheet.js';
import { sentence } from '../update/words.js';

const GOES = [
  'Settings, the name of the box and its network passwords',
  'The login code and every session: a new code is made and shown on the console',
  'Playlists, favourites, the queue and the index of the library',
  'Music and everything else that was put on the box’s own card',
];
/** With the paths that the image's `writable-paths` keeps: `ci/tests/box` holds them to it. */
const STAYS = [
  { what: 'The installed system with its updates', paths: [] },
  { what: 'The oldest version it may go back to', paths: ['/data/amora/update/floor'] },
  { what: 'The identity that its maker gave it', paths: ['/data/amora/identity'] },
  { what: 'Its machine id', paths: ['/etc/machine-id'] },
  { what: 'Music on USB drives and on the network: the box does not touch it', paths: [] },
];

/** Asks for the id of the box, so that it is this box that is meant. @param {import('../context.js').Context} context */
export function openResetSheet({ client, toasts, announce }) {
  const { id = '', name = '' } = client.state?.system ?? {};
  return openSheet('Factory reset', (close) => {
    const input = h('input', { type: 'text', id: 'reset-id', required: true, autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', 'aria-describedby': 'reset-problem' });
    const problem = h('p', { class: 'problem', role: 'alert', id: 'reset-problem' });
    const reset = h('button', { class: 'button danger', type: 'submit', disabled: true }, 'Reset the box');
    const matches = () => id !== '' && input.value.trim() === id;
    input.addEventListener('input', () => {
      reset.disabled = !matches();
    });
    const submit = async (/** @type {Event} */ event) => {
      event.preventDefault();
      if (!matches()) return;
      reset.disabled = true;
      setText(problem, '');
      try {
        await client.box.factoryReset({ confirm: id });
        toasts.say('The box is being reset');
        announce('The box is being reset.');
        close();
      } catch (error) {
        setText(problem, sentence(/** @type {Error} */ (error).message));
        reset.disabled = !matches();
      }
    };
    return [
      h('p', {}, `${name || 'The box'} restarts as on its first day. This cannot be undone.`),
      list('Forgotten', 'reset-goes', GOES), list('Kept', 'reset-stays', STAYS.map(({ what }) => what)),
      h('form', { class: 'body-form', onsubmit: submit },
        h('div', { class: 'field' }, h('label', { for: 'reset-id' }, 'To go on, type the id of this box: ', h('code', {}, id)), input, problem),
        h('div', { class: 'buttons' }, h('button', { class: 'button', type: 'button', onclick: close }, 'Cancel'), reset)),
    ];
  });
}

/** @param {string} title @param {string} id @param {string[]} items */
function list(title, id, items) {
  return h('div', {}, h('h3', { id }, title), h('ul', { class: 'plain-list', 'aria-labelledby': id }, items.map((item) => h('li', {}, item))));
}
