import { newestOnly } from '../actions.js';
import { fill, h, setAttribute, setText } from '../dom.js';
import { icon } from '../icons.js';
import { watch } from '../watch.js';

/** How long our own value stands before the box's is believed again, milliseconds. */
const SETTLE = 700;

/**
 * Mute and volume. What the hand does shows at once; what the box says wins in the end.
 * @param {import('../context.js').Context} context
 * @param {AbortSignal} signal
 */
export function makeVolume(context, signal) {
  const { client, toasts } = context;
  const slider = h('input', { type: 'range', min: '0', max: '100', step: '1', value: '0', 'aria-label': 'Volume' });
  const number = h('output', { 'aria-hidden': 'true' });
  const mute = h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Mute' });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let settling;
  /** @type {boolean | undefined} */
  let muted;

  const show = (/** @type {number} */ volume) => {
    slider.value = String(volume);
    slider.style.setProperty('--fill', `${volume}%`);
    setText(number, String(volume));
    setAttribute(slider, 'aria-valuetext', `${volume} %${muted ? ', muted' : ''}`);
    const name = muted || volume === 0 ? 'mute' : volume < 50 ? 'quiet' : 'volume';
    if (!mute.querySelector(`.${name}`)) fill(mute, icon(name));
  };
  const believe = () => {
    settling = undefined;
    const audio = client.state?.audio;
    if (!audio) return;
    muted = audio.mute;
    setAttribute(mute, 'aria-pressed', audio.mute);
    show(audio.volume);
  };
  const failed = (/** @type {unknown} */ error) => {
    clearTimeout(settling);
    believe();
    toasts.complain(error);
  };
  const volumes = newestOnly((/** @type {number} */ volume) => client.audio.setVolume({ volume }), failed);

  slider.addEventListener('input', () => {
    const volume = Number(slider.value);
    show(volume);
    clearTimeout(settling);
    settling = setTimeout(believe, SETTLE);
    volumes.send(volume);
  });
  mute.addEventListener('click', async () => {
    muted = !muted;
    setAttribute(mute, 'aria-pressed', muted);
    show(Number(slider.value));
    await client.audio.setMute({ mute: muted }).catch(failed);
  });
  watch(client, (state) => [state.audio?.volume, state.audio?.mute], () => {
    const absent = !client.state?.audio;
    slider.disabled = absent;
    mute.disabled = absent;
    if (settling === undefined) believe();
  }, signal);
  if (!mute.hasChildNodes()) fill(mute, icon('volume'));
  return h('div', { class: 'volume', role: 'group', 'aria-label': 'Volume of the box' }, mute, slider, number);
}
