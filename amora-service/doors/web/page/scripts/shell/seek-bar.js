import { act } from '../actions.js';
import { h, setAttribute, setText } from '../dom.js';
import { clockTime } from '../format.js';
import { watch } from '../watch.js';

/** Steps of the keys: seconds. */
const STEP = 5;

/**
 * Where the music is, moving smoothly between the box's messages, and a way to move it.
 * @param {import('../context.js').Context} context
 * @param {AbortSignal} signal
 */
export function makeSeekBar(context, signal) {
  const { client, clock } = context;
  const elapsed = h('span', { 'aria-hidden': 'true' }, '0:00');
  const total = h('span', { 'aria-hidden': 'true' }, '0:00');
  const slider = h('input', { type: 'range', min: '0', max: '0', step: '1', value: '0', 'aria-label': 'Position in the song' });
  let holding = false;
  let heldUntil = 0;

  const show = (/** @type {number} */ position) => {
    const duration = Number(slider.max);
    if (!holding) slider.value = String(Math.floor(position));
    const shown = holding ? Number(slider.value) : position;
    slider.style.setProperty('--fill', `${duration > 0 ? Math.min(100, (shown / duration) * 100) : 0}%`);
    setText(elapsed, clockTime(shown));
    setAttribute(slider, 'aria-valuetext', duration > 0 ? `${clockTime(shown)} of ${clockTime(duration)}` : clockTime(shown));
  };
  const tick = () => {
    const player = client.state?.player;
    if (player && Date.now() > heldUntil) show(clock.position(player));
  };
  const seek = async () => {
    const position = Number(slider.value);
    heldUntil = Date.now() + 1500;
    await act(context, () => client.player.seek({ position }));
    holding = false;
    heldUntil = Math.min(heldUntil, Date.now() + 250);
  };
  slider.addEventListener('input', () => {
    holding = true;
    show(Number(slider.value));
  });
  slider.addEventListener('change', seek);
  slider.addEventListener('keydown', (event) => {
    const step = { ArrowRight: STEP, ArrowUp: STEP, ArrowLeft: -STEP, ArrowDown: -STEP, PageUp: 30, PageDown: -30 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    slider.value = String(Number(slider.value) + step);
    holding = true;
    show(Number(slider.value));
    seek();
  });

  watch(client, (state) => [state.player?.song?.duration ?? 0, state.player?.song?.file ?? ''], ([duration]) => {
    slider.max = String(Math.floor(Number(duration)));
    slider.disabled = Number(duration) <= 0;
    setText(total, Number(duration) > 0 ? clockTime(Number(duration)) : 'live');
    holding = false;
    heldUntil = 0;
    tick();
  }, signal);
  const timer = setInterval(tick, 250);
  signal.addEventListener('abort', () => clearInterval(timer));
  watch(client, (state) => [state.player?.position, state.player?.position_at, state.player?.state], tick, signal);
  return h('div', { class: 'seek' }, elapsed, slider, total);
}
