import { h } from '../dom.js';
import { openSheet } from './sheet.js';

/**
 * Asks for a name. Nothing when it was not given.
 * @param {{ title: string, label: string, value?: string, button: string }} question
 * @returns {Promise<string | undefined>}
 */
export async function askForName({ title, label, value = '', button }) {
  /** @type {string | undefined} */
  let answer;
  await openSheet(title, (close) => {
    const input = h('input', { type: 'text', id: 'asked-name', value, required: true, maxlength: '200', autocomplete: 'off', autofocus: true });
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      answer = input.value.trim() || undefined;
      if (answer) close();
    };
    return [
      h('form', { class: 'body-form', onsubmit: submit },
        h('div', { class: 'field' }, h('label', { for: 'asked-name' }, label), input),
        h('div', { class: 'buttons' },
          h('button', { class: 'button', type: 'button', onclick: close }, 'Cancel'),
          h('button', { class: 'button main', type: 'submit' }, button))),
    ];
  });
  return answer;
}

/**
 * Asks before something is lost.
 * @param {{ title: string, text: string, button: string }} question
 * @returns {Promise<boolean>}
 */
export async function confirm({ title, text, button }) {
  let agreed = false;
  await openSheet(title, (close) => {
    const agree = () => {
      agreed = true;
      close();
    };
    return [
      h('p', {}, text),
      h('div', { class: 'buttons' },
        h('button', { class: 'button', type: 'button', onclick: close }, 'Cancel'),
        h('button', { class: 'button main', type: 'button', onclick: agree }, button)),
    ];
  });
  return agreed;
}
