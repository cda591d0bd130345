import { act } from '../actions.js';
import { h } from '../dom.js';
import { watch } from '../watch.js';
import { openSheet } from './sheet.js';

/** @typedef {import('../context.js').Context} Context */

const CROSSFADES = [0, 2, 4, 8, 12];
const SLEEPS = [15, 30, 45, 60, 90];
/** @type {Array<[import('/client/state.d.ts').ReplayGain, string]>} */
const REPLAY_GAINS = [['off', 'Off'], ['track', 'Track'], ['album', 'Album'], ['auto', 'Automatic']];

/** How the music is played. @param {Context} context */
export function openPlaybackSheet(context) {
  const { client } = context;
  const { player } = client;
  return openSheet('Playback', (_, signal) => [
    modeSwitch(context, signal, 'single', 'Stop after each song', 'With repeat on, the song is played again and again.', (on) => player.setSingle({ single: on })),
    modeSwitch(context, signal, 'consume', 'Clear as it plays', 'Each song leaves the queue once it was played.', (on) => player.setConsume({ consume: on })),
    choices(context, signal, {
      legend: 'Crossfade',
      options: CROSSFADES.map((seconds) => [String(seconds), seconds === 0 ? 'Off' : `${seconds} s`]),
      selected: (state) => String(state.player?.crossfade ?? 0),
      choose: (value) => player.setCrossfade({ seconds: Number(value) }),
    }),
    choices(context, signal, {
      legend: 'Even out loudness (ReplayGain)',
      options: REPLAY_GAINS,
      selected: (state) => state.player?.replay_gain ?? 'off',
      choose: (value) => player.setReplayGain({ mode: /** @type {import('/client/state.d.ts').ReplayGain} */ (value) }),
    }),
  ]);
}

/** When the music should stop by itself. @param {Context} context */
export function openSleepSheet(context) {
  const { client } = context;
  const set = (/** @type {number | null} */ minutes) => act(context, () => client.player.setSleepTimer({ minutes }), minutes ? `The music stops in ${minutes} minutes` : 'Sleep timer off');
  return openSheet('Sleep timer', (close) => [
    h('p', { class: 'hushed' }, 'The music fades out and pauses.'),
    h('div', { class: 'choices' }, SLEEPS.map((minutes) => h('button', {
      class: 'button',
      type: 'button',
      onclick: () => {
        set(minutes);
        close();
      },
    }, `${minutes} min`))),
    client.state?.player?.sleep_at ? h('button', {
      class: 'button',
      type: 'button',
      onclick: () => {
        set(null);
        close();
      },
    }, 'Switch the timer off') : null,
  ]);
}

/**
 * @param {Context} context
 * @param {AbortSignal} signal
 * @param {'single' | 'consume'} key
 * @param {string} label
 * @param {string} explanation
 * @param {(on: boolean) => Promise<unknown>} set
 */
function modeSwitch(context, signal, key, label, explanation, set) {
  const element = makeSwitch(label, explanation, (on) => act(context, () => set(on)));
  watch(context.client, (state) => state.player?.[key] === true, element.show, signal);
  return element.label;
}

/**
 * A switch with its words. A refused change springs back.
 * @param {string} label
 * @param {string} explanation
 * @param {(on: boolean) => Promise<boolean>} change
 */
export function makeSwitch(label, explanation, change) {
  const input = h('input', { type: 'checkbox', role: 'switch' });
  let told = false;
  input.addEventListener('change', async () => {
    if (!(await change(input.checked))) input.checked = told;
  });
  const show = (/** @type {boolean} */ on) => {
    told = on;
    input.checked = on;
  };
  const words = h('span', { class: 'words' }, label, explanation ? h('small', {}, explanation) : null);
  return { label: h('label', { class: 'switch' }, words, input, h('span', { class: 'track', 'aria-hidden': 'true' })), input, show };
}

/**
 * @param {Context} context
 * @param {AbortSignal} signal
 * @param {{ legend: string, options: Array<[string, string]>, selected: (state: import('/client/state.d.ts').State) => string, choose: (value: string) => Promise<unknown> }} group
 */
function choices(context, signal, { legend, options, selected, choose }) {
  const name = legend.toLowerCase().replace(/\W+/g, '-');
  const inputs = options.map(([value]) => h('input', { type: 'radio', name, value, onchange: () => act(context, () => choose(value)) }));
  watch(context.client, selected, (value) => {
    for (const input of inputs) input.checked = input.value === value;
  }, signal);
  return h('fieldset', { class: 'choices' }, h('legend', {}, legend), options.map(([, text], index) => h('label', {}, inputs[index], h('span', {}, text))));
}
