import { act } from '../actions.js';
import { askForName, confirm } from '../dialogs/ask.js';
import { openMenu } from '../dialogs/menu.js';
import { openSongMenu } from '../dialogs/song-menu.js';
import { h, setText } from '../dom.js';
import { counted } from '../format.js';
import { icon } from '../icons.js';
import { Paged } from '../lists/paged.js';
import { makeReorderable } from '../lists/reorder.js';
import { makeSongRow } from '../lists/song-row.js';
import { WindowedList } from '../lists/windowed-list.js';
import { route } from '../routes.js';
import { watch } from '../watch.js';

/** @typedef {import('/client/state.d.ts').Song} Song */

/** What comes, and the order in which it comes. @type {import('../context.js').View} */
export function queueView(context, _path, signal) {
  const { client, announce, scroller } = context;
  const { player } = client;
  /** @type {Paged<Song>} */
  const songs = new Paged(async (start, limit) => {
    try {
      const reply = await player.getQueue({ start, limit });
      return { items: reply.songs, total: reply.total };
    } catch (error) {
      if (!signal.aborted) context.toasts.complain(error);
      return undefined;
    }
  }, () => list.update());
  const reload = () => songs.refresh(client.state?.player?.queue_length ?? 0);

  const remove = async (/** @type {number} */ index, /** @type {Song} */ song) => {
    songs.remove(index);
    list.layout();
    list.focus(Math.min(index, songs.length - 1), '.pick');
    if (await act(context, () => player.queueRemove({ id: Number(song.id) }))) announce(`Removed ${song.title}.`);
    else reload();
  };
  const isCurrent = (/** @type {number} */ index) => client.state?.player?.queue_position === index && client.state.player.song !== null;
  const list = new WindowedList({
    label: 'Queue',
    scroller,
    source: songs,
    signal,
    key: (song, index) => `${song?.id}|${song?.file}|${song?.favourite}|${song?.title}|${isCurrent(index)}`,
    render: (song, index) => makeSongRow(context, song, {
      pick: () => act(context, () => player.play(typeof song?.id === 'number' ? { id: song.id } : { position: index })),
      current: isCurrent(index),
      grip: true,
      actions: song ? [
        { icon: 'more', label: 'More', choose: () => openSongMenu(context, song, [{ icon: 'close', label: 'Remove from the list', choose: () => remove(index, song) }]) },
        { icon: 'close', label: 'Remove', optional: true, choose: () => remove(index, song) },
      ] : [],
    }),
  });
  makeReorderable({
    list,
    announce,
    signal,
    nameOf: (index) => songs.at(index)?.title ?? `entry ${index + 1}`,
    move: async (from, to) => {
      const id = songs.at(from)?.id;
      if (typeof id !== 'number') return false;
      songs.move(from, to);
      list.layout();
      const done = await act(context, () => player.queueMove({ id, to }));
      if (!done) reload();
      return done;
    },
  });

  const sub = h('span', { class: 'sub' });
  const heading = h('h1', { tabindex: '-1' }, 'Queue', sub);
  const empty = h('div', { class: 'empty' }, icon('queue'), h('p', {}, 'The queue is empty.'), h('a', { class: 'button main', href: route('library') }, 'Choose some music'));
  const save = h('button', { class: 'button', type: 'button', onclick: () => saveQueue(context) }, icon('save'), 'Save');
  const more = h('button', { class: 'icon-button', type: 'button', 'aria-label': 'More for the queue', onclick: () => openMenu('Queue', [
    { icon: 'random', label: 'Shuffle once', choose: () => act(context, () => player.queueShuffle(), 'Shuffled the queue') },
    { icon: 'disc', label: 'Show the song that plays', choose: () => list.focus(client.state?.player?.queue_position ?? 0) },
    { icon: 'trash', label: 'Clear the queue', choose: () => clearQueue(context) },
  ]) }, icon('more'));

  watch(client, (state) => [state.player?.queue_version, state.player?.queue_length], reload, signal);
  watch(client, (state) => [state.player?.queue_position, state.player?.song?.file], () => list.update(), signal);
  watch(client, (state) => state.player?.state === 'play', (playing) => list.element.classList.toggle('playing', playing), signal);
  watch(client, (state) => [state.player?.queue_length ?? 0, state.player?.playlist ?? ''], ([length, playlist]) => {
    empty.hidden = Number(length) > 0;
    save.hidden = Number(length) === 0;
    more.hidden = Number(length) === 0;
    setText(sub, Number(length) === 0 ? '' : [counted(Number(length), 'song'), playlist && `from ${playlist}`].filter(Boolean).join(' · '));
  }, signal);
  return h('div', { class: 'view' }, h('div', { class: 'bar-of-tools' }, heading, save, more), empty, list.element);
}

/** @param {import('../context.js').Context} context */
async function saveQueue(context) {
  const { player } = context.client;
  const name = await askForName({ title: 'Save the queue', label: 'Name of the playlist', button: 'Save' });
  if (!name) return;
  try {
    await player.queueSave({ name });
    context.toasts.say(`Saved as ${name}`);
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code !== 'conflict') return context.toasts.complain(error);
    const replace = await confirm({ title: 'Replace the playlist?', text: `There is a playlist called ${name} already.`, button: 'Replace' });
    if (replace) await act(context, () => player.queueSave({ name, replace: true }), `Saved as ${name}`);
  }
}

/** @param {import('../context.js').Context} context */
async function clearQueue(context) {
  const sure = await confirm({ title: 'Clear the queue?', text: 'The music stops, and every song leaves the queue. The files stay.', button: 'Clear' });
  if (sure) await act(context, () => context.client.player.queueClear(), 'Cleared the queue');
}
