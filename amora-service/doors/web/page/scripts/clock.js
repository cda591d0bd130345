/** @typedef {import('/client/state.d.ts').PlayerState} PlayerState */

/**
 * Where the music is between two messages of the box. The box's clock is not ours: the difference is learnt from messages that are
 * fresh, which are those that bring a new reading while we are connected.
 */
export class PlaybackClock {
  /** Our clock minus the box's, milliseconds. */
  #skew = 0;
  #learnt = false;
  #lastReading = 0;

  /** @param {() => number} [now] milliseconds since 1970 */
  constructor(now = Date.now) {
    this.now = now;
  }

  /** A rough reading of the box's clock, for the start. @param {number} boxTime */
  start(boxTime) {
    if (!this.#learnt) this.#skew = this.now() - boxTime;
  }

  /** @param {PlayerState} player */
  observe(player) {
    const fresh = this.#lastReading !== 0 && player.position_at > this.#lastReading;
    this.#lastReading = player.position_at;
    if (!fresh) return;
    const seen = this.now() - player.position_at;
    // The least difference seen is the one with the least delay in it; a jump means that a clock was set.
    if (!this.#learnt || seen < this.#skew || seen - this.#skew > 2000) this.#skew = seen;
    this.#learnt = true;
  }

  /** A new connection: its first reading may be old. */
  restart() {
    this.#lastReading = 0;
  }

  /** A time of the box, by our clock. @param {number} boxTime */
  local(boxTime) {
    return boxTime + this.#skew;
  }

  /** Seconds into the song. @param {PlayerState} player */
  position(player) {
    const elapsed = player.state === 'play' ? Math.max(0, this.now() - this.local(player.position_at)) / 1000 : 0;
    const end = player.song && player.song.duration > 0 ? player.song.duration : Infinity;
    return Math.min(player.position + elapsed, end);
  }
}
