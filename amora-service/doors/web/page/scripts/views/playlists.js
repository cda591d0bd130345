import { act, ask } from '../actions.js';
import { askForName, confirm } from '../dialogs/ask.js';
import { openMenu } from '../dialogs/menu.js';
import { openSongMenu } from '../dialogs/song-menu.js';
import { fill, h } from '../dom.js';
import { clockTime, counted } from '../format.js';
import { icon } from '../icons.js';
import { Fixed } from '../lists/fixed.js';
import { makePlainRow } from '../lists/plain-row.js';
import { makeReorderable } from '../lists/reorder.js';
import { makeSongRow } from '../lists/song-row.js';
import { WindowedList } from '../lists/windowed-list.js';
import { route } from '../routes.js';
import { watch } from '../watch.js';

/** @typedef {import('../context.js').Context} Context */

/** The stored playlists, or one of them. @type {import('../context.js').View} */
export function playlistsView(context, [name], signal) {
  return name === undefined ? allPlaylists(context, signal) : onePlaylist(context, name, signal);
}

/** @param {Context} context @param {AbortSignal} signal */
function allPlaylists(context, signal) {
  const { client } = context;
  const list = h('ul', { 'aria-label': 'Playlists' });
  const empty = h('div', { class: 'empty', hidden: true }, icon('playlists'), h('p', {}, 'There are no playlists yet. Save the queue as one, or create one here.'));
  const create = async () => {
    const name = await askForName({ title: 'New playlist', label: 'Name', button: 'Create' });
    if (name && (await act(context, () => client.player.createPlaylist({ name, files: [] }), `Created ${name}`))) location.hash = route('playlists', name);
  };
  watch(client, (state) => state.player?.playlists_version, async () => {
    const reply = await ask(context, signal, () => client.player.getPlaylists());
    if (!reply) return;
    empty.hidden = reply.playlists.length > 0;
    fill(list, reply.playlists.map(({ name, modified }) => makePlainRow({
      icon: 'playlists',
      title: name,
      detail: modified ? `Changed ${new Date(modified).toLocaleDateString(undefined, { dateStyle: 'medium' })}` : '',
      href: route('playlists', name),
      actions: [
        { icon: 'play', label: 'Play', choose: () => act(context, () => client.player.playPlaylist({ playlist: name })) },
        { icon: 'more', label: 'More', choose: () => openPlaylistMenu(context, name) },
      ],
    })));
  }, signal);
  return h('div', { class: 'view' },
    h('div', { class: 'bar-of-tools' }, h('h1', { tabindex: '-1' }, 'Playlists'), h('button', { class: 'button', type: 'button', onclick: create }, icon('plus'), 'New')),
    empty, list);
}

/** @param {Context} context @param {string} name @param {() => void} [left] called when the playlist has another name or none */
function openPlaylistMenu(context, name, left) {
  const { player } = context.client;
  return openMenu(name, [
    { icon: 'play', label: 'Play', choose: () => act(context, () => player.playPlaylist({ playlist: name })) },
    { icon: 'plus', label: 'Add to the queue', choose: () => act(context, () => player.queuePlaylist({ playlist: name }), `Added ${name}`) },
    {
      icon: 'pen',
      label: 'Rename…',
      choose: async () => {
        const wanted = await askForName({ title: 'Rename the playlist', label: 'New name', value: name, button: 'Rename' });
        if (wanted && wanted !== name && (await act(context, () => player.renamePlaylist({ playlist: name, name: wanted }), `Renamed to ${wanted}`))) left?.();
      },
    },
    {
      icon: 'trash',
      label: 'Delete…',
      choose: async () => {
        const sure = await confirm({ title: 'Delete the playlist?', text: `${name} will be gone. The songs stay in the library.`, button: 'Delete' });
        if (sure && (await act(context, () => player.deletePlaylist({ playlist: name }), `Deleted ${name}`))) left?.();
      },
    },
  ]);
}

/** @param {Context} context @param {string} name @param {AbortSignal} signal */
function onePlaylist(context, name, signal) {
  const { client, announce, scroller } = context;
  const { player } = client;
  /** @type {Fixed<import('/client/state.d.ts').Song>} */
  const songs = new Fixed([]);
  const sub = h('span', { class: 'sub figures' }, '\u00a0');
  const empty = h('div', { class: 'empty', hidden: true }, icon('playlists'), h('p', {}, 'This playlist is empty. The menu beside a song adds it here.'));
  const load = async () => {
    const reply = await ask(context, signal, () => player.getPlaylist({ playlist: name }));
    if (!reply) return;
    songs.items = reply.items;
    empty.hidden = reply.items.length > 0;
    sub.textContent = `${counted(reply.items.length, 'song')} · ${clockTime(reply.items.reduce((sum, { duration }) => sum + duration, 0))}`;
    list.layout();
  };
  const remove = async (/** @type {number} */ index, /** @type {string} */ title) => {
    if (await act(context, () => player.removeTrack({ track_index: index, playlist: name }))) announce(`Removed ${title}.`);
    await load();
    list.focus(Math.min(index, songs.length - 1));
  };
  const list = new WindowedList({
    label: `Songs of ${name}`,
    scroller,
    source: songs,
    signal,
    key: (song, index) => `${index}|${song?.file}|${song?.title}`,
    render: (song, index) => makeSongRow(context, song, {
      grip: true,
      pick: () => act(context, () => player.playTrack({ track_index: index, playlist: name })),
      actions: song ? [
        { icon: 'more', label: 'More', choose: () => openSongMenu(context, song, [{ icon: 'close', label: 'Remove from the list', choose: () => remove(index, song.title) }]) },
        { icon: 'close', label: 'Remove', optional: true, choose: () => remove(index, song.title) },
      ] : [],
    }),
  });
  makeReorderable({
    list,
    announce,
    signal,
    nameOf: (index) => songs.at(index)?.title ?? '',
    move: async (from, to) => {
      songs.move(from, to);
      list.layout();
      const done = await act(context, () => player.reorderTrack({ from_index: from, to_index: to, playlist: name }));
      if (!done) load();
      return done;
    },
  });
  watch(client, (state) => state.player?.playlists_version, load, signal);
  const leave = () => {
    location.hash = route('playlists');
  };
  return h('div', { class: 'view' },
    h('nav', { class: 'crumbs', 'aria-label': 'Playlist' }, h('a', { href: route('playlists') }, 'Playlists'), icon('chevron')),
    h('div', { class: 'bar-of-tools' }, h('h1', { tabindex: '-1' }, name, sub),
      h('button', { class: 'button main', type: 'button', onclick: () => act(context, () => player.playPlaylist({ playlist: name })) }, icon('play'), 'Play'),
      h('button', { class: 'icon-button', type: 'button', 'aria-label': `More for ${name}`, onclick: () => openPlaylistMenu(context, name, leave) }, icon('more'))),
    empty, list.element);
}
