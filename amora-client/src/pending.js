import { AmoraError } from './errors.js';

/** @typedef {{ name: string, resolve: (data: any) => void, reject: (error: AmoraError) => void, timer: ReturnType<typeof setTimeout> }} Waiting */

/**
 * The commands that wait for a reply. Each is settled once: by its reply, by its time-out or by the loss of the connection.
 * @template Id
 */
export class Pending {
  /** @type {Map<Id, Waiting>} */
  #waiting = new Map();

  /**
   * @param {Id} id
   * @param {string} name the command, for the message
   * @param {number} timeout milliseconds
   * @returns {Promise<any>}
   */
  add(id, name, timeout) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new AmoraError('timed_out', `no answer to ${name} within ${timeout / 1000} s`));
      }, timeout);
      this.#waiting.set(id, { name, resolve, reject, timer });
    });
  }

  /** How many wait. */
  get size() {
    return this.#waiting.size;
  }

  /**
   * Takes the command that `id` belongs to, or nothing: a reply to it came already, or too late.
   * @param {Id} id
   * @returns {Waiting | undefined}
   */
  take(id) {
    const waiting = this.#waiting.get(id);
    if (waiting) {
      this.#waiting.delete(id);
      clearTimeout(waiting.timer);
    }
    return waiting;
  }

  /** @param {(name: string) => AmoraError} reason */
  rejectAll(reason) {
    for (const id of [...this.#waiting.keys()]) {
      const waiting = this.take(id);
      waiting?.reject(reason(waiting.name));
    }
  }
}
