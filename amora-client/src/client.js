import { Backoff } from './backoff.js';
import { Emitter } from './emitter.js';
import { AmoraError } from './errors.js';
import { HttpApi } from './http.js';
import { legacyEvents } from './legacy-events.js';
import { openSocket, socketUrl } from './open-socket.js';
import { Pending } from './pending.js';
import { makeSections } from './sections.js';

/** @typedef {import('./state.d.ts').State} State */
/** @typedef {import('./state.d.ts').Levels} Levels */
/** @typedef {import('./state.d.ts').BoxEvent} BoxEvent */
/** @typedef {import('./state.d.ts').PlayerState} PlayerState */
/** @typedef {import('./open-socket.js').Socket} Socket */

/**
 * `closed`: not wanted. `login_required`: waits for `login()`. `reconnecting`: lost, being tried again.
 * @typedef {'closed' | 'connecting' | 'online' | 'reconnecting' | 'login_required'} ConnectionStatus
 */

/** @typedef {{ status: ConnectionStatus, authenticated: boolean, name: string, retryIn?: number, error?: AmoraError }} Connection */

/**
 * @typedef {object} ClientEvents
 * @property {State} state the whole document, whenever anything in it changed
 * @property {BoxEvent} event something happened on the box
 * @property {Levels} levels sound levels; the box sends them only while somebody listens for them
 * @property {number} lagged events that this client was too slow to get
 * @property {Connection} connection
 * @property {PlayerState} stateChange
 * @property {number} positionChange seconds
 * @property {number} volumeChange 0 to 100
 * @property {{ playlist: string | null, queueVersion: number, playlistsVersion: number }} playlistChange
 * @property {boolean} connectionChange whether commands can be sent
 * @property {{ command: string, result: boolean, data?: any, error?: AmoraError }} commandResponse
 * @property {AmoraError} error something that no command failed with: a message that makes no sense, a lost connection
 */

/**
 * @typedef {object} ClientOptions
 * @property {string} [url] the box's address; in a browser, the page's own when missing
 * @property {string} [code] the box's login code
 * @property {number} [timeout] longest wait for a reply, milliseconds
 * @property {number} [keepAlive] silence after which the connection is tested, milliseconds
 * @property {Backoff} [backoff] waits between attempts to connect
 */

/** Replies to these take longer than the usual time-out. */
const SLOW_COMMANDS = new Map([['audio.test', 35_000]]);

/**
 * A box over its WebSocket and HTTP API. It stays connected until `close()`.
 *
 * @extends {Emitter<ClientEvents>}
 */
export class AmoraClient extends Emitter {
  /** @type {State | undefined} */
  #state;
  /** @type {Connection} */
  #connection = { status: 'closed', authenticated: false, name: '' };
  /** @type {Socket | undefined} */
  #socket;
  /** @type {Pending<number>} */
  #pending = new Pending();
  #nextId = 1;
  #wantsLevels = false;
  /** Grows with each attempt, so that what belongs to an earlier one is recognised. */
  #attempt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #quiet;

  /** @param {ClientOptions} [options] */
  constructor({ url = globalThis.location?.origin, code, timeout = 10_000, keepAlive = 25_000, backoff = new Backoff() } = {}) {
    super();
    if (!url) throw new TypeError('`url` is needed: the address of the box, for example http://kitchen.local:8080');
    this.http = new HttpApi({ url });
    this.code = code;
    this.timeout = timeout;
    this.keepAlive = keepAlive;
    this.backoff = backoff;
    const sections = makeSections((name, params) => this.request(name, params));
    this.player = sections.player;
    this.audio = sections.audio;
    this.system = sections.system;
    this.update = sections.update;
    this.box = sections.box;
    this.voice = sections.voice;
  }

  /** The last state document; nothing before the first connection. */
  get state() {
    return this.#state;
  }

  /** How the connection is. */
  get connection() {
    return this.#connection;
  }

  /** Whether commands can be sent now. */
  get online() {
    return this.#connection.status === 'online';
  }

  /** Begins to connect, and to stay connected. Resolves once online, or rejects when the box asks for a login. */
  async connect() {
    if (this.#connection.status === 'closed' || this.#connection.status === 'login_required') this.#begin('connecting');
    while (!this.online) {
      const { status, error } = await this.once('connection');
      if (status === 'login_required') throw error ?? new AmoraError('login_required', 'log in with the code of the box');
      if (status === 'closed') throw new AmoraError('offline', 'closed');
    }
  }

  /**
   * Logs in with the code of the box and connects.
   * @param {string} code
   */
  async login(code) {
    await this.http.login(code);
    this.#begin('connecting');
  }

  /** Ends the session on the box. */
  async logout() {
    this.code = undefined;
    try {
      await this.http.logout();
    } finally {
      this.#drop('logged out');
      this.#setConnection({ status: 'login_required', authenticated: false });
    }
  }

  /** Ends the connection and does not come back. */
  close() {
    this.#drop('the client was closed');
    this.#setConnection({ status: 'closed' });
  }

  /** Tries at once instead of waiting, for example because the network came back. */
  retryNow() {
    if (this.#connection.status === 'reconnecting') this.#begin('reconnecting');
    else if (this.online) this.#probe();
  }

  /**
   * Has a command carried out.
   * @param {string} name `section.verb`
   * @param {object} [params]
   * @param {{ timeout?: number }} [options] milliseconds
   * @returns {Promise<any>} the data of the reply
   */
  request(name, params = {}, { timeout = SLOW_COMMANDS.get(name) ?? this.timeout } = {}) {
    if (!this.online || !this.#socket) {
      return Promise.reject(new AmoraError('offline', `${name} was not sent: the box is not connected`));
    }
    const id = this.#nextId;
    this.#nextId += 1;
    const answered = this.#pending.add(id, name, timeout);
    this.#socket.send(JSON.stringify({ id, command: name, params }));
    return answered;
  }

  /**
   * Sends a signed update (`.swu`), and is done when it is installed. It needs no open connection, and none ends it.
   * @param {import('./upload.js').UploadSource} source
   * @param {import('./http.js').SendUpdate} [options]
   */
  sendUpdate(source, options) {
    return this.http.sendUpdate(source, options);
  }

  /** Where a song's cover is. @param {string} file */
  coverUrl(file) {
    return this.http.coverUrl(file);
  }

  /**
   * Opens the stream of what the box plays: blocks of interleaved 16-bit stereo at 48 kHz.
   * @returns {Promise<Socket>}
   */
  async openListenSocket() {
    return this.#openSound('api/listen');
  }

  /**
   * Opens the stream of what the box hears: blocks of interleaved 16-bit stereo at 48 kHz, on the left the microphone, on the right
   * the same without the box's own sound, as the hub of a call hears it. It closes with a reason where nothing hears.
   * @returns {Promise<Socket>}
   */
  async openHearSocket() {
    return this.#openSound('api/hear');
  }

  /**
   * Opens the way into a simulated room: send it 16-bit mono at 48 kHz, some 20 ms a message, as fast as it is spoken. What came too
   * fast is told in a message `{"dropped": samples}`; it closes with a reason where nobody can be heard.
   * @returns {Promise<Socket>}
   */
  async openTalkSocket() {
    return this.#openSound('api/talk');
  }

  /** @param {string} path */
  async #openSound(path) {
    const socket = await openSocket(socketUrl(this.http.url, path), this.http.credentials);
    socket.binaryType = 'arraybuffer';
    return socket;
  }

  /**
   * @protected
   * @param {keyof ClientEvents} name
   * @param {number} count
   */
  listenersChanged(name, count) {
    if (name !== 'levels' || this.#wantsLevels === count > 0) return;
    this.#wantsLevels = count > 0;
    if (this.online) this.#socket?.send(JSON.stringify({ [this.#wantsLevels ? 'subscribe' : 'unsubscribe']: ['levels'] }));
  }

  /** @param {'connecting' | 'reconnecting'} status */
  #begin(status) {
    this.#drop('the connection is being opened again');
    this.#setConnection({ status, error: undefined, retryIn: undefined });
    this.#open(this.#attempt);
  }

  /** @param {number} attempt */
  async #open(attempt) {
    try {
      if (!(await this.#admitted())) return;
      if (attempt !== this.#attempt) return;
      const socket = await openSocket(socketUrl(this.http.url, 'api/socket'), this.http.credentials);
      if (attempt !== this.#attempt) return socket.close();
      this.#socket = socket;
      this.#listen(socket, attempt);
    } catch (error) {
      if (attempt === this.#attempt) this.#lost(error instanceof AmoraError ? error : new AmoraError('offline', String(error)));
    }
  }

  /** Whether the box lets us in; logs in first where a code is known. */
  async #admitted() {
    const attempt = this.#attempt;
    let session = await this.http.session();
    if (attempt !== this.#attempt) return false;
    if (!session.authenticated && this.code) {
      try {
        await this.http.login(this.code);
        session = { ...session, authenticated: true };
      } catch (error) {
        if (!(error instanceof AmoraError) || error.code !== 'login_required') throw error;
        this.code = undefined;
        if (!session.open_status) {
          this.#setConnection({ status: 'login_required', authenticated: false, name: session.name, error });
          return false;
        }
      }
    }
    if (attempt !== this.#attempt) return false;
    const { authenticated, open_status: open, name } = session;
    if (!authenticated && !open) {
      this.#setConnection({ status: 'login_required', authenticated, name });
      return false;
    }
    this.#connection = { ...this.#connection, authenticated, name };
    return true;
  }

  /**
   * @param {Socket} socket
   * @param {number} attempt
   */
  #listen(socket, attempt) {
    this.#watchSilence();
    socket.addEventListener('message', ({ data }) => {
      if (attempt !== this.#attempt) return;
      this.#watchSilence();
      this.#receive(data);
    });
    socket.addEventListener('close', () => {
      if (attempt === this.#attempt) this.#lost(new AmoraError('offline', 'the connection to the box was lost'));
    });
  }

  /** @param {unknown} data */
  #receive(data) {
    let message;
    try {
      message = JSON.parse(/** @type {string} */ (data));
    } catch {
      message = undefined;
    }
    if (typeof message !== 'object' || message === null) {
      return this.emit('error', new AmoraError('protocol', 'the box sent something that is no message'));
    }
    if (message.state) this.#receiveState(message.state);
    else if (message.reply) this.#receiveReply(message.reply);
    else if (message.event) this.emit('event', message.event);
    else if (message.levels) this.emit('levels', message.levels);
    else if (typeof message.lagged === 'number') this.emit('lagged', message.lagged);
  }

  /** @param {any} news */
  #receiveState(news) {
    const first = !this.online;
    if (first ? !news.system : !this.#state || news.revision <= this.#state.revision) return;
    const before = this.#state;
    const merged = first ? news : { ...before, ...news };
    const sections = Object.entries(merged).filter(([, section]) => section !== null);
    const state = /** @type {State} */ (/** @type {unknown} */ (Object.fromEntries(sections)));
    this.#state = state;
    if (first) this.#arrived();
    this.emit('state', state);
    for (const [name, value] of legacyEvents(before, state)) this.emit(name, value);
  }

  #arrived() {
    this.backoff.reset();
    if (this.#wantsLevels) this.#socket?.send(JSON.stringify({ subscribe: ['levels'] }));
    this.#setConnection({ status: 'online', error: undefined, retryIn: undefined });
  }

  /** @param {any} reply */
  #receiveReply(reply) {
    const waiting = this.#pending.take(reply.id);
    if (!waiting) return;
    if (reply.result === true) {
      waiting.resolve(reply.data ?? {});
      this.emit('commandResponse', { command: waiting.name, result: true, data: reply.data ?? {} });
    } else {
      const error = AmoraError.from(reply.error);
      waiting.reject(error);
      this.emit('commandResponse', { command: waiting.name, result: false, error });
    }
  }

  /** Nothing came for a while: either nothing happened, or the network ate the connection. */
  #watchSilence() {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#probe(), this.keepAlive);
    unref(this.#quiet);
  }

  #probe() {
    const attempt = this.#attempt;
    if (!this.online) return this.#lost(new AmoraError('timed_out', 'the box does not answer'));
    this.request('system.get_status').catch((error) => {
      if (attempt === this.#attempt && error.code === 'timed_out') this.#lost(error);
    });
  }

  /** @param {AmoraError} error */
  #lost(error) {
    this.#drop(error.message);
    const wait = error.retryAfter ? error.retryAfter * 1000 : this.backoff.next();
    this.#retry = setTimeout(() => this.#begin('reconnecting'), wait);
    this.#setConnection({ status: 'reconnecting', error, retryIn: wait });
    this.emit('error', error);
  }

  /** Forgets the present connection. @param {string} reason */
  #drop(reason) {
    this.#attempt += 1;
    clearTimeout(this.#retry);
    clearTimeout(this.#quiet);
    this.#socket?.close();
    this.#socket = undefined;
    this.#pending.rejectAll((name) => new AmoraError('offline', `${name} got no answer: ${reason}`));
  }

  /** @param {Partial<Connection>} change */
  #setConnection(change) {
    const wasOnline = this.online;
    this.#connection = { ...this.#connection, ...change };
    this.emit('connection', this.#connection);
    if (wasOnline !== this.online) this.emit('connectionChange', this.online);
  }
}

/** Lets Node end although a timer runs. @param {any} timer */
function unref(timer) {
  timer.unref?.();
}
