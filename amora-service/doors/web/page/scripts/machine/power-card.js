import { act } from '../actions.js';
import { confirm } from '../dialogs/ask.js';
import { h } from '../dom.js';
import { icon } from '../icons.js';
import { watchConnection } from '../watch.js';
import { openResetSheet } from './reset-sheet.js';

/** Restart, off, and back to the first day. @param {import('../context.js').Context} context @param {AbortSignal} signal */
export function makePowerCard(context, signal) {
  const { client } = context;
  const restart = async () => {
    const agreed = await confirm({ title: 'Restart the box?', text: 'Music stops, and the box is away for about a minute. This page comes back by itself.', button: 'Restart' });
    if (agreed) await act(context, () => client.box.restart(), 'The box restarts');
  };
  const powerOff = async () => {
    const agreed = await confirm({ title: 'Switch the box off?', text: 'This page cannot switch it on again: for that, take its power away and give it back.', button: 'Switch off' });
    if (agreed) await act(context, () => client.box.powerOff(), 'The box switches off');
  };
  const card = h('section', { class: 'card section', 'aria-label': 'Power' }, h('h2', {}, 'Power'),
    h('div', { class: 'choices' },
      h('button', { class: 'button', type: 'button', onclick: restart }, icon('refresh'), 'Restart'),
      h('button', { class: 'button', type: 'button', onclick: powerOff }, icon('power'), 'Switch off')),
    h('h3', {}, 'Factory reset'),
    h('p', { class: 'hushed' }, 'Makes the box forget you, for example before it is given away. You see what goes and what stays before anything happens.'),
    h('div', { class: 'choices' }, h('button', { class: 'button danger', type: 'button', onclick: () => openResetSheet(context) }, icon('trash'), 'Factory reset…')));
  watchConnection(client, ({ authenticated }) => {
    card.hidden = !authenticated;
  }, signal);
  return card;
}
