import { level } from './history.js';

/**
 * Speech that is ready to be said. It gives its pieces (16-bit mono at 48 kHz) to `say` in their own time, tells of `progress` from 0 to 1
 * where it has an end, and calls `ended` there, or with what went wrong. The signal that it was opened with ends it.
 * @typedef {(say: (samples: Int16Array<ArrayBuffer>) => void, ended: (problem: string) => void, progress: (share: number) => void) => void} Speech
 */

/** @typedef {'off' | 'starting' | 'talking'} TalkStatus */

/** What the network has not taken yet is at most this; more would be said too late, bytes: half a second. */
const MOST_WAITING = 48_000;

/** A socket that takes what is sent. */
const OPEN = 1;

/** How long the next talker waits for the one before to have left the room, milliseconds. */
const FAREWELL = 1000;

/** Says things into the simulated room: one at a time, and only while somebody looks at it. */
export class Talker {
  /** @type {TalkStatus} */
  status = 'off';
  /** Who talks: `microphone`, `hold` where it is open for as long as a button is held, or a voice's id. */
  who = '';
  /** Why the last one ended before its time. */
  problem = '';
  /** Samples that neither the network nor the box had room for. */
  dropped = 0;
  /** How much has been said, 0 to 1; nothing where there is no end. @type {number | undefined} */
  progress;
  /** Level of the latest piece, decibels. */
  reading = { rms: -100, peak: -100 };
  #changes = new EventTarget();
  #now = new AbortController();
  /** The latest talker has left the room. @type {Promise<unknown>} */
  #left = Promise.resolve();

  /** @param {import('/client/client.js').AmoraClient} client @param {AbortSignal} signal */
  constructor(client, signal) {
    this.client = client;
    signal.addEventListener('abort', () => this.stop());
  }

  /** @param {() => void} listener @param {AbortSignal} signal */
  onChange(listener, signal) {
    this.#changes.addEventListener('change', listener, { signal });
  }

  /**
   * Lets somebody talk, after whoever does.
   * @param {string} who @param {(signal: AbortSignal) => Promise<Speech>} open
   */
  async talk(who, open) {
    this.stop();
    const now = new AbortController();
    this.#now = now;
    Object.assign(this, { status: 'starting', who, problem: '', dropped: 0, progress: undefined });
    this.#changed();
    const end = (/** @type {string} */ problem) => {
      if (now.signal.aborted) return;
      this.stop();
      this.problem = problem;
      this.#changed();
    };
    try {
      const speech = await open(now.signal);
      if (now.signal.aborted) return;
      await this.#left;
      if (now.signal.aborted) return;
      const socket = await this.client.openTalkSocket();
      const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
      const leave = () => {
        socket.close();
        this.#left = Promise.race([closed, new Promise((resolve) => setTimeout(resolve, FAREWELL))]);
      };
      if (now.signal.aborted) return leave();
      now.signal.addEventListener('abort', leave);
      socket.addEventListener('close', ({ reason }) => end(reason || 'The connection to the room was lost.'));
      socket.addEventListener('message', ({ data }) => this.#told(data, now.signal));
      socket.addEventListener('open', () => {
        if (now.signal.aborted) return;
        this.status = 'talking';
        this.#changed();
        speech((samples) => this.#say(samples, socket, now.signal), end, (share) => {
          this.progress = share;
          this.#changed();
        });
      });
    } catch (error) {
      // Who has let go meanwhile wants to know it too, unless the next one talks.
      if (this.#now !== now) return;
      this.stop();
      this.problem = error instanceof Error ? error.message : String(error);
      this.#changed();
    }
  }

  stop() {
    this.#now.abort();
    if (this.status === 'off') return;
    Object.assign(this, { status: 'off', who: '', progress: undefined, reading: { rms: -100, peak: -100 } });
    this.#changed();
  }

  /** @param {Int16Array<ArrayBuffer>} samples @param {import('/client/open-socket.js').Socket} socket @param {AbortSignal} signal */
  #say(samples, socket, signal) {
    if (signal.aborted || samples.length === 0 || socket.readyState !== OPEN) return;
    let [sum, most] = [0, 0];
    for (const sample of samples) {
      sum += sample * sample;
      most = Math.max(most, Math.abs(sample));
    }
    this.reading = { rms: level(sum / samples.length / 32_768 ** 2), peak: level((most / 32_768) ** 2) };
    if (socket.bufferedAmount > MOST_WAITING) this.dropped += samples.length;
    else socket.send(samples);
  }

  /** @param {unknown} data @param {AbortSignal} signal */
  #told(data, signal) {
    if (signal.aborted || typeof data !== 'string') return;
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (!Number.isFinite(message?.dropped)) return;
    this.dropped += message.dropped;
    this.#changed();
  }

  #changed() {
    this.#changes.dispatchEvent(new Event('change'));
  }
}
