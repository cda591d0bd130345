import { h } from '../dom.js';

/** How far a pointer may stray from the button without letting it go, CSS pixels: a thumb rolls. */
const ASTRAY = 24;

/**
 * A button that does something for as long as it is held: by mouse, pen or finger, by the space bar or Enter.
 * However a hold ends, `release` is called for it once: also where the pointer strays, the focus or the window is lost, or the page is
 * hidden. `clicked` is for who cannot hold: a switch, or a voice that steers the computer.
 * @param {import('../dom.js').Child[]} label
 * @param {{ press: () => void, release: () => void, clicked: () => void }} does
 * @param {AbortSignal} signal
 */
export function makeHoldButton(label, { press, release, clicked }, signal) {
  const button = h('button', { class: 'button main hold', type: 'button', 'aria-pressed': 'false' }, label);
  /** @type {AbortController | undefined} */
  let held;

  const letGo = () => {
    if (!held) return;
    held.abort();
    held = undefined;
    release();
  };
  /** Begins to hold, unless that is so already; answers with what the ends of this hold are bound to. */
  const take = () => {
    if (held || button.disabled) return undefined;
    held = new AbortController();
    const { signal: during } = held;
    window.addEventListener('blur', letGo, { signal: during });
    window.addEventListener('pagehide', letGo, { signal: during });
    document.addEventListener('visibilitychange', letGo, { signal: during });
    button.focus({ preventScroll: true });
    button.addEventListener('blur', letGo, { signal: during });
    press();
    return during;
  };

  button.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    const during = take();
    if (!during) return;
    button.setPointerCapture(event.pointerId);
    // Where it was then: what moves the button does not make the pointer stray.
    const { left, right, top, bottom } = button.getBoundingClientRect();
    const same = (/** @type {(event: PointerEvent) => void} */ does) => (/** @type {PointerEvent} */ later) => {
      if (later.pointerId === event.pointerId) does(later);
    };
    for (const end of /** @type {const} */ (['pointerup', 'pointercancel', 'lostpointercapture'])) button.addEventListener(end, same(letGo), { signal: during });
    button.addEventListener('pointermove', same(({ clientX: x, clientY: y }) => {
      if (x < left - ASTRAY || x > right + ASTRAY || y < top - ASTRAY || y > bottom + ASTRAY) letGo();
    }), { signal: during });
  });
  button.addEventListener('keydown', (event) => {
    if (event.key !== ' ' && event.key !== 'Enter') return;
    event.preventDefault();
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const during = take();
    if (during) window.addEventListener('keyup', (later) => later.code === event.code && letGo(), { signal: during });
  });
  // Firefox clicks when the space bar rises, unless it is kept from it here.
  button.addEventListener('keyup', (event) => event.key === ' ' && event.preventDefault());
  // A long touch neither selects text nor opens a menu.
  button.addEventListener('contextmenu', (event) => event.preventDefault());
  button.addEventListener('click', ({ detail }) => detail === 0 && clicked());
  signal.addEventListener('abort', letGo);
  return { button, letGo };
}
