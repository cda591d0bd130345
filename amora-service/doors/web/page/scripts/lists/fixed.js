/**
 * A list that is wholly here, for `WindowedList`.
 * @template Item
 */
export class Fixed {
  /** @param {Item[]} items */
  constructor(items) {
    this.items = items;
  }

  get length() {
    return this.items.length;
  }

  /** @param {number} index */
  at(index) {
    return this.items[index];
  }

  want() {}

  /** @param {number} from @param {number} to */
  move(from, to) {
    const [moved] = this.items.splice(from, 1);
    this.items.splice(to, 0, moved);
  }
}
