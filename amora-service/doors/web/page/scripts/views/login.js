import { h, setText } from '../dom.js';

/** A code is three groups of four. */
const GROUP = 4;
const LENGTH = 12;

/**
 * Asks for the code of the box.
 * @param {import('/client/client.js').AmoraClient} client
 * @param {string} [problem] why an earlier code did not work
 */
export function makeLogin(client, problem = '') {
  const input = h('input', { type: 'text', id: 'code', autocomplete: 'current-password', autocapitalize: 'characters', spellcheck: 'false', placeholder: 'XXXX-XXXX-XXXX', maxlength: '20', required: true, 'aria-describedby': 'code-problem code-help' });
  const text = h('p', { class: 'problem', id: 'code-problem', role: 'alert' }, problem);
  const button = h('button', { class: 'button main', type: 'submit' }, 'Open the box');
  input.addEventListener('input', () => {
    // Only a code typed to its end is put into shape, so that corrections in the middle keep the cursor.
    if (input.selectionStart !== input.value.length) return;
    input.value = grouped(input.value);
  });
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    button.disabled = true;
    setText(text, '');
    try {
      await client.login(grouped(input.value));
    } catch (error) {
      const { message, retryAfter } = /** @type {import('/client/errors.js').AmoraError} */ (error);
      setText(text, retryAfter ? `${message} Try again in ${retryAfter} s.` : message);
      input.setAttribute('aria-invalid', 'true');
      input.focus();
      input.select();
    } finally {
      button.disabled = false;
    }
  };
  const name = client.connection.name;
  const form = h('form', { onsubmit: submit },
    h('img', { src: '/icon.svg', alt: '' }),
    h('div', {}, h('h1', {}, name || 'Amora'), h('p', { class: 'hushed', id: 'code-help' }, 'Type the code of this box. It is shown on its console, and in its log at the first start.')),
    h('div', { class: 'field' }, h('label', { for: 'code' }, 'Code'), input), text, button);
  queueMicrotask(() => input.focus());
  return h('main', { class: 'login' }, form);
}

/** @param {string} text */
function grouped(text) {
  const letters = text.toUpperCase().replace(/[^A-Z0-9]/g, '').slice(0, LENGTH);
  return (letters.match(new RegExp(`.{1,${GROUP}}`, 'g')) ?? []).join('-');
}
