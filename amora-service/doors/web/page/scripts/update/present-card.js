import { act } from '../actions.js';
import { confirm } from '../dialogs/ask.js';
import { fill, h, setAttribute, setText } from '../dom.js';
import { momentInWords } from '../format.js';
import { icon } from '../icons.js';
import { watchConnection } from '../watch.js';
import { CHECKS, RESULTS, SOURCES, amount, fallbackInWords, named, phaseInWords, restartInWords, sentence, slotName } from './words.js';

/** @typedef {import('../context.js').Context} Context */
/** @typedef {import('/client/state.d.ts').UpdateState} UpdateState */
/** @typedef {import('/client/state.d.ts').Trial} Trial */

/** Longest wait for the word that the box stopped too, milliseconds. */
const STOP_PATIENCE = 3000;

/** What runs, and what goes on with updates. @param {Context} context @param {AbortSignal} signal */
export function makePresentCard(context, signal) {
  const { client, clock, upload } = context;
  const heading = h('h2', { tabindex: '-1' }, 'Software');
  const facts = h('dl', { class: 'facts-list' });
  const unavailable = h('p', { class: 'notice' });
  const what = h('h3', { class: 'what', id: 'update-what' });
  const bar = makeBar();
  const source = h('p', { class: 'hushed source' });
  const detail = h('p', { class: 'hushed figures' });
  const advice = h('p', { class: 'hushed' });
  const waiting = h('p', { class: 'notice' });
  const fallback = h('p', { class: 'notice' });
  const checks = h('ul', { class: 'checks', 'aria-label': 'Checks of the new system' });
  const buttons = makeButtons(context);
  const going = h('div', { class: 'section' }, what, source, bar.element, detail, waiting, fallback, advice, checks, buttons.element);
  const card = h('section', { class: 'card section', 'aria-label': 'Software' }, heading, facts, unavailable, going);

  const show = () => {
    const { state } = client;
    if (!state) return;
    const { update } = state;
    const version = update?.version || `${state.system.version} (not an AmoraOS image)`;
    const running = `${version}|${update?.slot}`;
    if (facts.dataset.shown !== running) {
      facts.dataset.shown = running;
      fill(facts, [['Version', version], ...(update?.slot ? [['Slot', slotName(update.slot)]] : [])].flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
    }
    const cannot = update ? update.unavailable && sentence(`This box cannot be updated: ${update.unavailable}`) : 'The service of this box has no part for updates.';
    unavailable.hidden = !cannot;
    setText(unavailable, cannot ?? '');
    const focused = card.contains(document.activeElement);
    const idle = !update || (update.phase === 'idle' && !upload.file);
    going.hidden = idle && Boolean(cannot);
    if (update) describe(update);
    buttons.show(update, Boolean(upload.file), client.connection.authenticated);
    if (focused && !(card.contains(document.activeElement) && document.activeElement?.checkVisibility())) heading.focus();
  };

  /** @param {UpdateState} update */
  function describe(update) {
    const { phase, install, trial, restart } = update;
    setText(source, install && !upload.file ? sourceInWords(install) : '');
    const sending = upload.file && (phase === 'idle' || phase === 'checking') ? upload.file : undefined;
    setText(what, sending ? `Sending ${sending.name}` : phaseInWords(update));
    if (sending) bar.show(sending.size > 0 ? (100 * sending.sent) / sending.size : 0);
    else if (phase === 'installing' && install && !install.waiting) bar.show(install.percent);
    else bar.show(phase === 'checking' || phase === 'restarting' || phase === 'installing' ? 'unknown' : 'none');
    const moved = sending ? amount(sending.sent, sending.size)
      : phase === 'installing' && install ? [`${install.percent} %`, amount(install.received, install.size), install.part].filter(Boolean).join(' · ') : '';
    detail.hidden = !moved;
    setText(detail, moved);
    const text = adviceFor(update);
    advice.hidden = !text;
    setText(advice, text);
    waiting.hidden = !install?.waiting;
    setText(waiting, install?.waiting ? sentence(`It stands still: ${install.waiting}`) : '');
    fallback.hidden = !install?.fallback;
    setText(fallback, install?.fallback ? fallbackInWords(install.fallback) : '');
    showChecks(checks, trial);
  }

  /** @param {UpdateState} update */
  function adviceFor({ phase, restart, trial }) {
    if (upload.file) return 'Keep this page open until the file is sent.';
    switch (phase) {
      case 'installing': return 'The box goes on playing meanwhile.';
      case 'installed': return restart ? restartInWords(restart, restart.at ? momentInWords(clock.local(restart.at)) : undefined) : '';
      case 'restarting': return 'The box will be away for about a minute. This page comes back by itself.';
      case 'trial': return trial ? `Start ${trial.tries} of ${trial.limit}. It stays once every check has passed. If one fails, or at ${momentInWords(clock.local(trial.deadline))}, the box goes back to the system before it.` : '';
      default: return '';
    }
  }

  upload.onChange(show, signal);
  signal.addEventListener('abort', client.on('state', show));
  watchConnection(client, show, signal);
  return card;
}

/** Who ordered it. @param {import('/client/state.d.ts').UpdateInstall} install */
function sourceInWords({ source, reference }) {
  return sentence(`${SOURCES[source] ?? source}${reference ? ` (${reference})` : ''}`);
}

function makeBar() {
  const fillUp = h('i', {});
  const element = h('div', { class: 'amount', role: 'progressbar', 'aria-labelledby': 'update-what', 'aria-valuemin': '0', 'aria-valuemax': '100' }, fillUp);
  /** @param {number | 'unknown' | 'none'} percent */
  const show = (percent) => {
    element.hidden = percent === 'none';
    element.classList.toggle('progress', percent === 'unknown');
    if (typeof percent === 'number') setAttribute(element, 'aria-valuenow', String(Math.round(percent)));
    else element.removeAttribute('aria-valuenow');
    fillUp.style.setProperty('--share', `${typeof percent === 'number' ? percent : 0}%`);
  };
  return { element, show };
}

/** @param {HTMLElement} list @param {Trial | null | undefined} trial */
function showChecks(list, trial) {
  const shown = JSON.stringify(trial?.checks ?? []);
  list.hidden = !trial;
  if (list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  fill(list, (trial?.checks ?? []).map(({ check, result, seen }) => h('li', { class: 'part', data: { result } },
    h('span', { class: 'mark' }, icon(result === 'passed' ? 'check' : result === 'failed' ? 'warn' : result === 'skipped' ? 'next' : 'refresh')),
    h('div', { class: 'line' }, h('strong', {}, CHECKS[check] ?? check), h('span', { class: 'hushed' }, RESULTS[result] ?? result)),
    seen ? h('p', { class: 'more' }, seen) : null)));
}

/** @param {Context} context */
function makeButtons(context) {
  const { client, toasts, upload } = context;
  const button = (/** @type {string} */ label, /** @type {() => void} */ onclick, kind = '') => h('button', { class: `button ${kind}`, type: 'button', onclick }, label);
  const version = () => named(client.state?.update?.install?.version);
  const playing = () => client.state?.player?.state === 'play';

  // The box is told before the connection ends: it then knows that somebody called it off, not that the file ended too early.
  const tell = async () => {
    try {
      await client.request('update.cancel', {}, { timeout: STOP_PATIENCE });
      return true;
    } catch (error) {
      // A box that is away, or that refuses while bytes are still to come, is stopped by their end.
      const { sent = 0, size = 0 } = upload.file ?? {};
      if (sent < size) return true;
      toasts.complain(error);
      return false;
    }
  };
  let stopping = false;
  // The button stays as it is while the box is told: one that is switched off loses the focus.
  const cancel = button('Cancel', async () => {
    if (stopping) return;
    stopping = true;
    const { phase } = client.state?.update ?? {};
    const told = phase === 'checking' || phase === 'installing' ? await tell() : true;
    if (told) upload.cancel();
    stopping = false;
  });
  const restart = button('Restart now', async () => {
    const agreed = !playing() || (await confirm({ title: 'Restart now?', text: 'Music is playing. It stops while the box restarts, for about a minute.', button: 'Restart' }));
    if (agreed) await act(context, () => client.update.restart());
  }, 'main');
  const drop = button('Drop the update', async () => {
    const agreed = await confirm({ title: 'Drop the update?', text: `${version()} will not be started. It can be installed again later.`, button: 'Drop it' });
    if (agreed) await act(context, () => client.update.rollBack(), 'The update was dropped');
  });
  const keep = button('Keep it now', async () => {
    const agreed = await confirm({ title: 'Keep this system?', text: 'Checks that have not passed yet are not waited for. The box will not go back to the system before by itself.', button: 'Keep it' });
    if (agreed) await act(context, () => client.update.confirm());
  });
  const back = button('Go back', async () => {
    const agreed = await confirm({ title: 'Go back to the system before?', text: 'The box restarts and music stops for about a minute. Settings and playlists stay.', button: 'Go back' });
    if (agreed) await act(context, () => client.update.rollBack());
  });
  const element = h('div', { class: 'choices' }, cancel, restart, drop, keep, back);
  /** @param {UpdateState | null | undefined} update @param {boolean} sending @param {boolean} allowed */
  const show = (update, sending, allowed) => {
    const phase = update?.phase ?? 'idle';
    cancel.hidden = !sending && phase !== 'checking' && phase !== 'installing';
    restart.hidden = drop.hidden = phase !== 'installed' || sending;
    keep.hidden = back.hidden = phase !== 'trial';
    element.hidden = !allowed || [...element.children].every((child) => child instanceof HTMLElement && child.hidden);
  };
  return { element, show };
}
