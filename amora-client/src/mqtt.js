import { Backoff } from './backoff.js';
import { Emitter } from './emitter.js';
import { AmoraError } from './errors.js';
import { legacyEvents } from './legacy-events.js';
import { commandMessage, readConnection, readEvent, readResponse, readState } from './mqtt-messages.js';
import { Pending } from './pending.js';
import { makeSections } from './sections.js';

/** @typedef {import('./state.d.ts').State} State */

/**
 * `closed`: not wanted. `waiting`: the broker is there, the box is not.
 * @typedef {{ status: 'closed' | 'connecting' | 'waiting' | 'online' | 'reconnecting', broker: boolean, box: boolean }} MqttConnection
 */

/**
 * @typedef {object} MqttEvents
 * @property {State} state
 * @property {import('./state.d.ts').BoxEvent} event something happened on the box
 * @property {MqttConnection} connection
 * @property {import('./state.d.ts').PlayerState} stateChange
 * @property {number} positionChange seconds
 * @property {number} volumeChange 0 to 100
 * @property {{ playlist: string | null, queueVersion: number, playlistsVersion: number }} playlistChange
 * @property {boolean} connectionChange whether commands can be sent
 * @property {{ command: string, result: boolean, data?: any, error?: AmoraError }} commandResponse
 * @property {AmoraError} error
 */

/**
 * @typedef {object} MqttOptions
 * @property {string} url the broker: `mqtt://…` or `mqtts://…` in Node, `ws://…` or `wss://…` in browsers
 * @property {string} device the box's id
 * @property {string} [prefix] first part of the topics
 * @property {0 | 1 | 2} [qos] of the commands
 * @property {number} [timeout] longest wait for a response, milliseconds
 * @property {import('mqtt').IClientOptions} [broker] anything else for mqtt.js: user name, password, certificates, version
 * @property {Backoff} [backoff] waits between attempts to reach the broker
 * @property {(url: string, options: import('mqtt').IClientOptions) => import('mqtt').MqttClient} [connect] mqtt.js's `connect`, where it
 *   cannot be imported by its name
 */

/** A document in which nothing is known yet: the MQTT topics tell less than the whole state. @returns {State} */
const blankState = () => /** @type {State} */ (/** @type {unknown} */ ({ revision: 0, system: {} }));

/**
 * A box over an MQTT broker, with the commands and events of `AmoraClient`. It needs the `mqtt` package.
 *
 * @extends {Emitter<MqttEvents>}
 */
export class AmoraMqttClient extends Emitter {
  /** @type {State | undefined} */
  #state;
  /** @type {MqttConnection} */
  #connection = { status: 'closed', broker: false, box: false };
  /** @type {import('mqtt').MqttClient | undefined} */
  #mqtt;
  /** @type {Pending<string>} */
  #pending = new Pending();
  /** The last event taken: QoS 1 may bring one twice. */
  #sequence = -1;

  /** @param {MqttOptions} options */
  constructor({ url, device, prefix = 'amora/devices', qos = 1, timeout = 10_000, broker = {}, backoff = new Backoff({ first: 1000 }), connect }) {
    super();
    if (/[#+/]/.test(device)) throw new TypeError('`device` is one level of a topic: no /, + or #');
    this.url = url;
    this.topic = `${prefix}/${device}`;
    this.qos = qos;
    this.timeout = timeout;
    this.options = broker;
    this.backoff = backoff;
    this.mqttConnect = connect;
    const sections = makeSections((name, params) => this.request(name, params));
    this.player = sections.player;
    this.audio = sections.audio;
    this.system = sections.system;
    this.update = sections.update;
    this.box = sections.box;
    this.voice = sections.voice;
  }

  /** What is known of the box; nothing before its first message. */
  get state() {
    return this.#state;
  }

  get connection() {
    return this.#connection;
  }

  /** Whether commands can be sent now. */
  get online() {
    return this.#connection.status === 'online';
  }

  /** Begins to connect, and to stay connected. Resolves once the broker has taken the subscriptions. */
  async connect() {
    if (this.#mqtt) return;
    const connect = this.mqttConnect ?? (await import('mqtt')).default.connect;
    this.#set({ status: 'connecting' });
    const mqtt = connect(this.url, { reconnectPeriod: this.backoff.next(), resubscribe: false, ...this.options });
    this.#mqtt = mqtt;
    const subscribed = new Promise((resolve) => {
      mqtt.on('connect', () => this.#arrived(mqtt).then(resolve, (error) => this.#complain(error)));
    });
    mqtt.on('message', (topic, payload, { retain }) => this.#receive(topic, payload.toString(), retain));
    mqtt.on('error', (error) => this.#complain(error));
    mqtt.on('close', () => this.#lost(mqtt));
    await subscribed;
  }

  /** Ends the connection and does not come back. */
  async close() {
    const mqtt = this.#mqtt;
    this.#mqtt = undefined;
    this.#rejectAll('the client was closed');
    this.#set({ status: 'closed', broker: false, box: false });
    await mqtt?.endAsync();
  }

  /**
   * Has a command carried out.
   * @param {string} name `section.verb`, or one of the original's names
   * @param {object} [params]
   * @param {{ timeout?: number }} [options] milliseconds
   * @returns {Promise<any>} the data of the response
   */
  async request(name, params = {}, { timeout = name === 'audio.test' ? 35_000 : this.timeout } = {}) {
    if (!this.#mqtt || !this.online) {
      const away = this.#connection.broker ? 'the box is not connected to the broker' : 'the broker is not connected';
      throw new AmoraError('offline', `${name} was not sent: ${away}`);
    }
    return this.#send(this.#mqtt, name, params, timeout);
  }

  /**
   * @param {import('mqtt').MqttClient} mqtt
   * @param {string} name
   * @param {object} params
   * @param {number} timeout
   */
  #send(mqtt, name, params, timeout) {
    const id = globalThis.crypto.randomUUID();
    const answered = this.#pending.add(id, name, timeout);
    mqtt.publish(`${this.topic}/commands`, commandMessage(name, id, params), { qos: this.qos }, (error) => {
      if (error) this.#pending.take(id)?.reject(new AmoraError('offline', `${name} was not sent: ${error.message}`, { cause: error }));
    });
    return answered;
  }

  /** @param {import('mqtt').MqttClient} mqtt */
  async #arrived(mqtt) {
    this.backoff.reset();
    mqtt.options.reconnectPeriod = this.backoff.next();
    const grants = await mqtt.subscribeAsync(['state', 'responses', 'connection', 'events'].map((leaf) => `${this.topic}/${leaf}`), { qos: 1 });
    const refused = grants.find(({ qos }) => qos >= 128);
    if (refused) throw new AmoraError('not_allowed', `the broker refused the subscription to ${refused.topic}`);
    this.#set({ broker: true, status: this.#connection.box ? 'online' : 'waiting' });
    this.#greet(mqtt);
  }

  /**
   * Asks for the whole state: the topics tell less. Nobody answers while the box is away, and that is no error.
   * @param {import('mqtt').MqttClient} mqtt
   */
  #greet(mqtt) {
    this.#send(mqtt, 'system.get_state', {}, this.timeout).then((state) => this.#publish(state), () => {});
  }

  /** @param {import('mqtt').MqttClient} mqtt */
  #lost(mqtt) {
    if (this.#mqtt !== mqtt) return;
    mqtt.options.reconnectPeriod = this.backoff.next();
    this.#rejectAll('the connection to the broker was lost');
    this.#set({ status: 'reconnecting', broker: false, box: false });
  }

  /**
   * @param {string} topic
   * @param {string} text
   * @param {boolean} retained what the broker kept proves nothing about now
   */
  #receive(topic, text, retained) {
    try {
      if (!retained && topic !== `${this.topic}/connection`) this.#setBox(true);
      if (topic === `${this.topic}/responses`) this.#receiveResponse(text);
      else if (topic === `${this.topic}/state`) this.#receiveState(text);
      else if (topic === `${this.topic}/events`) this.#receiveEvent(text);
      else if (topic === `${this.topic}/connection`) this.#receiveConnection(text);
    } catch (error) {
      this.#complain(error);
    }
  }

  /** @param {string} text */
  #receiveResponse(text) {
    const response = readResponse(text);
    const waiting = this.#pending.take(response.id);
    if (!waiting) return;
    if ('error' in response) {
      waiting.reject(response.error);
      this.emit('commandResponse', { command: waiting.name, result: false, error: response.error });
    } else {
      waiting.resolve(response.data);
      this.emit('commandResponse', { command: waiting.name, result: true, data: response.data });
    }
  }

  /** @param {string} text */
  #receiveState(text) {
    const { volume, ...player } = readState(text);
    const known = this.#state ?? blankState();
    const state = { ...known, revision: known.revision + 1, player: { ...known.player, ...player } };
    if (volume !== undefined) state.audio = /** @type {any} */ ({ ...known.audio, volume });
    this.#publish(/** @type {State} */ (state));
  }

  /** @param {string} text */
  #receiveConnection(text) {
    const box = readConnection(text);
    const came = box && !this.#connection.box;
    this.#setBox(box);
    if (!box) this.#rejectAll('the box left the broker');
    else if (came && this.#mqtt) this.#greet(this.#mqtt);
  }

  /** @param {boolean} box */
  #setBox(box) {
    if (this.#connection.box !== box) this.#set({ box, status: box ? 'online' : 'waiting' });
  }

  /** @param {string} text */
  #receiveEvent(text) {
    const { sequence, ...event } = readEvent(text);
    if (sequence !== undefined && sequence <= this.#sequence) return;
    this.#sequence = sequence ?? this.#sequence;
    this.emit('event', event);
  }

  /** @param {State} state */
  #publish(state) {
    const before = this.#state;
    this.#state = state;
    this.emit('state', state);
    for (const [name, value] of legacyEvents(before, state)) this.emit(name, value);
  }

  /** @param {string} reason */
  #rejectAll(reason) {
    this.#pending.rejectAll((name) => new AmoraError('offline', `${name} got no answer: ${reason}`));
  }

  /** @param {unknown} error */
  #complain(error) {
    const told = error instanceof Error ? error.message || String(Reflect.get(error, 'code') ?? error.name) : String(error);
    this.emit('error', error instanceof AmoraError ? error : new AmoraError('protocol', told, { cause: error }));
  }

  /** @param {Partial<MqttConnection>} change */
  #set(change) {
    const wasOnline = this.online;
    this.#connection = { ...this.#connection, ...change };
    this.emit('connection', this.#connection);
    if (wasOnline !== this.online) this.emit('connectionChange', this.online);
  }
}

export { AmoraError } from './errors.js';
export { Backoff } from './backoff.js';
