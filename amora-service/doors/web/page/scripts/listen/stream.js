/** @typedef {import('/client/open-socket.js').Socket} Socket */
/** @typedef {'off' | 'starting' | 'on' | 'waiting'} StreamStatus */
/** @typedef {{ block: (samples: Int16Array) => void, change?: () => void }} Taker who takes the blocks, interleaved stereo */

/** A stream that says nothing for so long is opened again, milliseconds. */
const SILENCE = 4000;

/** Wait before another attempt, milliseconds; longer where the box said why it gives none. */
const RETRY = 1500;
const REFUSED = 5000;

/** Sound that comes from the box: open while anybody takes it, and opened again when it breaks. */
export class SoundStream {
  /** @type {Set<Taker>} */
  #takers = new Set();
  /** @type {Socket | undefined} */
  #socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #watch;
  #heardAt = 0;
  /** Grows with each attempt, so that what belongs to an earlier one is recognised. */
  #attempt = 0;
  /** @type {StreamStatus} */
  status = 'off';
  /** Why the box gives no sound, in its own words; empty where it said nothing. */
  reason = '';

  /** @param {() => Promise<Socket>} open */
  constructor(open) {
    this.open = open;
  }

  /**
   * Gives a taker every block from now on, until the function that this answers with is called.
   * @param {Taker} taker
   */
  take(taker) {
    this.#takers.add(taker);
    if (this.#takers.size === 1) this.#start();
    return () => {
      if (this.#takers.delete(taker) && this.#takers.size === 0) this.#stop();
    };
  }

  #start() {
    this.#set('starting');
    this.#watch = setInterval(() => {
      if (this.#socket && performance.now() - this.#heardAt > SILENCE) this.#again('');
    }, SILENCE / 4);
    this.#begin();
  }

  #stop() {
    this.#attempt += 1;
    clearInterval(this.#watch);
    clearTimeout(this.#retry);
    this.#socket?.close();
    this.#socket = undefined;
    this.#set('off');
  }

  async #begin() {
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#heardAt = performance.now();
    try {
      const socket = await this.open();
      if (attempt !== this.#attempt) return socket.close();
      this.#socket = socket;
      socket.addEventListener('message', ({ data }) => {
        if (attempt === this.#attempt && data instanceof ArrayBuffer && data.byteLength >= 4) this.#receive(data);
      });
      socket.addEventListener('close', ({ reason }) => {
        if (attempt === this.#attempt) this.#again(typeof reason === 'string' ? reason : '');
      });
    } catch {
      if (attempt === this.#attempt) this.#again('');
    }
  }

  /** @param {ArrayBuffer} data */
  #receive(data) {
    this.#heardAt = performance.now();
    this.#set('on');
    const samples = new Int16Array(data, 0, (data.byteLength >> 2) * 2);
    for (const taker of this.#takers) taker.block(samples);
  }

  /** @param {string} reason */
  #again(reason) {
    this.#attempt += 1;
    this.#socket?.close();
    this.#socket = undefined;
    this.#set('waiting', reason);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#begin(), reason ? REFUSED : RETRY);
  }

  /** @param {StreamStatus} status */
  #set(status, reason = '') {
    if (this.status === status && this.reason === reason) return;
    this.status = status;
    this.reason = reason;
    for (const taker of this.#takers) taker.change?.();
  }
}
