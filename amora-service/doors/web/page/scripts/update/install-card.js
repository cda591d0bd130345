import { h, setText } from '../dom.js';
import { watch, watchConnection } from '../watch.js';
import { POLICIES, configuredInWords, sentence } from './words.js';

/** @typedef {import('../context.js').Context} Context */
/** @typedef {import('/client/state.d.ts').RestartPolicy} RestartPolicy */

/** A new update: from a file or an address. @param {Context} context @param {AbortSignal} signal */
export function makeInstallCard(context, signal) {
  const { client, upload } = context;
  const policy = makePolicy(context, signal);
  const problem = h('p', { class: 'problem', role: 'alert', id: 'install-problem' });
  const file = h('input', { type: 'file', id: 'update-file', accept: '.swu', required: true, 'aria-describedby': 'install-problem' });
  const url = h('input', { type: 'url', id: 'update-url', required: true, placeholder: 'https://…', pattern: 'https?://.+', title: 'An address that begins with http:// or https://', autocomplete: 'off', spellcheck: 'false', inputmode: 'url', 'aria-describedby': 'install-problem' });
  const fetchIt = h('button', { class: 'button', type: 'submit' }, 'Fetch and install');

  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const chosen = file.files?.[0];
    if (!chosen) return;
    setText(problem, '');
    if (await upload.send(chosen, policy.chosen())) file.value = '';
  };
  const order = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setText(problem, '');
    upload.error = undefined;
    fetchIt.disabled = true;
    try {
      await client.update.install({ url: url.value.trim(), restart: policy.chosen() });
    } catch (error) {
      setText(problem, /** @type {Error} */ (error).message && sentence(/** @type {Error} */ (error).message));
      url.focus();
    } finally {
      fetchIt.disabled = false;
    }
  };
  const card = h('section', { class: 'card section', 'aria-label': 'Install an update' }, h('h2', {}, 'Install an update'),
    h('p', { class: 'hushed' }, 'The update goes to the other slot while the box plays on. After the restart the new system proves itself, or the box goes back by itself.'),
    policy.element,
    h('form', { class: 'field', onsubmit: send }, h('label', { for: 'update-file' }, 'From a file (.swu)'), h('div', { class: 'beside' }, file, h('button', { class: 'button main', type: 'submit' }, 'Send and install'))),
    h('form', { class: 'field', onsubmit: order }, h('label', { for: 'update-url' }, 'From an address'), h('div', { class: 'beside' }, url, fetchIt)),
    problem);

  const show = () => {
    const { update } = client.state ?? {};
    card.hidden = !update || Boolean(update.unavailable) || update.phase !== 'idle' || Boolean(upload.file) || !client.connection.authenticated;
    if (upload.error && !upload.file) setText(problem, reasonOf(context));
  };
  upload.onChange(show, signal);
  watch(client, ({ update }) => [update?.phase, update?.unavailable, update?.last?.at], show, signal);
  watchConnection(client, show, signal);
  return card;
}

/** Why a file did not get through, where the box itself cannot be heard any more but said so before. @param {Context} context */
function reasonOf({ client, upload }) {
  const { error, endedBefore } = upload;
  if (!error || error.code === 'cancelled') return '';
  const last = client.state?.update?.last;
  if (error.code === 'offline' && last && last.at !== endedBefore) return last.outcome === 'cancelled' ? '' : sentence(last.reason);
  return sentence(error.message);
}

/** When to restart. @param {Context} context @param {AbortSignal} signal */
function makePolicy({ client }, signal) {
  const select = h('select', { id: 'update-restart', 'aria-describedby': 'update-configured' }, h('option', { value: '' }, 'As configured'), POLICIES.map(([value, label]) => h('option', { value }, label)));
  const configured = h('p', { class: 'hushed', id: 'update-configured' });
  client.system.getConfig().then(({ config }) => {
    if (!signal.aborted) setText(configured, configuredInWords(/** @type {any} */ (config).update));
  }, () => {
    // Not every page may read the configuration; the choice works all the same.
  });
  return {
    element: h('div', { class: 'field' }, h('label', { for: 'update-restart' }, 'Restart into it'), select, configured),
    chosen: () => /** @type {RestartPolicy | undefined} */ (select.value || undefined),
  };
}
