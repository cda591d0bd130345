import { act } from '../actions.js';
import { fill, h, setAttribute } from '../dom.js';
import { icon } from '../icons.js';
import { watch } from '../watch.js';

/**
 * The transport: previous, play or pause, next, and with `modes` random and repeat around them.
 * @param {import('../context.js').Context} context
 * @param {AbortSignal} signal
 * @param {{ modes?: boolean }} [options]
 */
export function makeTransport(context, signal, { modes = true } = {}) {
  const { client } = context;
  const { player } = client;
  const previous = control('previous', 'Previous', () => act(context, () => player.previous()));
  const next = control('next', 'Next', () => act(context, () => player.next()));
  const toggle = control('play', 'Play', () => act(context, () => (client.state?.player?.state === 'play' ? player.pause() : player.play())));
  previous.classList.add('extra', 'step');
  next.classList.add('step');
  toggle.classList.add('play');
  watch(client, (state) => state.player?.state === 'play', (playing) => {
    fill(toggle, icon(playing ? 'pause' : 'play'));
    setAttribute(toggle, 'aria-label', playing ? 'Pause' : 'Play');
  }, signal);
  const middle = [previous, toggle, next];
  if (!modes) return h('div', { class: 'transport' }, middle);
  const random = makeMode(context, signal, { icon: 'random', label: 'Random order', is: 'random', set: (on) => player.setRandom({ random: on }) });
  const repeat = makeMode(context, signal, { icon: 'repeat', label: 'Repeat', is: 'repeat', set: (on) => player.setRepeat({ repeat: on }) });
  return h('div', { class: 'transport', role: 'group', 'aria-label': 'Playback' }, random, middle, repeat);
}

/**
 * A button that switches one of the player's modes.
 * @param {import('../context.js').Context} context
 * @param {AbortSignal} signal
 * @param {{ icon: import('../icons.js').IconName, label: string, is: 'repeat' | 'random' | 'single' | 'consume', set: (on: boolean) => Promise<unknown> }} mode
 */
export function makeMode(context, signal, mode) {
  const button = control(mode.icon, mode.label, () => act(context, () => mode.set(button.getAttribute('aria-pressed') !== 'true')));
  button.classList.add('extra', 'dot');
  watch(context.client, (state) => state.player?.[mode.is] === true, (on) => setAttribute(button, 'aria-pressed', on), signal);
  return button;
}

/**
 * @param {import('../icons.js').IconName} name
 * @param {string} label
 * @param {() => void} onclick
 */
export function control(name, label, onclick) {
  return h('button', { type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick }, icon(name));
}
