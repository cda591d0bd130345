import { act } from '../actions.js';
import { openSongMenu, playNow } from '../dialogs/song-menu.js';
import { Fixed } from '../lists/fixed.js';
import { makeSongRow } from '../lists/song-row.js';
import { WindowedList } from '../lists/windowed-list.js';

/** @typedef {import('/client/state.d.ts').Song} Song */

/**
 * Songs of the library: picking one plays it.
 * @param {import('../context.js').Context} context
 * @param {AbortSignal} signal
 * @param {string} label
 * @param {Song[] | import('../lists/windowed-list.js').Source<Song>} songs
 * @param {{ cover?: boolean, detail?: (song: Song) => string }} [options]
 */
export function makeSongList(context, signal, label, songs, { cover = true, detail } = {}) {
  const source = Array.isArray(songs) ? new Fixed(songs) : songs;
  return new WindowedList({
    label,
    scroller: context.scroller,
    source,
    signal,
    key: (song) => `${song?.file}|${song?.title}|${song?.favourite}`,
    render: (song) => makeSongRow(context, song, {
      cover,
      detail: song && detail?.(song),
      pick: () => song && playNow(context, song.file),
      actions: song ? [
        { icon: 'plus', label: 'Add to the queue', optional: true, choose: () => act(context, () => context.client.player.queueAdd({ uri: song.file }), `Added ${song.title}`) },
        { icon: 'more', label: 'More', choose: () => openSongMenu(context, song) },
      ] : [],
    }),
  });
}

/**
 * Replaces the queue with these songs and plays.
 * @param {import('../context.js').Context} context
 * @param {Song[]} songs
 */
export function playAll(context, songs) {
  const { player } = context.client;
  return act(context, async () => {
    await player.queueClear();
    const [first, ...others] = songs;
    await player.queueAdd({ uri: first.file, play: true });
    for (const song of others) await player.queueAdd({ uri: song.file });
  });
}

/**
 * Replaces the queue with every song that has these tags, and plays.
 * @param {import('../context.js').Context} context
 * @param {import('/client/commands.d.ts').TagFilter[]} filters
 */
export function playFound(context, filters) {
  const { player } = context.client;
  return act(context, async () => {
    await player.queueClear();
    await player.queueFind({ filters, play: true });
  });
}

/**
 * @param {import('../context.js').Context} context
 * @param {import('/client/commands.d.ts').TagFilter[]} filters
 * @param {string} name
 */
export function queueFound(context, filters, name) {
  return act(context, () => context.client.player.queueFind({ filters }), `Added ${name}`);
}
