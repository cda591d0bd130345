import { route } from '../routes.js';
import { fallbackInWords, outcomeInWords, passedInWords, phaseInWords, sentence } from './words.js';

/** @typedef {import('/client/state.d.ts').UpdateState} UpdateState */

/** Parts of an installation that are worth a word to somebody who listens, in percent. */
const STEPS = [25, 50, 75];

/** When the last update that this page knows of ended: it outlives the page, which loads itself anew for a new system. */
const KEY = 'amora-update-ended';

/** The system that this page came from; the image is known as soon as the box tells of it. */
const origin = { software: '', image: '' };

/**
 * Tells of updates wherever in the page one is: to screen readers in few words, and on a toast how an update ended. A new
 * system has a page of its own, which is then loaded.
 * @param {import('../context.js').Context} context
 * @param {AbortSignal} signal
 */
export function tellOfUpdates({ client, toasts, announce }, signal) {
  /** @type {UpdateState | undefined} */
  let before;
  let known = stored();
  const look = (/** @type {import('/client/state.d.ts').State} */ { system, update }) => {
    origin.software ||= system.version;
    origin.image ||= update?.version ?? '';
    if (system.version !== origin.software || (update?.version && update.version !== origin.image)) return location.reload();
    if (!update) return;
    const at = String(update.last?.at ?? 'never');
    const ended = known !== null && at !== known ? update.last : undefined;
    const text = ended ? endInWords(ended) : before ? newsOf(before, update) : '';
    if (at !== known) store(at);
    known = at;
    before = update;
    if (text) announce(text);
    if (!ended || ended.outcome === 'cancelled') return;
    if (ended.outcome === 'kept') toasts.say(outcomeInWords(ended));
    else if (!location.hash.startsWith(route('box', 'system'))) toasts.complain(new Error(outcomeInWords(ended)));
  };
  signal.addEventListener('abort', client.on('state', look));
  if (client.state) look(client.state);
}

function stored() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** @param {string} at */
function store(at) {
  try {
    sessionStorage.setItem(KEY, at);
  } catch {
    // Storage is closed to us: news are then told only as long as the page lasts.
  }
}

/** @param {import('/client/state.d.ts').UpdateOutcome} outcome */
function endInWords(outcome) {
  return [outcomeInWords(outcome), sentence(outcome.reason), sentence(outcome.next_step)].filter(Boolean).join(' ');
}

/**
 * What somebody who cannot see the page should hear of an update on its way; nothing for the most part.
 * @param {UpdateState} before
 * @param {UpdateState} now
 */
export function newsOf(before, now) {
  if (now.phase !== before.phase) return now.phase === 'idle' ? '' : sentence(phaseInWords(now));
  if (now.phase === 'trial' && now.trial && before.trial && passedInWords(now.trial) !== passedInWords(before.trial)) return sentence(phaseInWords(now));
  if (now.install?.waiting && now.install.waiting !== before.install?.waiting) return sentence(now.install.waiting);
  if (now.install?.fallback && now.install.fallback !== before.install?.fallback) return fallbackInWords(now.install.fallback);
  const [from, to] = [before.install?.percent ?? 0, now.install?.percent ?? 0];
  const step = now.phase === 'installing' ? STEPS.findLast((each) => from < each && each <= to) : undefined;
  return step ? `${step} percent installed.` : '';
}
