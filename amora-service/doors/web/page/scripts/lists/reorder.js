/** How near an edge the pointer scrolls the list, and how fast. Pixels. */
const EDGE = 70;
const SPEED = 14;

/**
 * Lets rows of a list be moved by their grips: with a mouse, pen or finger, and with the keyboard (Space takes and drops, the arrows
 * move, Escape puts back; Alt and an arrow move at once).
 * @param {object} options
 * @param {import('./windowed-list.js').WindowedList<any>} options.list
 * @param {(index: number) => string} options.nameOf what the row is called
 * @param {(from: number, to: number) => Promise<boolean>} options.move
 * @param {(text: string) => void} options.announce
 * @param {AbortSignal} options.signal
 */
export function makeReorderable({ list, nameOf, move, announce, signal }) {
  /** @type {{ from: number, to: number, keyboard: boolean, pointerY: number, grabbedAt: number } | undefined} */
  let held;
  let frame = 0;

  const arrange = (/** @type {number} */ index) => {
    if (!held) return index;
    const { from, to } = held;
    if (index === from) return to;
    if (from < index && index <= to) return index - 1;
    return to <= index && index < from ? index + 1 : index;
  };
  const begin = (/** @type {number} */ from, /** @type {boolean} */ keyboard, pointerY = 0, grabbedAt = 0) => {
    held = { from, to: from, keyboard, pointerY, grabbedAt };
    list.arrange = arrange;
    list.pinned = from;
    list.element.classList.add('moving');
    list.rowAt(from)?.classList.add(keyboard ? 'held' : 'dragging');
  };
  const end = async (/** @type {boolean} */ drop) => {
    if (!held) return;
    const { from, to, keyboard } = held;
    held = undefined;
    cancelAnimationFrame(frame);
    frame = 0;
    list.rowAt(from)?.classList.remove('held', 'dragging');
    list.element.classList.remove('moving');
    list.pinned = undefined;
    list.arrange = (index) => index;
    list.layout();
    if (!drop || from === to) return;
    const name = nameOf(from);
    const done = move(from, to);
    if (keyboard) list.focus(to, '[data-control="grip"]');
    if (await done) announce(`${name} is now at place ${to + 1} of ${list.source.length}.`);
  };
  const target = (/** @type {number} */ to) => {
    if (!held) return;
    held.to = Math.max(0, Math.min(to, list.source.length - 1));
    list.layout();
  };

  /** Follows the pointer, and scrolls where it is near an edge. */
  const follow = () => {
    frame = 0;
    if (!held || held.keyboard) return;
    const view = list.scroller.getBoundingClientRect();
    const edge = held.pointerY < view.top + EDGE ? -1 : held.pointerY > view.bottom - EDGE ? 1 : 0;
    list.scroller.scrollTop += edge * SPEED;
    const limit = (list.source.length - 1) * list.rowHeight;
    const y = Math.max(0, Math.min(held.pointerY - list.element.getBoundingClientRect().top - held.grabbedAt, limit));
    const row = list.rowAt(held.from);
    if (row) row.style.transform = `translateY(${y}px)`;
    target(Math.round(y / list.rowHeight));
    if (edge !== 0) frame = requestAnimationFrame(follow);
  };

  list.element.addEventListener('pointerdown', (event) => {
    const grip = gripOf(event);
    const from = grip ? list.indexOf(grip) : undefined;
    if (!grip || from === undefined || event.button !== 0 || held) return;
    event.preventDefault();
    grip.focus({ preventScroll: true });
    grip.setPointerCapture(event.pointerId);
    const row = /** @type {HTMLElement} */ (grip.closest('.row'));
    begin(from, false, event.clientY, event.clientY - row.getBoundingClientRect().top);
  }, { signal });
  list.element.addEventListener('pointermove', (event) => {
    if (!held || held.keyboard) return;
    held.pointerY = event.clientY;
    frame ||= requestAnimationFrame(follow);
  }, { signal });
  list.element.addEventListener('pointerup', (event) => {
    if (!held || held.keyboard) return;
    held.pointerY = event.clientY;
    cancelAnimationFrame(frame);
    follow();
    end(true);
  }, { signal });
  list.element.addEventListener('pointercancel', () => end(false), { signal });

  list.element.addEventListener('keydown', (event) => {
    const at = event.target instanceof Element ? list.indexOf(event.target) : undefined;
    if (at === undefined) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.altKey && step) {
      event.preventDefault();
      begin(at, true);
      target(at + step);
      end(true);
    } else if (held) {
      event.preventDefault();
      if (step) {
        target(held.to + step);
        list.reveal(held.to);
        announce(`Place ${held.to + 1}.`);
      } else if (event.key === ' ' || event.key === 'Enter') {
        end(true);
      } else if (event.key === 'Escape' || event.key === 'Tab') {
        end(false);
        announce('Put back.');
      }
    } else if (gripOf(event) && (event.key === ' ' || event.key === 'Enter')) {
      event.preventDefault();
      begin(at, true);
      announce(`Took ${nameOf(at)}. The arrow keys move it, Space drops it, Escape puts it back.`);
    }
  }, { signal, capture: true });
  list.element.addEventListener('focusout', () => {
    if (held?.keyboard && !list.element.contains(document.activeElement)) end(false);
  }, { signal });
  signal.addEventListener('abort', () => {
    cancelAnimationFrame(frame);
    held = undefined;
  });
}

/** @param {Event} event @returns {HTMLElement | null} */
function gripOf(event) {
  return event.target instanceof Element ? event.target.closest('.grip') : null;
}
