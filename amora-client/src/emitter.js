/**
 * A small typed event emitter. A listener that throws does not keep the others from hearing.
 * @template {Record<string, any>} Events
 */
export class Emitter {
  /** @type {Map<keyof Events, Set<(value: any) => void>>} */
  #listeners = new Map();

  /**
   * Calls `listener` whenever `name` happens. Returns a function that ends it.
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(value: Events[Name]) => void} listener
   * @returns {() => void}
   */
  on(name, listener) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    this.listenersChanged(name, listeners.size);
    return () => this.off(name, listener);
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(value: Events[Name]) => void} listener
   */
  off(name, listener) {
    const listeners = this.#listeners.get(name);
    if (listeners?.delete(listener)) this.listenersChanged(name, listeners.size);
  }

  /**
   * The next time `name` happens.
   * @template {keyof Events} Name
   * @param {Name} name
   * @returns {Promise<Events[Name]>}
   */
  once(name) {
    return new Promise((resolve) => {
      const end = this.on(name, (value) => {
        end();
        resolve(value);
      });
    });
  }

  /**
   * @protected
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} value
   */
  emit(name, value) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        listener(value);
      } catch (error) {
        report(error);
      }
    }
  }

  /**
   * Told whenever somebody begins or ceases to listen.
   * @protected
   * @param {keyof Events} _name
   * @param {number} _count
   */
  listenersChanged(_name, _count) {}
}

/** A listener's own error goes where uncaught errors go. @param {unknown} error */
function report(error) {
  if (globalThis.reportError) return globalThis.reportError(error);
  queueMicrotask(() => {
    throw error;
  });
}
