/** What the room keeps for later, samples: one second. */
const ROOM = 48_000;

/** A talker that has said goodbye. */
const CLOSING = 2;

/** The simulated room of a box in memory: it takes what is said, as strictly as the real one. */
export class Talkers {
  /** What was said, one array for each talker that was let in. @type {Int16Array[][]} */
  said = [];
  /** Samples that there was no room for. */
  dropped = 0;
  /** Why talkers were sent away. @type {string[]} */
  refused = [];
  /** @type {import('ws').WebSocket | undefined} */
  present;

  /** @param {import('./model.mjs').Box} box */
  constructor(box) {
    this.box = box;
  }

  /** @param {import('ws').WebSocket} socket */
  connect(socket) {
    const refuse = (/** @type {number} */ code, /** @type {string} */ reason) => {
      this.refused.push(reason);
      socket.close(code, reason);
    };
    if (this.box.state.audio?.card.kind !== 'room') return refuse(1008, 'this box hears with its own microphone: only a simulated room at 48 kHz can be talked into');
    if (this.present && this.present.readyState !== CLOSING) return refuse(1013, 'somebody else is talking into the room; try again when they have finished');
    this.present = socket;
    /** @type {Int16Array[]} */
    const pieces = [];
    this.said.push(pieces);
    let taken = 0;
    let begun = 0;
    socket.on('close', () => {
      if (this.present === socket) this.present = undefined;
    });
    socket.on('message', (data, binary) => {
      if (!binary) return refuse(1003, 'sound is binary: mono, 16 bits, little-endian, 48 kHz');
      const bytes = /** @type {Buffer} */ (data);
      if (bytes.length % 2 !== 0 || bytes.length === 0) return refuse(1007, 'half a sample: messages are whole samples of two bytes');
      if (bytes.length > 65_536) return refuse(1009, 'too large');
      begun ||= performance.now();
      const spoken = ((performance.now() - begun) / 1000) * ROOM;
      const samples = bytes.length / 2;
      taken = Math.max(taken, spoken);
      if (taken - spoken + samples > ROOM) {
        this.dropped += samples;
        return socket.send(JSON.stringify({ dropped: samples }));
      }
      taken += samples;
      pieces.push(Int16Array.from({ length: samples }, (_, index) => bytes.readInt16LE(2 * index)));
    });
  }

  /** All that the latest talker said. */
  get latest() {
    const pieces = this.said.at(-1) ?? [];
    const all = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }
}
