import { h, setAttribute, setText } from '../dom.js';
import { route } from '../routes.js';
import { watch } from '../watch.js';
import { makeCover } from './cover.js';
import { makeSeekBar } from './seek-bar.js';
import { control, makeTransport } from './transport.js';
import { makeVolume } from './volume.js';

/**
 * What is always there: the song, the transport and the volume.
 * @param {import('../context.js').Context} context
 * @param {AbortSignal} signal
 */
export function makePlayerBar(context, signal) {
  const cover = makeCover(context.client);
  const title = h('span', { class: 'title clip' });
  const artist = h('span', { class: 'artist clip' });
  const song = h('a', { class: 'song', href: route('now') }, cover.element, h('span', { class: 'for-readers' }, 'Now playing: '), h('span', { class: 'words' }, title, artist));
  const transport = makeTransport(context, signal);
  const openVolume = control('volume', 'Volume', () => {
    const open = bar.classList.toggle('volume-open');
    setAttribute(openVolume, 'aria-expanded', open);
    if (open) side.querySelector('input')?.focus();
  });
  openVolume.classList.add('open-volume');
  openVolume.setAttribute('aria-expanded', 'false');
  transport.append(openVolume);
  const side = h('div', { class: 'side' }, makeVolume(context, signal));
  const bar = h('section', { class: 'player-bar', 'aria-label': 'Player' }, song, h('div', { class: 'middle' }, transport, makeSeekBar(context, signal)), side);
  watch(context.client, (state) => state.player?.song ?? null, (playing) => {
    setText(title, playing?.title ?? 'Nothing is playing');
    setText(artist, playing?.artist ?? '');
    cover.show(playing?.file, playing?.album);
    document.title = playing ? `${playing.title} · ${playing.artist}` : 'Amora';
  }, signal);
  return bar;
}
