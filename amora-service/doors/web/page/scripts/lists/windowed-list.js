import { h } from '../dom.js';

/** Rows kept beyond each edge of what can be seen. */
const OVERSCAN = 6;

/**
 * @template Item
 * @typedef {object} Source
 * @property {number} length
 * @property {(index: number) => Item | undefined} at
 * @property {(start: number, end: number) => void} want
 */

/**
 * A list of any length of which only the rows in sight are in the document. One row at a time takes part in the order of the Tab
 * key; the arrow keys, Home, End and the page keys move between rows and stay on the same control.
 * @template Item
 */
export class WindowedList {
  /** @type {Map<number, { element: HTMLElement, key: string }>} */
  #rows = new Map();
  #active = 0;
  #frame = 0;
  /** The row that is dragged: it stays in the document wherever it is. @type {number | undefined} */
  pinned;
  /** Where a row stands while another is being moved past it. @type {(index: number) => number} */
  arrange = (index) => index;

  /**
   * @param {object} options
   * @param {string} options.label
   * @param {HTMLElement} options.scroller
   * @param {Source<Item>} options.source
   * @param {(item: Item | undefined, index: number) => HTMLElement} options.render
   * @param {(item: Item | undefined, index: number) => string} options.key rows are made anew when their key changes
   * @param {AbortSignal} options.signal
   */
  constructor({ label, scroller, source, render, key, signal }) {
    this.scroller = scroller;
    this.source = source;
    this.render = render;
    this.key = key;
    this.rowHeight = 60;
    this.element = h('ul', { class: 'windowed', role: 'list', 'aria-label': label });
    this.element.addEventListener('keydown', (event) => this.#keyDown(event));
    this.element.addEventListener('focusin', (event) => this.#focusIn(event));
    const schedule = () => this.update();
    scroller.addEventListener('scroll', schedule, { passive: true, signal });
    const observer = new ResizeObserver(schedule);
    observer.observe(scroller);
    observer.observe(this.element);
    signal.addEventListener('abort', () => {
      observer.disconnect();
      cancelAnimationFrame(this.#frame);
    });
  }

  /** Shows changes, before the next frame. */
  update() {
    if (this.#frame === 0) {
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.layout();
      });
    }
  }

  /** Shows changes now. */
  layout() {
    const { length } = this.source;
    this.element.style.height = `${length * this.rowHeight}px`;
    this.#active = Math.max(0, Math.min(this.#active, length - 1));
    const view = this.scroller.getBoundingClientRect();
    const top = view.top - this.element.getBoundingClientRect().top;
    const start = Math.max(0, Math.floor(top / this.rowHeight) - OVERSCAN);
    const end = Math.min(length, Math.ceil((top + view.height) / this.rowHeight) + OVERSCAN);
    const wanted = new Set([this.#active, this.pinned].filter((index) => index !== undefined && index < length));
    for (let index = start; index < end; index += 1) wanted.add(index);
    for (const [index, { element }] of this.#rows) {
      if (!wanted.has(index)) {
        element.remove();
        this.#rows.delete(index);
      }
    }
    if (end > start) this.source.want(start, end);
    for (const index of /** @type {Set<number>} */ (wanted)) this.#showRow(index, length);
    this.#order();
  }

  /** @param {number} index */
  rowAt(index) {
    return this.#rows.get(index)?.element;
  }

  /** The index of the row that an element is in. @param {Element} element */
  indexOf(element) {
    const row = element.closest('.row');
    return [...this.#rows].find(([, shown]) => shown.element === row)?.[0];
  }

  /** Brings a row into sight and gives it the focus. @param {number} index @param {string} [control] a selector within the row */
  focus(index, control = '.pick') {
    this.#active = Math.max(0, Math.min(index, this.source.length - 1));
    this.reveal(this.#active);
    this.layout();
    const row = this.rowAt(this.#active);
    const target = row?.querySelector(control) ?? row?.querySelector('.pick');
    if (target instanceof HTMLElement) target.focus({ preventScroll: true });
  }

  /** @param {number} index */
  reveal(index) {
    const view = this.scroller.getBoundingClientRect();
    const top = this.element.getBoundingClientRect().top - view.top + index * this.rowHeight;
    if (top < 0) this.scroller.scrollTop += top - this.rowHeight;
    else if (top + this.rowHeight > view.height) this.scroller.scrollTop += top + 2 * this.rowHeight - view.height;
  }

  /** @param {number} index @param {number} length */
  #showRow(index, length) {
    const item = this.source.at(index);
    const key = this.key(item, index);
    let row = this.#rows.get(index);
    if (row?.key !== key) {
      const element = this.render(item, index);
      element.setAttribute('role', 'listitem');
      element.dataset.index = String(index);
      const hadFocus = row?.element.contains(document.activeElement) ? controlOf(document.activeElement) : undefined;
      if (row) row.element.replaceWith(element);
      else this.element.append(element);
      row = { element, key };
      this.#rows.set(index, row);
      if (hadFocus) {
        const again = element.querySelector(hadFocus);
        if (again instanceof HTMLElement) again.focus({ preventScroll: true });
      }
    }
    row.element.setAttribute('aria-setsize', String(length));
    row.element.setAttribute('aria-posinset', String(index + 1));
    if (!row.element.classList.contains('dragging')) row.element.style.transform = `translateY(${this.arrange(index) * this.rowHeight}px)`;
    for (const control of row.element.querySelectorAll('button, a')) control.setAttribute('tabindex', index === this.#active ? '0' : '-1');
  }

  /** Screen readers and the Tab key follow the order of the document. */
  #order() {
    const sorted = [...this.#rows].sort(([one], [other]) => one - other).map(([, { element }]) => element);
    sorted.forEach((element, place) => {
      const there = this.element.children[place];
      if (there !== element && !element.contains(document.activeElement)) this.element.insertBefore(element, there ?? null);
    });
  }

  /** @param {KeyboardEvent} event */
  #keyDown(event) {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || !(event.target instanceof Element)) return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.rowHeight) - 1);
    const last = this.source.length - 1;
    const current = this.indexOf(event.target) ?? this.#active;
    const target = { ArrowDown: current + 1, ArrowUp: current - 1, PageDown: current + page, PageUp: current - page, Home: 0, End: last }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.focus(Math.max(0, Math.min(target, last)), controlOf(event.target));
  }

  /** @param {FocusEvent} event */
  #focusIn(event) {
    const index = event.target instanceof Element ? this.indexOf(event.target) : undefined;
    if (index === undefined || index === this.#active) return;
    this.#active = index;
    this.update();
  }
}

/** A selector for the same control in another row. @param {Element | null} element */
function controlOf(element) {
  const name = element?.getAttribute('data-control');
  return name ? `[data-control="${name}"]` : '.pick';
}
