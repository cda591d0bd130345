/** First bytes of a `.swu` file: it is a cpio archive. */
const MAGIC = '07070';

/**
 * The file that this page sends to the box. It goes on while other views are looked at.
 */
export class Upload {
  #changes = new EventTarget();
  /** @type {AbortController | undefined} */
  #stop;

  /** The file on its way, and how much of it has left. @type {{ name: string, sent: number, size: number } | undefined} */
  file;
  /** Why the last one did not arrive. @type {import('/client/errors.js').AmoraError | undefined} */
  error;
  /** How the last update had ended when this one began. @type {number | undefined} */
  endedBefore;

  /** @param {import('/client/client.js').AmoraClient} client */
  constructor(client) {
    this.client = client;
  }

  /** Calls `listener` with each change. @param {() => void} listener @param {AbortSignal} signal */
  onChange(listener, signal) {
    this.#changes.addEventListener('change', listener, { signal });
  }

  /**
   * Sends a file. Answers whether it was installed.
   * @param {File} file
   * @param {import('/client/state.d.ts').RestartPolicy} [restart]
   */
  async send(file, restart) {
    if (this.file) return false;
    this.#stop = new AbortController();
    this.error = undefined;
    this.endedBefore = this.client.state?.update?.last?.at;
    this.file = { name: file.name, sent: 0, size: file.size };
    this.#changed();
    window.addEventListener('beforeunload', warn);
    try {
      await refuseOthers(file);
      await this.client.sendUpdate(file, { restart, signal: this.#stop.signal, progress: (sent) => this.#progress(sent) });
      return true;
    } catch (error) {
      this.error = /** @type {import('/client/errors.js').AmoraError} */ (error);
      return false;
    } finally {
      window.removeEventListener('beforeunload', warn);
      this.file = undefined;
      this.#changed();
    }
  }

  /** Stops sending. */
  cancel() {
    this.#stop?.abort();
  }

  /** @param {number} sent */
  #progress(sent) {
    if (this.file) this.file.sent = sent;
    this.#changed();
  }

  #changed() {
    this.#changes.dispatchEvent(new Event('change'));
  }
}

/** Spares a long upload of a file that cannot be an update. @param {File} file */
async function refuseOthers(file) {
  const head = await file.slice(0, MAGIC.length).text().catch(() => {
    throw new Error(`${file.name} cannot be read any more. Choose it again.`);
  });
  if (head !== MAGIC) throw new Error(`${file.name} is not an update: updates are signed .swu files.`);
}

/** @param {BeforeUnloadEvent} event */
function warn(event) {
  event.preventDefault();
}
