import { act } from '../actions.js';
import { tintFrom } from '../cover-tint.js';
import { openPlaybackSheet, openSleepSheet } from '../dialogs/playback-sheet.js';
import { openSongMenu } from '../dialogs/song-menu.js';
import { fill, h, setAttribute, setText } from '../dom.js';
import { clockTime, formatInWords } from '../format.js';
import { icon } from '../icons.js';
import { makeSongRow } from '../lists/song-row.js';
import { route } from '../routes.js';
import { makeCover } from '../shell/cover.js';
import { makeSeekBar } from '../shell/seek-bar.js';
import { control, makeTransport } from '../shell/transport.js';
import { watch } from '../watch.js';

/** @typedef {import('/client/state.d.ts').Song} Song */

/** Songs shown of what comes next. */
const AHEAD = 4;

/** The song that plays. @type {import('../context.js').View} */
export function nowPlayingView(context, _path, signal) {
  const { client } = context;
  const cover = makeCover(client, { large: true });
  const heading = h('h1', { tabindex: '-1' });
  const by = h('p', { class: 'by' });
  const facts = h('p', { class: 'facts figures' });
  const favourite = makeFavourite(context, signal);
  const more = control('more', 'More for this song', () => {
    const song = client.state?.player?.song;
    if (song) openSongMenu(context, { ...song, id: song.id ?? -1 });
  });
  watch(client, (state) => [state.player?.song ?? null, state.player?.state], () => {
    const song = client.state?.player?.song;
    setText(heading, song?.title ?? 'Nothing is playing');
    fill(by, song ? describe(song) : 'Choose something from the library or a playlist.');
    cover.show(song?.file, song?.album);
    favourite.hidden = !song;
    more.hidden = !song;
  }, signal);
  watch(client, (state) => [state.player?.format ?? '', state.player?.bitrate ?? 0], ([format, bitrate]) => {
    setText(facts, [formatInWords(String(format)), bitrate ? `${bitrate} kbit/s` : ''].filter(Boolean).join(' · '));
  }, signal);
  return h('div', { class: 'view' },
    makeProblem(context, signal),
    h('div', { class: 'now' },
      cover.element,
      h('div', { class: 'about' },
        h('div', { class: 'heading' }, h('div', {}, heading, by), h('div', { class: 'marks' }, favourite, more)),
        makeSeekBar(context, signal),
        makeTransport(context, signal),
        makeExtras(context, signal),
        facts)),
    makeUpNext(context, signal));
}

/** Keeps the page's colours those of the song's cover, whatever view is open. @param {import('../context.js').Context} context @param {AbortSignal} signal */
export function followCoverColours({ client }, signal) {
  const cover = makeCover(client, { large: true, loaded: tintFrom });
  watch(client, (state) => state.player?.song ?? null, (song) => cover.show(song?.file, song?.album), signal);
}

/** @param {Song} song @returns {Node[]} */
function describe({ artist, album }) {
  const artistLine = h('a', { href: route('library', 'artists', artist) }, artist);
  return album && album !== 'Unknown' ? [artistLine, h('a', { class: 'album', href: route('library', 'albums', album) }, album)] : [artistLine];
}

/** @param {import('../context.js').Context} context @param {AbortSignal} signal */
function makeFavourite(context, signal) {
  const { client } = context;
  const button = h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Favourite', 'aria-pressed': 'false' }, icon('heart'));
  button.querySelector('path')?.setAttribute('class', 'heart');
  button.addEventListener('click', async () => {
    const song = client.state?.player?.song;
    if (!song) return;
    const wanted = button.getAttribute('aria-pressed') !== 'true';
    setAttribute(button, 'aria-pressed', wanted);
    if (!(await act(context, () => client.player.setFavourite({ file: song.file, favourite: wanted })))) setAttribute(button, 'aria-pressed', !wanted);
  });
  watch(client, (state) => [state.player?.song?.file, state.player?.song?.favourite], ([, favourite]) => setAttribute(button, 'aria-pressed', favourite === true), signal);
  return button;
}

/** @param {import('../context.js').Context} context @param {AbortSignal} signal */
function makeExtras(context, signal) {
  const { client, clock } = context;
  const sleepText = h('span', { class: 'figures' }, 'Sleep timer');
  const showSleep = () => {
    const at = client.state?.player?.sleep_at;
    const left = at ? Math.max(0, clock.local(at) - Date.now()) / 1000 : 0;
    setText(sleepText, at ? `Sleeps in ${clockTime(left)}` : 'Sleep timer');
  };
  watch(client, (state) => state.player?.sleep_at ?? null, showSleep, signal);
  const timer = setInterval(showSleep, 1000);
  signal.addEventListener('abort', () => clearInterval(timer));
  return h('div', { class: 'extras' },
    h('button', { class: 'button', type: 'button', onclick: () => openSleepSheet(context) }, icon('moon'), sleepText),
    h('button', { class: 'button', type: 'button', onclick: () => openPlaybackSheet(context) }, icon('sliders'), 'Playback'));
}

/** Says why there is no music when the player cannot play. @param {import('../context.js').Context} context @param {AbortSignal} signal */
function makeProblem({ client }, signal) {
  const text = h('p', {});
  const element = h('div', { class: 'notice', role: 'status', hidden: true }, icon('warn'), text);
  watch(client, (state) => [state.player?.state, state.player?.error, state.system.health?.player?.next_step], ([playback, error, nextStep]) => {
    const missing = !client.state?.player;
    element.hidden = !missing && playback !== 'disconnected' && playback !== 'error';
    setText(text, missing ? 'This box has no music player: its configuration has no [player] section.' : [error, nextStep].filter(Boolean).join(' '));
  }, signal);
  return element;
}

/** @param {import('../context.js').Context} context @param {AbortSignal} signal */
function makeUpNext(context, signal) {
  const { client } = context;
  const list = h('ul', { class: 'plain' });
  const element = h('section', { class: 'up-next', 'aria-label': 'Up next', hidden: true }, h('header', {}, h('h2', {}, 'Up next'), h('a', { href: route('queue') }, 'Whole queue')), list);
  watch(client, (state) => [state.player?.queue_version, state.player?.queue_position, state.player?.random], async () => {
    const player = client.state?.player;
    const start = player?.queue_position === null || player?.queue_position === undefined ? 0 : player.queue_position + 1;
    // In random order the next songs of the list are not the next songs.
    if (!player || player.random || start >= player.queue_length) {
      element.hidden = true;
      return;
    }
    const reply = await client.player.getQueue({ start, limit: AHEAD }).catch(() => undefined);
    if (!reply || signal.aborted || client.state?.player?.queue_version !== player.queue_version) return;
    element.hidden = reply.songs.length === 0;
    fill(list, reply.songs.map((song) => makeSongRow(context, song, {
      pick: () => act(context, () => client.player.play({ id: song.id })),
      actions: [{ icon: 'more', label: 'More', choose: () => openSongMenu(context, song) }],
    })));
  }, signal);
  return element;
}
