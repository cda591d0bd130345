/** How long to wait before the next attempt: doubling, with jitter so that a fleet does not return in step. */
export class Backoff {
  #attempts = 0;

  /** @param {{ first?: number, longest?: number, jitter?: number, random?: () => number }} [options] milliseconds; jitter as a fraction */
  constructor({ first = 500, longest = 30_000, jitter = 0.3, random = Math.random } = {}) {
    this.first = first;
    this.longest = longest;
    this.jitter = jitter;
    this.random = random;
  }

  /** Milliseconds to wait now; longer each time. */
  next() {
    const base = Math.min(this.longest, this.first * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return Math.round(base * (1 - this.jitter * this.random()));
  }

  /** Success: the next failure starts from the shortest wait. */
  reset() {
    this.#attempts = 0;
  }
}
