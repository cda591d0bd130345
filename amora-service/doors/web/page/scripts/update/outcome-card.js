import { fill, h } from '../dom.js';
import { counted } from '../format.js';
import { icon } from '../icons.js';
import { watch } from '../watch.js';
import { CHECKS, SOURCES, fallbackInWords, outcomeInWords, sentence, slotName } from './words.js';

/** How the last update ended, why, and what to do. @param {import('../context.js').Context} context @param {AbortSignal} signal */
export function makeOutcomeCard({ client, clock }, signal) {
  const body = h('div', { class: 'section' });
  const card = h('section', { class: 'card', 'aria-label': 'Last update' }, h('h2', {}, 'Last update'), body);
  // While the next update is on its way, the end of the one before only confuses.
  watch(client, ({ update }) => (update?.phase === 'idle' ? update.last : undefined), (last) => {
    card.hidden = !last;
    if (!last) return;
    const good = last.outcome === 'kept';
    /** @type {Array<[string, string | null | undefined | false]>} */
    const facts = [
      ['When', new Date(clock.local(last.at)).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })],
      ['Came', SOURCES[last.source]],
      ['Order', last.reference],
      ['Before', last.from_version],
      ['Update', last.to_version],
      ['Slot', last.slot && slotName(last.slot)],
      ['Started', last.tries > 0 && counted(last.tries, 'time')],
      ['Failed check', last.check && (CHECKS[last.check] ?? last.check)],
      ['Cause', last.cause && last.cause.replaceAll('_', ' ')],
    ];
    fill(body,
      h('p', { class: `verdict ${good ? 'pass' : last.outcome === 'cancelled' ? '' : 'fail'}` }, icon(good ? 'check' : 'warn'), outcomeInWords(last)),
      last.reason ? h('p', {}, sentence(last.reason)) : null,
      last.fallback ? h('p', {}, fallbackInWords(last.fallback)) : null,
      last.next_step ? h('p', {}, h('strong', {}, sentence(last.next_step))) : null,
      last.seen ? h('figure', { class: 'seen' }, h('figcaption', { class: 'hushed' }, last.check ? 'What the check saw' : 'Its last words'), h('pre', { tabindex: '0', role: 'region', 'aria-label': last.check ? 'What the check saw' : 'Its last words' }, last.seen)) : null,
      h('details', {}, h('summary', {}, 'Details'), h('dl', { class: 'facts-list' }, facts.filter(([, value]) => value).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, String(value))]))));
  }, signal);
  return card;
}
