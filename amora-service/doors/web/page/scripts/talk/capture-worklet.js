/** Runs where the browser makes sound: hands the microphone on in pieces of 20 ms, until it is told anything. */

const { AudioWorkletProcessor, registerProcessor, sampleRate } = /** @type {any} */ (globalThis);

class Capture extends AudioWorkletProcessor {
  #length = Math.round(sampleRate / 50);
  #piece = new Float32Array(this.#length);
  #filled = 0;
  #ended = false;

  constructor() {
    super();
    this.port.onmessage = () => {
      this.#ended = true;
    };
  }

  /** @param {Float32Array[][]} inputs */
  process([input]) {
    const samples = input[0];
    if (this.#ended || !samples) return !this.#ended;
    let taken = 0;
    while (taken < samples.length) {
      const count = Math.min(samples.length - taken, this.#length - this.#filled);
      this.#piece.set(samples.subarray(taken, taken + count), this.#filled);
      this.#filled += count;
      taken += count;
      if (this.#filled === this.#length) {
        this.port.postMessage(this.#piece, [this.#piece.buffer]);
        this.#piece = new Float32Array(this.#length);
        this.#filled = 0;
      }
    }
    return true;
  }
}

registerProcessor('capture', Capture);
