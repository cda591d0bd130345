/**
 * A long list of which parts are fetched when they are wanted.
 * @template Item
 */
export class Paged {
  /** @type {Map<number, Item>} */
  #items = new Map();
  /** @type {Set<number>} */
  #asked = new Set();
  /** Grows when everything known becomes stale. */
  #generation = 0;
  length = 0;

  /**
   * @param {(start: number, limit: number) => Promise<{ items: Item[], total: number } | undefined>} fetch
   * @param {() => void} changed
   * @param {number} [size] entries of a page
   */
  constructor(fetch, changed, size = 200) {
    this.fetch = fetch;
    this.changed = changed;
    this.size = size;
  }

  /** @param {number} index */
  at(index) {
    return this.#items.get(index);
  }

  /** Makes sure that the entries of a range come. @param {number} start @param {number} end after the last */
  want(start, end) {
    for (let page = Math.floor(start / this.size); page * this.size < Math.min(end, this.length); page += 1) this.#load(page);
  }

  /** The list changed on the box: what is shown stays until its replacement comes. @param {number} length */
  refresh(length) {
    this.#generation += 1;
    this.#asked.clear();
    this.length = length;
    for (const index of this.#items.keys()) if (index >= length) this.#items.delete(index);
    this.changed();
  }

  /** Moves an entry here before the box has done so. @param {number} from @param {number} to */
  move(from, to) {
    const moved = this.#items.get(from);
    const step = from < to ? 1 : -1;
    for (let index = from; index !== to; index += step) this.#set(index, this.#items.get(index + step));
    this.#set(to, moved);
    this.changed();
  }

  /** Takes an entry away before the box has done so. @param {number} at */
  remove(at) {
    for (let index = at; index < this.length - 1; index += 1) this.#set(index, this.#items.get(index + 1));
    this.#items.delete(this.length - 1);
    this.length -= 1;
    this.changed();
  }

  /** @param {number} index @param {Item | undefined} item */
  #set(index, item) {
    if (item === undefined) this.#items.delete(index);
    else this.#items.set(index, item);
  }

  /** @param {number} page */
  async #load(page) {
    if (this.#asked.has(page)) return;
    this.#asked.add(page);
    const generation = this.#generation;
    const reply = await this.fetch(page * this.size, this.size);
    if (generation !== this.#generation) return;
    if (!reply) return void this.#asked.delete(page);
    reply.items.forEach((item, offset) => this.#items.set(page * this.size + offset, item));
    this.length = reply.total;
    this.changed();
  }
}
