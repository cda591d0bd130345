import { applyTint } from '../cover-tint.js';
import { h, setText } from '../dom.js';
import { Listener } from '../listen/listener.js';
import { readRoute } from '../routes.js';
import { watchTheme } from '../theme.js';
import { tellOfUpdates } from '../update/news.js';
import { Upload } from '../update/upload.js';
import { boxView } from '../views/box.js';
import { libraryView } from '../views/library.js';
import { followCoverColours, nowPlayingView } from '../views/now-playing.js';
import { playlistsView } from '../views/playlists.js';
import { queueView } from '../views/queue.js';
import { soundView } from '../views/sound.js';
import { talkView } from '../views/talk.js';
import { makeBanner } from './banner.js';
import { forgetMissingCovers } from './cover.js';
import { makePlayerBar } from './player-bar.js';
import { makeRail } from './rail.js';
import { Toasts } from './toasts.js';

/** @type {Record<string, import('../context.js').View>} */
const VIEWS = { now: nowPlayingView, queue: queueView, library: libraryView, playlists: playlistsView, sound: soundView, talk: talkView, box: boxView };

/**
 * The page once the box is open: the views, the way between them and the player below.
 * @param {import('/client/client.js').AmoraClient} client
 * @param {import('../clock.js').PlaybackClock} clock
 * @param {AbortSignal} signal
 * @param {() => void} login
 */
export function openShell(client, clock, signal, login) {
  const spoken = h('div', { class: 'for-readers', role: 'status' });
  const toasts = new Toasts();
  const main = h('main', { id: 'main', tabindex: '-1' });
  /** @type {import('../context.js').Context} */
  const context = { client, clock, toasts, announce: (text) => setText(spoken, text), listener: new Listener(client), upload: new Upload(client), scroller: main };
  const rail = makeRail(context, signal);
  const app = h('div', { class: 'app' },
    h('a', { class: 'skip', href: '#main', onclick: (/** @type {Event} */ event) => skip(event, main) }, 'Skip to the content'),
    rail.element, makeBanner(context, signal, login), main, makePlayerBar(context, signal), spoken, toasts.spoken, toasts.element);
  document.body.replaceChildren(app);
  watchTheme(applyTint, signal);
  followCoverColours(context, signal);
  tellOfUpdates(context, signal);
  signal.addEventListener('abort', client.on('connectionChange', (online) => online && forgetMissingCovers()));
  signal.addEventListener('abort', () => {
    context.listener.stop();
    context.upload.cancel();
  });

  let view = new AbortController();
  signal.addEventListener('abort', () => view.abort());
  const show = (/** @type {boolean} */ moved) => {
    const [name, ...path] = readRoute(location.hash);
    const known = Object.hasOwn(VIEWS, name) ? name : 'now';
    view.abort();
    view = new AbortController();
    const element = VIEWS[known](context, path, view.signal);
    if (moved) element.classList.add('enter');
    app.dataset.view = known;
    rail.mark(known);
    main.replaceChildren(element);
    main.scrollTop = 0;
    if (!moved) return;
    // A view that still waits for its data has no heading yet.
    const heading = element.querySelector('h1');
    (heading ?? main).focus({ preventScroll: true });
    context.announce(heading?.firstChild?.textContent ?? path.at(-1) ?? '');
  };
  show(false);
  window.addEventListener('hashchange', () => show(true), { signal });
  window.addEventListener('keydown', (event) => {
    if (event.key !== ' ' || event.ctrlKey || event.metaKey || event.altKey || wantsKeys(event.target) || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    const { player } = client;
    (client.state?.player?.state === 'play' ? player.pause() : player.play()).catch((error) => toasts.complain(error));
  }, { signal });
}

/** Whether the space bar belongs to what has the focus, instead of to the music. @param {EventTarget | null} target */
function wantsKeys(target) {
  return target instanceof Element && target.matches('input, textarea, select, button, a, [role="region"]');
}

/** The fragment belongs to the views, so the jump is made by hand. @param {Event} event @param {HTMLElement} main */
function skip(event, main) {
  event.preventDefault();
  (main.querySelector('h1') ?? main).focus();
}
