import { HttpApi } from './http.js';
import { makeSections } from './sections.js';

/**
 * A box's commands over plain HTTP, one request each, for scripts: no connection is kept and nothing is pushed.
 *
 * @example
 * const box = new AmoraHttpClient({ url: 'http://kitchen.local:8080', code: 'K7QM-3XPW-9RTD' });
 * await box.player.setVolume({ volume: 30 });
 */
export class AmoraHttpClient {
  /** @param {{ url: string, code?: string, timeout?: number, fetch?: typeof globalThis.fetch }} options time-out in milliseconds */
  constructor({ url, code, timeout = 10_000, fetch }) {
    this.http = new HttpApi({ url, bearer: code, fetch });
    const sections = makeSections((name, params) => this.http.command(name, params, timeout));
    this.player = sections.player;
    this.audio = sections.audio;
    this.system = sections.system;
    this.update = sections.update;
    this.box = sections.box;
    this.voice = sections.voice;
  }

  /**
   * Sends a signed update (`.swu`), and is done when it is installed.
   * @param {import('./upload.js').UploadSource} source
   * @param {import('./http.js').SendUpdate} [options]
   */
  sendUpdate(source, options) {
    return this.http.sendUpdate(source, options);
  }

  /** The whole state document. */
  state() {
    return this.http.state();
  }
}
