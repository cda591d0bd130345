import { act, ask } from '../actions.js';
import { openMenu } from '../dialogs/menu.js';
import { queueEntries } from '../dialogs/song-menu.js';
import { fill, h } from '../dom.js';
import { baseName } from '../format.js';
import { icon } from '../icons.js';
import { makePlainRow } from '../lists/plain-row.js';
import { route } from '../routes.js';
import { makeSongList } from './song-list.js';

/** @type {import('../views/library.js').Section} */
export function foldersSection(context, path, signal) {
  const { client } = context;
  const place = h('div', { class: 'section' }, makeCrumbs(path));
  ask(context, signal, () => client.player.browse({ path: path.join('/') })).then((reply) => {
    if (!reply) return;
    const folders = reply.folders.map((folder) => makePlainRow({
      icon: 'folder',
      title: baseName(folder),
      href: route('library', 'folders', ...folder.split('/')),
      actions: [
        { icon: 'plus', label: 'Add to the queue', choose: () => act(context, () => client.player.queueAdd({ uri: folder }), `Added ${baseName(folder)}`) },
        { icon: 'more', label: 'More', choose: () => openMenu(baseName(folder), [
          ...queueEntries(context, folder, baseName(folder)),
          { icon: 'refresh', label: 'Scan this folder again', choose: () => act(context, () => client.player.updateLibrary({ path: folder, rescan: true }), 'Scanning') },
        ]) },
      ],
    }));
    const playlists = reply.playlists.map((file) => makePlainRow({ icon: 'playlists', title: baseName(file), detail: 'Playlist file', pick: () => act(context, () => client.player.queuePlaylist({ playlist: file }), `Added ${baseName(file)}`) }));
    const nothing = folders.length + playlists.length + reply.songs.length === 0;
    fill(place, makeCrumbs(path),
      nothing ? h('div', { class: 'empty' }, icon('folder'), h('p', {}, 'There is no music in this folder.')) : null,
      folders.length + playlists.length > 0 ? h('ul', { 'aria-label': 'Folders' }, folders, playlists) : null,
      reply.songs.length > 0 ? makeSongList(context, signal, 'Songs in this folder', reply.songs).element : null);
  });
  return place;
}

/** @param {string[]} path */
function makeCrumbs(path) {
  if (path.length === 0) return null;
  const steps = path.map((name, index) => [icon('chevron'), index === path.length - 1 ? h('strong', { 'aria-current': 'page' }, name) : h('a', { href: route('library', 'folders', ...path.slice(0, index + 1)) }, name)]);
  return h('nav', { class: 'crumbs', 'aria-label': 'Folder' }, h('a', { href: route('library', 'folders') }, 'Music'), steps.flat());
}
