import { ask } from '../actions.js';
import { fill, h } from '../dom.js';
import { icon } from '../icons.js';
import { makeSongList, playAll } from './song-list.js';

/** @type {import('../views/library.js').Section} */
export function favouritesSection(context, _path, signal) {
  const place = h('div', { class: 'section' });
  ask(context, signal, () => context.client.player.getFavourites()).then((reply) => {
    if (!reply) return;
    const songs = reply.songs.map((song) => ({ ...song, favourite: true }));
    if (songs.length === 0) return fill(place, h('div', { class: 'empty' }, icon('heart'), h('p', {}, 'Nothing here yet. The heart beside a song puts it here.')));
    fill(place,
      h('div', { class: 'bar-of-tools' }, h('button', { class: 'button main', type: 'button', onclick: () => playAll(context, songs) }, icon('play'), 'Play all')),
      makeSongList(context, signal, 'Favourite songs', songs).element);
  });
  return place;
}
