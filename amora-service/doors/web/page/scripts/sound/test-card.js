import { act } from '../actions.js';
import { fill, h } from '../dom.js';
import { decibels } from '../format.js';
import { icon } from '../icons.js';

/** @typedef {import('/client/commands.d.ts').SoundTestReport} SoundTestReport */

const CHIMES = /** @type {const} */ ([['ready', 'Ready'], ['done', 'Done'], ['attention', 'Attention'], ['error', 'Error']]);

/** Ways to make the box heard. @param {import('../context.js').Context} context */
export function makeTestCard(context) {
  const { client } = context;
  const result = h('div', { role: 'status' });
  const button = h('button', { class: 'button', type: 'button' }, icon('sound'), 'Test the sound');
  button.addEventListener('click', async () => {
    button.disabled = true;
    fill(result, h('p', { class: 'hushed' }, 'A tone plays on the left, then on the right…'), h('div', { class: 'progress' }));
    const done = await act(context, async () => fill(result, ...describe(await client.audio.test())));
    if (!done) fill(result, h('p', { class: 'hushed' }, 'The test could not be made.'));
    button.disabled = false;
  });
  return h('section', { class: 'card section' }, h('h2', {}, 'Make a sound'),
    h('div', { class: 'choices', role: 'group', 'aria-label': 'Chimes' }, CHIMES.map(([chime, label]) => h('button', { class: 'button', type: 'button', onclick: () => act(context, () => client.audio.chime({ chime })) }, icon('bell'), label))),
    h('div', {}, button), result);
}

/** @param {SoundTestReport} report */
function describe({ pass, listened, channels, xruns, advice }) {
  const verdict = pass ? (listened ? 'Passed: the box heard itself.' : 'Passed, as far as the card can tell.') : 'Failed.';
  const head = ['Channel', 'Sent', 'Heard', 'Noise', 'Tone', 'Delay', 'Result'];
  const rows = channels.map((channel) => [
    channel.channel, decibels(channel.sent), channel.heard === undefined ? '–' : decibels(channel.heard), channel.noise === undefined ? '–' : decibels(channel.noise),
    typeof channel.frequency !== 'number' ? '–' : `${channel.frequency.toFixed(1)} Hz`, typeof channel.delay !== 'number' ? '–' : `${channel.delay} ms`, channel.pass ? 'pass' : 'fail',
  ]);
  return [
    h('p', { class: pass ? 'verdict pass' : 'verdict fail' }, icon(pass ? 'check' : 'warn'), verdict),
    advice ? h('p', {}, advice) : null,
    h('div', { class: 'scroll-x', tabindex: '0', role: 'region', 'aria-label': 'Result of the sound test' }, h('table', {},
      h('thead', {}, h('tr', {}, head.map((text) => h('th', { scope: 'col' }, text)))),
      h('tbody', {}, rows.map((cells) => h('tr', {}, cells.map((text, index) => (index === 0 ? h('th', { scope: 'row' }, text) : h('td', {}, text)))))))),
    xruns > 0 ? h('p', { class: 'hushed' }, `The card ran out of sound ${xruns} times meanwhile.`) : null,
  ];
}
