import { h } from '../dom.js';
import { makeCallCard } from '../talk/call-card.js';
import { makeEchoCard } from '../talk/echo-card.js';
import { makeHearCard } from '../talk/hear-card.js';
import { makeLevelsCard } from '../talk/levels-card.js';
import { makeSpeakCard } from '../talk/speak-card.js';
import { Talker } from '../talk/talker.js';
import { watch } from '../watch.js';

/** The voice desk: its call, what it hears, and how to talk to it. @type {import('../context.js').View} */
export function talkView(context, _path, signal) {
  const view = h('div', { class: 'view talk' }, h('h1', { tabindex: '-1' }, 'Talk'));
  let present = new AbortController();
  signal.addEventListener('abort', () => present.abort());
  watch(context.client, (state) => Boolean(state.voice), (there) => {
    present.abort();
    present = new AbortController();
    while (view.children.length > 1) view.lastElementChild?.remove();
    view.append(...(there ? desk(context, present.signal) : [absent()]));
  }, signal);
  return view;
}

/** @param {import('../context.js').Context} context @param {AbortSignal} signal */
function desk(context, signal) {
  const talker = new Talker(context.client, signal);
  return [
    makeCallCard(context, signal),
    makeLevelsCard(context, talker, signal),
    h('div', { class: 'columns' },
      h('div', { class: 'section' }, makeSpeakCard(context, talker, signal)),
      h('div', { class: 'section' }, makeHearCard(context, signal), makeEchoCard(context, signal))),
  ];
}

function absent() {
  return h('section', { class: 'card section' },
    h('p', {}, 'This box has no voice desk, and needs none.'),
    h('p', { class: 'hushed' }, 'To let it talk with a hub, give its configuration a section ', h('code', {}, '[voice]'), ' with the address of one, and start it anew:'),
    h('pre', { class: 'example' }, '[voice]\nhub_url = "http://hub.local:8080"'));
}
