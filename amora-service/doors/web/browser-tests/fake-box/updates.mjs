import { createHash } from 'node:crypto';
import { Refusal } from './model.mjs';

/** @typedef {import('/client/state.d.ts').UpdateState} UpdateState */
/** @typedef {import('/client/state.d.ts').UpdateOutcome} UpdateOutcome */

/** The updates of a box in memory: it takes files and writes nothing. */
export class Updates {
  /** What came by upload. */
  upload = { bytes: 0, hash: '', restart: /** @type {string | null} */ (null), brokenOff: false };
  /** An upload stops here until `open` or `sip` is called, bytes. */
  gate = Infinity;
  /** How an upload is refused once it has begun. @type {Partial<UpdateOutcome> | undefined} */
  refusal;
  #goOn = () => {};
  #cancelled = false;

  /** @param {import('./model.mjs').Box} box */
  constructor(box) {
    this.box = box;
  }

  /** @param {Partial<UpdateState>} change */
  set(change) {
    Object.assign(this.box.state.update, change);
    this.box.changed('update');
  }

  /** @param {Partial<UpdateOutcome>} outcome */
  end(outcome) {
    const last = /** @type {UpdateOutcome} */ ({ outcome: 'failed', reason: '', next_step: '', source: 'upload', from_version: '1.4.2', to_version: '1.5.0', slot: 'b', tries: 0, at: Date.now(), ...outcome });
    this.set({ phase: 'idle', install: null, restart: null, trial: null, last });
  }

  /** @param {import('/client/state.d.ts').UpdateSource} source @param {Partial<NonNullable<UpdateState['install']>>} [more] */
  begin(source, more = {}) {
    this.#cancelled = false;
    this.set({ phase: 'installing', install: { source, slot: 'b', percent: 0, received: 0, size: null, part: '', started_at: Date.now(), ...more } });
  }

  /** @param {number} received @param {number} size */
  advance(received, size) {
    const { install } = this.box.state.update;
    if (install) this.set({ install: { ...install, version: '1.5.0', part: 'rootfs.squashfs', received, size, percent: Math.floor((100 * received) / size) } });
  }

  installed(policy = /** @type {const} */ ('idle')) {
    this.set({ phase: 'installed', restart: { policy, waiting_for: 'the music to end' } });
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {URLSearchParams} query
   */
  async receive(request, query) {
    const early = this.box.refusals.get('update.install');
    if (early) {
      request.resume();
      throw early;
    }
    const size = Number(request.headers['content-length']);
    const hash = createHash('sha256');
    this.upload = { bytes: 0, hash: '', restart: query.get('restart'), brokenOff: false };
    this.begin('upload', { size });
    try {
      for await (const piece of request) {
        this.upload.bytes += piece.length;
        hash.update(piece);
        this.advance(this.upload.bytes, size);
        if (this.upload.bytes >= this.gate) await this.#opened(request);
      }
    } catch {
      this.upload.brokenOff = true;
      if (!this.#cancelled) this.end({ outcome: 'failed', cause: 'truncated', reason: 'the file ends too early' });
      throw new Refusal('failed', 'the file ends too early');
    }
    if (this.refusal) {
      this.end({ outcome: 'refused', ...this.refusal });
      throw new Refusal('failed', this.refusal.reason ?? '');
    }
    this.upload.hash = hash.digest('hex');
    this.installed();
    return this.box.state.update;
  }

  /** Takes all that is to come. */
  open() {
    this.gate = Infinity;
    this.#goOn();
  }

  /** Takes one more piece of what is to come. */
  sip() {
    this.#goOn();
  }

  /** @param {import('node:http').IncomingMessage} request */
  #opened(request) {
    return new Promise((resolve) => {
      this.#goOn = () => resolve(undefined);
      request.socket.on('close', resolve);
      this.letGo = () => request.destroy();
    });
  }

  letGo = () => {};

  get commands() {
    const { update } = this.box.state;
    return {
      install: (/** @type {any} */ { url }) => {
        if (update.phase !== 'idle') throw new Refusal('conflict', 'an update is being installed already');
        this.begin('url', { url });
        return update;
      },
      cancel: () => {
        if (update.phase !== 'installing' && update.phase !== 'checking') throw new Refusal('conflict', 'nothing is being installed');
        this.#cancelled = true;
        this.end({ outcome: 'cancelled', cause: 'asked', reason: 'somebody called it off' });
        return update;
      },
      restart: () => {
        this.set({ phase: 'restarting', restart: null });
        this.box.goDown('restart');
        return update;
      },
      confirm: () => {
        this.end({ outcome: 'kept', tries: 1 });
        return update;
      },
      roll_back: () => {
        this.end({ outcome: 'cancelled', cause: 'asked', reason: 'somebody dropped it' });
        return update;
      },
      get_status: () => update,
    };
  }
}
