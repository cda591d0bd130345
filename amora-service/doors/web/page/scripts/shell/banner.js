import { fill, h } from '../dom.js';
import { watchConnection } from '../watch.js';

/** A short break is not worth a word, milliseconds. */
const PATIENCE = 400;

/** What to say of a box that went away on purpose. @type {Record<string, string>} */
const GONE = {
  restart: 'The box is restarting. This takes about a minute.',
  power_off: 'The box was switched off.',
  factory_reset: 'The box is being reset. It will ask for its new code, which its console shows.',
};

/**
 * Says that the box is away, and that it is being tried again; or that only reading is possible.
 * @param {import('../context.js').Context} context
 * @param {AbortSignal} signal
 * @param {() => void} login
 */
export function makeBanner({ client, announce }, signal, login) {
  const element = h('div', { class: 'banner', role: 'status', hidden: true });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let away = false;
  /** How the box said that it would go. */
  let how = '';
  signal.addEventListener('abort', client.on('event', ({ event, data }) => {
    if (event === 'box.going_down') how = String(data.how);
    else if (event === 'system.started') how = '';
  }));
  const show = () => {
    element.hidden = false;
    const retry = h('button', { class: 'button', type: 'button', onclick: () => client.retryNow() }, 'Try now');
    fill(element, h('span', { class: 'spinner', 'aria-hidden': 'true' }), h('span', {}, GONE[how] ?? 'The box is not reachable. Trying again…'), retry);
    away = true;
  };
  watchConnection(client, ({ status, authenticated }) => {
    if (status === 'online') {
      clearTimeout(timer);
      timer = undefined;
      if (away) announce('Connected again.');
      away = false;
      how = '';
      element.hidden = authenticated;
      if (!authenticated) {
        fill(element, h('span', {}, 'You can look, but not touch: this page is not logged in.'), h('button', { class: 'button', type: 'button', onclick: login }, 'Log in'));
      }
    } else if (status === 'reconnecting' && !away) {
      timer ??= setTimeout(show, PATIENCE);
    }
  }, signal);
  signal.addEventListener('abort', () => clearTimeout(timer));
  return element;
}
