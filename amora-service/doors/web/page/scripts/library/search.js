import { h, setText } from '../dom.js';
import { counted } from '../format.js';
import { Paged } from '../lists/paged.js';
import { makeSongList } from './song-list.js';

/** Matches asked for at once. */
const PAGE = 100;

/** @type {import('../views/library.js').Section} */
export function searchSection(context, [query], signal) {
  const status = h('p', { class: 'hushed', role: 'status' }, 'Searching…');
  /** @type {Paged<import('/client/state.d.ts').Song>} */
  const songs = new Paged(async (start) => {
    try {
      const reply = await context.client.player.search({ query, start, limit: PAGE });
      const known = start + reply.songs.length;
      // How many there are is not told: one more keeps the next page wanted.
      const total = Math.max(reply.more ? known + 1 : known, reply.more ? songs.length : 0);
      setText(status, known === 0 ? `Nothing was found for “${query}”.` : `${counted(known, 'song')}${reply.more ? ' and more' : ''}`);
      return signal.aborted ? undefined : { items: reply.songs, total };
    } catch (error) {
      if (!signal.aborted) {
        setText(status, 'The search failed.');
        context.toasts.complain(error);
      }
      return undefined;
    }
  }, () => list.update(), PAGE);
  const list = makeSongList(context, signal, 'Songs found', songs);
  songs.length = 1;
  songs.want(0, 1);
  songs.length = 0;
  return h('div', { class: 'section' }, status, list.element);
}
