import { fill, h, setText } from '../dom.js';
import { icon } from '../icons.js';
import { route } from '../routes.js';
import { toggleTheme, watchTheme } from '../theme.js';
import { watch } from '../watch.js';

/** `needs`: the section of the state without which there is nothing to see. @type {Array<{ view: string, label: string, icon: import('../icons.js').IconName, needs?: 'voice' }>} */
const PLACES = [
  { view: 'now', label: 'Playing', icon: 'disc' },
  { view: 'queue', label: 'Queue', icon: 'queue' },
  { view: 'library', label: 'Library', icon: 'library' },
  { view: 'playlists', label: 'Playlists', icon: 'playlists' },
  { view: 'sound', label: 'Sound', icon: 'sound' },
  { view: 'talk', label: 'Talk', icon: 'talk', needs: 'voice' },
  { view: 'box', label: 'Box', icon: 'box' },
];

const WORST = ['failed', 'degraded', 'starting'];

/**
 * The way between the views.
 * @param {import('../context.js').Context} context
 * @param {AbortSignal} signal
 */
export function makeRail(context, signal) {
  const name = h('span', {}, 'Amora');
  const links = new Map(PLACES.map((place) => [place.view, h('a', { href: route(place.view) }, icon(place.icon), h('span', {}, place.label))]));
  const toggle = h('button', { class: 'button plain theme', type: 'button', onclick: toggleTheme });
  watchTheme((now) => fill(toggle, icon(now === 'dark' ? 'sun' : 'moon'), now === 'dark' ? 'Light colours' : 'Dark colours'), signal);
  for (const { view, needs } of PLACES) {
    const link = links.get(view);
    if (!needs || !link) continue;
    link.hidden = true;
    watch(context.client, (state) => Boolean(state[needs]), (there) => {
      link.hidden = !there;
    }, signal);
  }
  watch(context.client, (state) => state.system.name, (boxName) => setText(name, boxName || 'Amora'), signal);
  watch(context.client, (state) => {
    const conditions = Object.values(state.system.health ?? {}).map(({ condition }) => condition);
    return WORST.find((condition) => conditions.some((each) => each === condition)) ?? 'ok';
  }, (condition) => {
    const link = links.get('box');
    link?.querySelector('.badge')?.remove();
    if (condition !== 'ok') {
      link?.append(h('span', { class: 'badge', data: { condition } }, h('span', { class: 'for-readers' }, ' needs attention')));
    }
  }, signal);
  const element = h('nav', { class: 'rail', 'aria-label': 'Views' }, h('div', { class: 'brand' }, h('img', { src: '/icon.svg', alt: '' }), name), [...links.values()], toggle);
  /** @param {string} view */
  const mark = (view) => {
    for (const [place, link] of links) {
      if (place === view) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  };
  return { element, mark };
}
