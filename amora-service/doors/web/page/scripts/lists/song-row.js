import { h } from '../dom.js';
import { clockTime } from '../format.js';
import { icon } from '../icons.js';
import { makeCover } from '../shell/cover.js';

/** @typedef {import('/client/state.d.ts').Song} Song */

/**
 * One song in a list.
 * @param {import('../context.js').Context} context
 * @param {Song | undefined} song nothing while it is on its way
 * @param {object} options
 * @param {() => unknown} options.pick
 * @param {string} [options.verb] what picking does
 * @param {boolean} [options.current]
 * @param {boolean} [options.grip]
 * @param {boolean} [options.cover] otherwise the track's number
 * @param {string} [options.detail] instead of artist and album
 * @param {Array<{ icon: import('../icons.js').IconName, label: string, choose: () => unknown, optional?: boolean }>} [options.actions]
 */
export function makeSongRow({ client }, song, { pick, verb = 'Play', current = false, grip = false, cover = true, detail = describe(song), actions = [] }) {
  if (!song) return h('li', { class: 'row waiting' }, h('span', { class: 'glyph' }, icon('note')), h('span', { class: 'words' }));
  const picture = cover ? makeCover(client) : undefined;
  picture?.show(song.file, song.album);
  const bars = current ? h('span', { class: 'bars', 'aria-hidden': 'true' }, h('i'), h('i'), h('i')) : null;
  const words = h('span', { class: 'words' }, h('span', { class: 'title clip' }, song.title), detail ? h('span', { class: 'detail clip' }, detail) : null);
  const lead = picture?.element ?? h('span', { class: 'number' }, song.track ?? '');
  return h('li', { class: current ? 'row current' : 'row', 'aria-current': current ? 'true' : undefined },
    grip ? h('button', { type: 'button', class: 'icon-button grip', 'aria-label': `Move ${song.title}`, data: { control: 'grip' } }, icon('grip')) : null,
    h('button', { type: 'button', class: 'pick', onclick: pick, data: { control: 'pick' } }, lead, h('span', { class: 'for-readers' }, `${verb} `), words, bars, song.duration > 0 ? h('span', { class: 'time' }, clockTime(song.duration)) : null),
    actions.map((action, index) => h('button', { type: 'button', class: action.optional ? 'icon-button optional' : 'icon-button', 'aria-label': `${action.label}: ${song.title}`, title: action.label, onclick: action.choose, data: { control: `action-${index}` } }, icon(action.icon))));
}

/** @param {Song | undefined} song */
function describe(song) {
  if (!song) return '';
  const { artist, album } = song;
  return album && album !== 'Unknown' ? `${artist} · ${album}` : artist;
}
