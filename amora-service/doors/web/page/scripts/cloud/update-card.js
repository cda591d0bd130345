import { fill, h, setText } from '../dom.js';
import { route } from '../routes.js';
import { SOURCES, outcomeInWords, phaseInWords, sentence } from '../update/words.js';
import { watch } from '../watch.js';

/** Where an update stands, in short: the whole of it is with the system. @param {import('../context.js').Context} context @param {AbortSignal} signal */
export function makeUpdateCard({ client }, signal) {
  const what = h('p', {}, h('strong', {}));
  const bar = h('div', { class: 'amount', role: 'progressbar', 'aria-label': 'Installed', 'aria-valuemin': '0', 'aria-valuemax': '100' }, h('i', {}));
  const words = h('div', { class: 'section' });
  const card = h('section', { class: 'card section', 'aria-label': 'Update' }, h('h2', {}, 'Update'), what, bar, words,
    h('p', {}, h('a', { href: route('box', 'system') }, 'All about updates')));
  watch(client, ({ iot_hub: hub, update }) => [Boolean(hub), update && { ...update, unavailable: null }], () => {
    const { iot_hub: hub, update } = client.state ?? {};
    card.hidden = !hub || !update || (update.phase === 'idle' && !update.last);
    if (!update) return;
    const { phase, install, last } = update;
    const going = phase !== 'idle';
    what.hidden = !going;
    setText(/** @type {Element} */ (what.firstChild), phaseInWords(update));
    bar.hidden = phase !== 'installing' || !install;
    bar.setAttribute('aria-valuenow', String(install?.percent ?? 0));
    /** @type {HTMLElement} */ (bar.firstChild).style.setProperty('--share', `${install?.percent ?? 0}%`);
    fill(words, going ? goingOn(update) : last ? ended(last) : null);
  }, signal);
  return card;
}

/** @param {import('/client/state.d.ts').UpdateState} update */
function goingOn({ phase, install }) {
  if (!install) return null;
  const percent = phase === 'installing' ? [`${install.percent} %`] : [];
  return [
    h('p', { class: 'hushed figures' }, [...percent, SOURCES[install.source] ?? install.source].join(', ')),
    install.waiting ? h('p', { class: 'notice' }, sentence(`It stands still: ${install.waiting}`)) : null,
  ];
}

/** @param {import('/client/state.d.ts').UpdateOutcome} last */
function ended(last) {
  return [
    h('p', { class: last.outcome === 'kept' ? '' : 'problem' }, outcomeInWords(last)),
    last.reason ? h('p', {}, sentence(last.reason)) : null,
    last.next_step ? h('p', {}, h('strong', {}, sentence(last.next_step))) : null,
    h('p', { class: 'hushed' }, sentence(SOURCES[last.source] ?? last.source)),
  ];
}
