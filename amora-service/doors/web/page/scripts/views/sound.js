import { act } from '../actions.js';
import { makeSwitch } from '../dialogs/playback-sheet.js';
import { fill, h, setText } from '../dom.js';
import { decibels } from '../format.js';
import { makeListenCard } from '../sound/listen-card.js';
import { makeMeter } from '../sound/meter.js';
import { makeTestCard } from '../sound/test-card.js';
import { watch } from '../watch.js';

/** What leaves the box, and how. @type {import('../context.js').View} */
export function soundView(context, _path, signal) {
  return h('div', { class: 'view' },
    h('h1', { tabindex: '-1' }, 'Sound'),
    h('section', { class: 'card' }, h('h2', {}, 'Level'), makeMeter(context, signal), makeMixerLine(context, signal)),
    h('div', { class: 'columns' }, h('div', { class: 'section' }, makeListenCard(context, signal), makeTestCard(context)), makeOutputs(context, signal)));
}

/** @param {import('../context.js').Context} context @param {AbortSignal} signal */
function makeMixerLine({ client }, signal) {
  const line = h('p', { class: 'hushed' });
  watch(client, (state) => state.audio && [state.audio.mixer.active, state.audio.mixer.ducking, state.audio.card.error], () => {
    const audio = client.state?.audio;
    if (!audio) return setText(line, 'This box has no sound engine: its configuration has no [audio] section.');
    const active = audio.mixer.active.length > 0 ? `Sounding: ${audio.mixer.active.join(', ')}` : 'Nothing is sounding';
    const ducked = (audio.mixer.ducking ?? 0) < -0.1 ? ` · music turned down by ${decibels(-Number(audio.mixer.ducking))}` : '';
    setText(line, audio.card.error ?? `${active}${ducked}`);
  }, signal);
  return line;
}

/** @param {import('../context.js').Context} context @param {AbortSignal} signal */
function makeOutputs(context, signal) {
  const { client } = context;
  const list = h('div', {});
  const exclusive = makeSwitch('Exclusive', 'Gives the card to the player alone, bit-perfect, while nothing else needs it.', (on) => act(context, () => client.audio.setExclusive({ exclusive: on })));
  const owner = h('p', { class: 'hushed' });
  watch(client, (state) => [state.audio?.exclusive, state.audio?.owner], ([wanted, has]) => {
    exclusive.show(wanted === true);
    exclusive.input.disabled = wanted === undefined;
    setText(owner, has === 'player' ? 'The player has the card now.' : has === 'returning' ? 'The card is being taken back.' : '');
  }, signal);
  watch(client, (state) => state.player?.outputs ?? [], (outputs) => {
    if (outputs.length === 0) return fill(list, h('p', { class: 'hushed' }, 'The player names no outputs.'));
    fill(list, outputs.map(({ id, name, plugin, enabled }) => {
      const output = makeSwitch(name, plugin, (on) => act(context, () => client.player.setOutput({ id, enabled: on })));
      output.show(enabled);
      return output.label;
    }));
  }, signal);
  return h('section', { class: 'card' }, h('h2', {}, 'Outputs'), exclusive.label, owner, h('h3', {}, 'Of the player'), list);
}
