import { act } from '../actions.js';
import { fill, h, setAttribute, setText, withCode } from '../dom.js';
import { momentInWords, spanInWords } from '../format.js';
import { icon } from '../icons.js';
import { sentence } from '../update/words.js';
import { watch, watchConnection } from '../watch.js';
import { conditionOf, isHeard, linkInWords, loudspeakerInWords, microphoneInWords } from './words.js';

/** How often spans of time are told anew, milliseconds. */
const MINUTE_HAND = 15_000;

/** The last moment that a Date can tell, milliseconds. */
const LATEST = 8.64e15;

/** How the call is, and its two buttons. @param {import('../context.js').Context} context @param {AbortSignal} signal */
export function makeCallCard(context, signal) {
  const { client, clock } = context;
  const sign = h('span', { class: 'sign', 'aria-hidden': 'true' });
  const link = h('span', { class: 'link' });
  const microphone = h('span', { class: 'hushed' });
  const loudspeaker = h('p', { class: 'loudspeaker' });
  const since = h('span', {});
  const hub = h('span', { class: 'hub' });
  const cause = h('span', {});
  const nextStep = h('strong', {});
  const trouble = h('p', { class: 'trouble' }, cause, ' ', nextStep);
  // Its place is kept, so that nothing below it moves while somebody speaks.
  const voices = h('p', { class: 'voices-now' });

  const mute = h('button', { class: 'round', type: 'button', 'aria-pressed': 'false', 'aria-label': 'Mute the microphone' }, h('span', { class: 'disc' }), h('span', {}, 'Mute'));
  mute.addEventListener('click', () => act(context, () => client.voice.mute({ mute: !client.state?.voice?.mute })));
  const call = h('button', { class: 'round call', type: 'button' }, h('span', { class: 'disc' }, icon('phone')), h('span', {}, 'Call'));
  call.addEventListener('click', () => act(context, () => client.voice.connect()));
  const hangUp = h('button', { class: 'round hang-up', type: 'button' }, h('span', { class: 'disc' }, icon('hang')), h('span', {}, 'Hang up'));
  hangUp.addEventListener('click', () => act(context, () => client.voice.disconnect()));

  const card = h('section', { class: 'card call-card', 'aria-label': 'Call' },
    h('div', { class: 'head' }, sign, h('div', { class: 'words' }, h('h2', {}, 'Call'), h('p', { role: 'status' }, link, ' ', microphone), loudspeaker, h('p', { class: 'hushed' }, since, ' ', hub), voices, trouble)),
    h('div', { class: 'rounds' }, mute, call, hangUp));

  const tell = () => {
    const voice = client.state?.voice;
    if (!voice) return;
    const began = clock.local(voice.since);
    setText(since, Math.abs(began) <= LATEST ? `For ${spanInWords(Date.now() - began)}, since ${momentInWords(began)}.` : '');
  };
  watch(client, ({ voice, audio, system }) => voice && [voice.link, voice.since, voice.cause, voice.hub, voice.device_id, voice.mute, voice.barge_in, audio?.owner, audio?.mute, audio?.volume, audio?.mixer?.active, system.health.voice], () => {
    const voice = client.state?.voice;
    if (!voice) return;
    const how = conditionOf(voice, client.state?.system.health.voice);
    const { audio } = client.state ?? {};
    const open = isHeard(voice, audio);
    if (sign.dataset.open !== String(open) || !sign.hasChildNodes()) fill(sign, icon(open ? 'microphone' : 'closed'));
    sign.dataset.open = String(open);
    card.dataset.condition = how.condition;
    card.dataset.muted = String(voice.mute === true);
    setText(link, `${linkInWords(voice.link)}.`);
    setText(microphone, microphoneInWords(voice, audio));
    setText(hub, [voice.hub && `Hub: ${voice.hub}`, voice.device_id && `known there as ${voice.device_id}`].filter(Boolean).join(' · '));
    const heard = voice.barge_in === true ? 'somebody' : audio?.mixer?.active?.includes('speech') ? 'hub' : 'nobody';
    if (voices.dataset.who !== heard) fill(voices, heard === 'nobody' ? null : h('span', { class: 'chip' }, ...(heard === 'hub' ? [icon('sound'), 'The hub is speaking'] : [icon('person'), 'Somebody is speaking'])));
    voices.dataset.who = heard;
    setText(loudspeaker, loudspeakerInWords(voice, audio));
    trouble.hidden = !how.cause;
    fill(cause, withCode(sentence(how.cause ?? '')));
    fill(nextStep, withCode(sentence(how.nextStep)));
    setAttribute(mute, 'aria-pressed', voice.mute === true);
    const disc = /** @type {HTMLElement} */ (mute.firstElementChild);
    fill(disc, icon(voice.mute ? 'closed' : 'microphone'));
    call.hidden = voice.link === 'connected' || voice.link === 'interrupted';
    hangUp.hidden = voice.link === 'off';
    tell();
  }, signal);
  watchConnection(client, ({ status, authenticated }) => {
    for (const button of [mute, call, hangUp]) button.disabled = status === 'online' && !authenticated;
  }, signal);
  const timer = setInterval(tell, MINUTE_HAND);
  signal.addEventListener('abort', () => clearInterval(timer));
  return card;
}
