import { act } from '../actions.js';
import { h } from '../dom.js';
import { route } from '../routes.js';
import { makeCover } from '../shell/cover.js';
import { askForName } from './ask.js';
import { openMenu } from './menu.js';

/** @typedef {import('../context.js').Context} Context */
/** @typedef {import('/client/state.d.ts').Song} Song */

/**
 * What can be done with a song.
 * @param {Context} context
 * @param {Song} song
 * @param {import('./menu.js').MenuEntry[]} [more]
 */
export function openSongMenu(context, song, more = []) {
  const { player } = context.client;
  const cover = makeCover(context.client);
  const heading = h('div', { class: 'song-line' }, cover.element,
    h('div', { class: 'clip' }, h('strong', { class: 'clip' }, song.title), h('div', { class: 'hushed clip' }, song.artist)));
  cover.show(song.file, song.album);
  const favourite = song.favourite === true;
  return openMenu('Song', [
    ...(song.id === undefined ? queueEntries(context, song.file, song.title) : []),
    { icon: 'playlists', label: 'Add to a playlist…', choose: () => addToPlaylist(context, song) },
    {
      icon: 'heart',
      label: favourite ? 'Remove from favourites' : 'Add to favourites',
      choose: () => act(context, () => player.setFavourite({ file: song.file, favourite: !favourite }), favourite ? 'Removed from favourites' : 'Added to favourites'),
    },
    ...(known(song.artist) ? [{ icon: /** @type {const} */ ('person'), label: `More by ${song.artist}`, choose: () => go('artists', song.artist) }] : []),
    ...(known(song.album) ? [{ icon: /** @type {const} */ ('disc'), label: `Go to ${song.album}`, choose: () => go('albums', song.album) }] : []),
    ...more,
  ], heading);
}

/**
 * Ways to put something into the queue.
 * @param {Context} context
 * @param {string} uri a file, a folder or a stream
 * @param {string} name
 * @returns {import('./menu.js').MenuEntry[]}
 */
export function queueEntries(context, uri, name) {
  const { client } = context;
  return [
    { icon: 'play', label: 'Play now', choose: () => playNow(context, uri) },
    {
      icon: 'after',
      label: 'Play next',
      choose: () => act(context, () => client.player.queueAdd({ uri, position: nextPosition(context) }), `${name} plays next`),
    },
    { icon: 'plus', label: 'Add to the queue', choose: () => act(context, () => client.player.queueAdd({ uri }), `Added ${name}`) },
  ];
}

/** Plays something at once, after what plays now, and keeps the queue. @param {Context} context @param {string} uri */
export function playNow(context, uri) {
  return act(context, () => context.client.player.queueAdd({ uri, position: nextPosition(context), play: true }));
}

/** @param {Context} context */
export function nextPosition({ client }) {
  const position = client.state?.player?.queue_position;
  return typeof position === 'number' ? position + 1 : undefined;
}

/** @param {Context} context @param {Song} song */
async function addToPlaylist(context, song) {
  const { player } = context.client;
  let names = /** @type {string[]} */ ([]);
  if (!(await act(context, async () => {
    names = (await player.getPlaylists()).playlists.map(({ name }) => name);
  }))) return;
  const add = (/** @type {string} */ playlist) => act(context, () => player.addTrack({ track: song.file, playlist }), `Added to ${playlist}`);
  const create = async () => {
    const name = await askForName({ title: 'New playlist', label: 'Name', button: 'Create' });
    if (name) await act(context, () => player.createPlaylist({ name, files: [song.file] }), `Created ${name}`);
  };
  await openMenu('Add to a playlist', [
    { icon: 'plus', label: 'New playlist…', choose: create },
    ...names.map((name) => ({ icon: /** @type {const} */ ('playlists'), label: name, choose: () => add(name) })),
  ]);
}

/** @param {string} name */
const known = (name) => name !== '' && name !== 'Unknown';

/** @param {'artists' | 'albums'} kind @param {string} name */
function go(kind, name) {
  location.hash = route('library', kind, name);
}
