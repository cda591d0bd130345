import { ask } from '../actions.js';
import { fill, h } from '../dom.js';
import { icon } from '../icons.js';
import { Fixed } from '../lists/fixed.js';
import { makePlainRow } from '../lists/plain-row.js';
import { WindowedList } from '../lists/windowed-list.js';
import { route } from '../routes.js';
import { makeTiles } from './albums.js';
import { findAll } from './find-all.js';
import { makeSongList, playFound, queueFound } from './song-list.js';

/** @type {import('../views/library.js').Section} */
export function artistsSection(context, _path, signal) {
  const place = h('div', { class: 'section' });
  ask(context, signal, () => context.client.player.list({ tag: 'artist' })).then((reply) => {
    if (!reply) return;
    const artists = reply.values.filter(Boolean);
    if (artists.length === 0) return fill(place, h('div', { class: 'empty' }, icon('person'), h('p', {}, 'No artists are known.')));
    const list = new WindowedList({
      label: 'Artists',
      scroller: context.scroller,
      source: new Fixed(artists),
      signal,
      key: (artist) => String(artist),
      render: (artist = '') => makePlainRow({ icon: 'person', title: artist, href: route('library', 'artists', artist) }),
    });
    fill(place, list.element);
    list.layout();
  });
  return place;
}

/** @type {import('../views/library.js').Section} */
export function artistSection(context, [artist], signal) {
  const place = h('div', { class: 'section' });
  /** @type {import('/client/commands.d.ts').TagFilter[]} */
  const filters = [{ tag: 'artist', value: artist }];
  ask(context, signal, () => findAll(context.client, filters)).then((songs) => {
    if (!songs) return;
    const albums = [...new Set(songs.map(({ album }) => album))].filter((album) => album && album !== 'Unknown');
    fill(place,
      h('div', { class: 'bar-of-tools' }, h('h1', { tabindex: '-1' }, artist),
        songs.length > 0 ? h('button', { class: 'button main', type: 'button', onclick: () => playFound(context, filters) }, icon('play'), 'Play') : null,
        songs.length > 0 ? h('button', { class: 'button', type: 'button', onclick: () => queueFound(context, filters, artist) }, icon('plus'), 'Queue') : null),
      albums.length > 0 ? makeTiles(context, signal, albums) : null,
      h('h2', {}, songs.length > 0 ? 'Songs' : `There are no songs by ${artist}.`),
      makeSongList(context, signal, `Songs by ${artist}`, songs).element);
  });
  return place;
}
