import { act } from '../actions.js';
import { h, setText } from '../dom.js';
import { counted } from '../format.js';
import { icon } from '../icons.js';
import { albumSection, albumsSection } from '../library/albums.js';
import { artistSection, artistsSection } from '../library/artists.js';
import { favouritesSection } from '../library/favourites.js';
import { foldersSection } from '../library/folders.js';
import { searchSection } from '../library/search.js';
import { route } from '../routes.js';
import { watch } from '../watch.js';

/**
 * A part of the library; it fills its element when its data come.
 * @typedef {(context: import('../context.js').Context, path: string[], signal: AbortSignal) => HTMLElement} Section
 */

const TABS = [['albums', 'Albums'], ['artists', 'Artists'], ['folders', 'Folders'], ['favourites', 'Favourites']];

/** Pause in typing after which the search begins, milliseconds. */
const PAUSE = 220;

/** Everything there is to play, or one album or artist of it. @type {import('../context.js').View} */
export function libraryView(context, path, signal) {
  const [tab, name] = path;
  if (name !== undefined && tab === 'albums') return onePart('albums', 'Albums', albumSection(context, [name], signal));
  if (name !== undefined && tab === 'artists') return onePart('artists', 'Artists', artistSection(context, [name], signal));
  return wholeLibrary(context, path, signal);
}

/** @param {string} tab @param {string} label @param {HTMLElement} section */
function onePart(tab, label, section) {
  return h('div', { class: 'view' }, h('nav', { class: 'crumbs', 'aria-label': 'Library' }, h('a', { href: route('library', tab) }, label), icon('chevron')), section);
}

/** @type {import('../context.js').View} */
function wholeLibrary(context, [tab = 'albums', ...rest], signal) {
  const { client } = context;
  const sub = h('span', { class: 'sub' });
  const progress = h('div', { class: 'progress', role: 'progressbar', 'aria-label': 'Scanning the library', hidden: true });
  const update = h('button', { class: 'button', type: 'button', onclick: () => act(context, () => client.player.updateLibrary(), 'Scanning the library') }, icon('refresh'), 'Update');
  watch(client, (state) => state.player?.library, (library) => {
    progress.hidden = !library?.updating;
    update.disabled = !library || library.updating;
    if (!library) return;
    setText(sub, library.updating ? `Scanning… ${counted(library.scanned, 'song')} so far` : [counted(library.songs, 'song'), counted(library.albums, 'album'), counted(library.artists, 'artist')].join(' · '));
  }, signal);

  const query = tab === 'search' ? (rest[0] ?? '') : '';
  const input = h('input', { type: 'search', placeholder: 'Songs, artists, albums', 'aria-label': 'Search the library', value: query, autocomplete: 'off', spellcheck: 'false', enterkeyhint: 'search' });
  const place = h('div', { class: 'section' });
  /** What is shown has its own end, because searching replaces it while the view stays. */
  let shown = new AbortController();
  signal.addEventListener('abort', () => shown.abort());
  const show = (/** @type {Section} */ section, /** @type {string[]} */ path) => {
    shown.abort();
    shown = new AbortController();
    place.replaceChildren(section(context, path, shown.signal));
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let pause;
  const search = () => {
    const text = input.value.trim();
    tabs.hidden = text !== '';
    // The address follows the search without a new view, so that the field keeps the focus.
    history.replaceState(null, '', text ? route('library', 'search', text) : route('library', ...(tab === 'search' ? [] : [tab, ...rest])));
    if (text) show(searchSection, [text]);
    else showTab();
  };
  input.addEventListener('input', () => {
    clearTimeout(pause);
    pause = setTimeout(search, PAUSE);
  });
  signal.addEventListener('abort', () => clearTimeout(pause));

  const present = tab === 'search' ? 'albums' : tab;
  const tabs = h('nav', { class: 'tabs', 'aria-label': 'Library' }, TABS.map(([name, label]) => h('a', { href: route('library', name), 'aria-current': name === present ? 'page' : undefined }, label)));
  const showTab = () => {
    if (present === 'artists') show(artistsSection, []);
    else if (present === 'folders') show(foldersSection, rest);
    else if (present === 'favourites') show(favouritesSection, []);
    else show(albumsSection, []);
  };
  if (query) {
    tabs.hidden = true;
    show(searchSection, [query]);
  } else {
    showTab();
  }
  return h('div', { class: 'view' },
    h('div', { class: 'bar-of-tools' }, h('h1', { tabindex: '-1' }, 'Library', sub), update),
    progress, h('search', { class: 'search' }, icon('search'), input), tabs, place);
}
