import { ask } from '../actions.js';
import { fill, h } from '../dom.js';
import { clockTime, counted } from '../format.js';
import { icon } from '../icons.js';
import { route } from '../routes.js';
import { makeCover } from '../shell/cover.js';
import { findAll } from './find-all.js';
import { makeSongList, playFound, queueFound } from './song-list.js';

/** @typedef {import('/client/state.d.ts').Song} Song */

/** Tiles put into the document at once; more come as the end comes into sight. */
const BATCH = 60;

/** @type {import('../views/library.js').Section} */
export function albumsSection(context, _path, signal) {
  const place = h('div', { class: 'section' });
  ask(context, signal, () => context.client.player.list({ tag: 'album' })).then((reply) => {
    const albums = reply?.values.filter(Boolean) ?? [];
    if (reply) fill(place, albums.length > 0 ? makeTiles(context, signal, albums) : h('div', { class: 'empty' }, icon('disc'), h('p', {}, 'No albums are known. Copy music to the box, then press Update.')));
  });
  return place;
}

/**
 * Albums as covers. Each looks up its cover when it comes into sight.
 * @param {import('../context.js').Context} context
 * @param {AbortSignal} signal
 * @param {string[]} albums
 */
export function makeTiles(context, signal, albums) {
  const element = h('ul', { class: 'tiles', 'aria-label': 'Albums' });
  const end = h('div', {});
  let shown = 0;
  /** @type {Map<Element, () => void>} */
  const sights = new Map();
  const observer = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      if (target === end) {
        more();
      } else {
        observer.unobserve(target);
        sights.get(target)?.();
        sights.delete(target);
      }
    }
  }, { root: context.scroller, rootMargin: '300px' });
  signal.addEventListener('abort', () => observer.disconnect());
  const more = () => {
    for (const album of albums.slice(shown, shown + BATCH)) {
      const { tile, sight } = makeTile(context, signal, album);
      sights.set(tile, sight);
      observer.observe(tile);
      element.append(tile);
    }
    shown += BATCH;
    observer.unobserve(end);
    if (shown < albums.length) observer.observe(end);
  };
  more();
  return h('div', {}, element, end);
}

/**
 * @param {import('../context.js').Context} context
 * @param {AbortSignal} signal
 * @param {string} album
 */
function makeTile({ client }, signal, album) {
  const cover = makeCover(client);
  const detail = h('span', { class: 'detail clip' }, '\u00a0');
  cover.show(undefined, album);
  const tile = h('li', {}, h('a', { class: 'tile', href: route('library', 'albums', album) }, cover.element, h('span', { class: 'title clip' }, album), detail));
  const sight = async () => {
    const reply = await client.player.find({ filters: [{ tag: 'album', value: album }], limit: 1 }).catch(() => undefined);
    const song = reply?.songs[0];
    if (!song || signal.aborted) return;
    detail.textContent = song.artist;
    cover.show(song.file, album);
  };
  return { tile, sight };
}

/**
 * @param {string} album
 * @returns {import('/client/commands.d.ts').TagFilter[]}
 */
const ofAlbum = (album) => [{ tag: 'album', value: album }];

/** @type {import('../views/library.js').Section} */
export function albumSection(context, [album], signal) {
  const place = h('div', { class: 'section' });
  ask(context, signal, () => findAll(context.client, ofAlbum(album))).then((songs) => {
    if (songs) fill(place, ...showAlbum(context, signal, album, songs));
  });
  return place;
}

/**
 * @param {import('../context.js').Context} context
 * @param {AbortSignal} signal
 * @param {string} album
 * @param {Song[]} songs
 */
function showAlbum(context, signal, album, songs) {
  if (songs.length === 0) return [h('div', { class: 'empty' }, icon('disc'), h('p', {}, `There is no album called ${album}.`))];
  const cover = makeCover(context.client, { large: true });
  cover.element.classList.remove('large');
  cover.show(songs[0].file, album);
  const artists = [...new Set(songs.map(({ artist }) => artist))];
  const length = songs.reduce((sum, { duration }) => sum + duration, 0);
  const head = h('div', { class: 'album-head' }, cover.element, h('div', {},
    h('div', {}, h('h1', { tabindex: '-1' }, album), h('p', { class: 'hushed' }, artists.length === 1 ? h('a', { href: route('library', 'artists', artists[0]) }, artists[0]) : 'Various artists'),
      h('p', { class: 'hushed figures' }, `${counted(songs.length, 'song')} · ${clockTime(length)}`)),
    h('div', { class: 'tools' },
      h('button', { class: 'button main', type: 'button', onclick: () => playFound(context, ofAlbum(album)) }, icon('play'), 'Play'),
      h('button', { class: 'button', type: 'button', onclick: () => queueFound(context, ofAlbum(album), album) }, icon('plus'), 'Queue'))));
  return [head, makeSongList(context, signal, `Songs of ${album}`, songs, { cover: false, detail: ({ artist }) => (artists.length > 1 ? artist : '') }).element];
}
