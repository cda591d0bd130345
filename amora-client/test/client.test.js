import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { AmoraClient, AmoraError, Backoff } from '../src/index.js';
import { CODE, reply, startFakeBox, until } from './fake-box.js';

describe('AmoraClient', () => {
  /** @type {Array<() => unknown>} */
  let cleanups = [];
  afterEach(async () => {
    for (const clean of cleanups.reverse()) await clean();
    cleanups = [];
  });
  /** @param {Parameters<typeof startFakeBox>[0]} [options] */
  const start = async (options) => {
    const fake = await startFakeBox(options);
    cleanups.push(() => fake.stop());
    return fake;
  };
  /** @param {string} url @param {Partial<import('../src/client.js').ClientOptions>} [options] */
  const connect = async (url, options = {}) => {
    const client = new AmoraClient({ url, code: CODE, backoff: new Backoff({ first: 5, longest: 20 }), ...options });
    cleanups.push(() => client.close());
    await client.connect();
    return client;
  };

  it('logs in, connects, and has the state', async () => {
    const fake = await start();
    const client = await connect(fake.url);
    assert.equal(client.online, true);
    assert.equal(client.state?.system.name, 'Kitchen');
    assert.deepEqual([client.connection.authenticated, client.connection.name], [true, 'Kitchen']);
    assert.equal(fake.counters.logins, 1);
  });

  it('gives each reply to its own command, whatever their order', async () => {
    /** @type {Array<[import('ws').WebSocket, any]>} */
    const held = [];
    const fake = await start({ answer: (message, socket) => held.push([socket, message]) });
    const client = await connect(fake.url);
    const answers = Promise.all([client.player.getVolume(), client.audio.setVolume({ volume: 9 }), client.request('player.search', { query: 'x' })]);
    await until(() => held.length === 3);
    assert.deepEqual(held.map(([, { command, params }]) => [command, params]), [['player.get_volume', {}], ['audio.set_volume', { volume: 9 }], ['player.search', { query: 'x' }]]);
    for (const [socket, { id, command }] of held.reverse()) reply(socket, id, { command });
    assert.deepEqual((await answers).map(({ command }) => command), ['player.get_volume', 'audio.set_volume', 'player.search']);
  });

  it('rejects with the code, the message and the field of the box', async () => {
    const fake = await start({ answer: ({ id }, socket) => socket.send(JSON.stringify({ reply: { id, result: false, error: { code: 'invalid_parameter', message: 'too much', field: 'volume' } } })) });
    const client = await connect(fake.url);
    /** @type {any[]} */
    const responses = [];
    client.on('commandResponse', (response) => responses.push(response));
    await assert.rejects(client.player.setVolume({ volume: 500 }), (error) => {
      assert.ok(error instanceof AmoraError);
      assert.deepEqual([error.code, error.message, error.field], ['invalid_parameter', 'too much', 'volume']);
      return true;
    });
    assert.equal(responses[0].result, false);
  });

  it('gives up on a command that gets no answer, and is not confused when it comes late or twice', async () => {
    /** @type {any[]} */
    const ids = [];
    const fake = await start({ answer: (message) => ids.push(message.id) });
    const client = await connect(fake.url, { timeout: 40 });
    await assert.rejects(client.player.play(), { code: 'timed_out', message: 'no answer to player.play within 0.04 s' });
    const second = client.request('player.stop', {}, { timeout: 10_000 });
    await until(() => ids.length === 2);
    for (const id of [ids[0], ids[0], ids[1], ids[1], 999, null]) fake.send({ reply: { id, result: true, data: { id } } });
    assert.deepEqual(await second, { id: ids[1] });
  });

  it('merges changes of state, drops old ones, and loses sections that are gone', async () => {
    const fake = await start();
    const client = await connect(fake.url);
    /** @type {any[]} */
    const told = [];
    for (const name of /** @type {const} */ (['stateChange', 'positionChange', 'volumeChange', 'playlistChange'])) client.on(name, (value) => told.push([name, value]));
    const player = { ...fake.box.state.player, state: 'play', position: 3, position_at: 9 };
    fake.send({ state: { revision: 9, player } });
    fake.send({ state: { revision: 8, player: { ...player, position: 1 } } });
    fake.send({ state: { revision: 10, audio: { volume: 41, mute: false } } });
    fake.send({ state: { revision: 11, player: null } });
    await until(() => client.state?.revision === 11);
    assert.deepEqual([client.state?.player, client.state?.audio?.volume, client.state?.system.id], [undefined, 41, 'kitchen']);
    assert.deepEqual(told, [['stateChange', player], ['positionChange', 3], ['volumeChange', 41]]);
  });

  it('survives messages that make no sense', async () => {
    const fake = await start({ answer: ({ id }, socket) => reply(socket, id, { volume: 1 }) });
    const client = await connect(fake.url);
    /** @type {string[]} */
    const errors = [];
    client.on('error', ({ code }) => errors.push(code));
    for (const text of ['', '{', 'null', '7', '"state"', '[]', '{"reply":null}', '{"reply":{}}', '{"state":{}}', '{"state":7}', '{"levels":null}']) fake.send(text);
    assert.deepEqual(await client.player.getVolume(), { volume: 1 });
    assert.deepEqual(errors, ['protocol', 'protocol', 'protocol', 'protocol', 'protocol']);
    assert.equal(client.online, true);
  });

  it('comes back after every break, with its session, and starts from the new state', async () => {
    const fake = await start();
    const client = await connect(fake.url);
    for (let round = 0; round < 20; round += 1) {
      fake.box.state.revision = round;
      fake.box.state.system.name = `Round ${round}`;
      fake.cut();
      await until(() => client.online && client.state?.system.name === `Round ${round}`);
    }
    assert.equal(fake.counters.logins, 1, 'the session was kept');
  });

  it('rejects what was under way when the connection broke, and what is asked while it is away', async () => {
    const fake = await start();
    const client = await connect(fake.url, { backoff: new Backoff({ first: 10_000 }) });
    const under = client.player.next();
    await until(() => fake.received.length === 1);
    fake.cut();
    await assert.rejects(under, { code: 'offline' });
    assert.equal(client.connection.status, 'reconnecting');
    await assert.rejects(client.player.next(), { code: 'offline', message: 'player.next was not sent: the box is not connected' });
    client.retryNow();
    await until(() => client.online);
  });

  it('waits for a login where the code is wrong or missing, and goes on after it', async () => {
    const fake = await start();
    const client = new AmoraClient({ url: fake.url, code: 'WRONG' });
    cleanups.push(() => client.close());
    await assert.rejects(client.connect(), { code: 'login_required', message: 'wrong code' });
    await assert.rejects(client.connect(), { code: 'login_required' });
    assert.equal(fake.counters.logins, 1, 'the wrong code is not tried again');
    await client.login(CODE);
    await client.connect();
    await client.logout();
    assert.equal(client.connection.status, 'login_required');
  });

  it('reads without a login where the box is open', async () => {
    const fake = await start({ open: true });
    const client = await connect(fake.url, { code: undefined });
    assert.deepEqual([client.online, client.connection.authenticated], [true, false]);
  });

  it('asks for levels only while somebody listens, and again after a break', async () => {
    const fake = await start();
    const client = await connect(fake.url);
    const levels = { peak: [-3, null], rms: [-12, null], limiting: 0, ducking: 0 };
    const heard = client.once('levels');
    await until(() => fake.received.length === 1);
    assert.deepEqual(fake.received[0], { subscribe: ['levels'] });
    fake.send({ levels });
    assert.deepEqual(await heard, levels);
    await until(() => fake.received.length === 2);
    assert.deepEqual(fake.received[1], { unsubscribe: ['levels'] });
    client.on('levels', () => {});
    await until(() => fake.received.length === 3);
    fake.cut();
    await until(() => fake.received.length === 4);
    assert.deepEqual(fake.received[3], { subscribe: ['levels'] });
  });

  it('hears what the box hears, talks into its room, and is told why not', async () => {
    const fake = await start();
    const client = await connect(fake.url);
    const hears = await client.openHearSocket();
    const block = await new Promise((resolve) => hears.addEventListener('message', ({ data }) => resolve(new Int16Array(data))));
    assert.deepEqual([...block], [1, -2, 3, -4]);
    hears.close();

    const talks = await client.openTalkSocket();
    await new Promise((resolve) => talks.addEventListener('open', resolve));
    /** @type {string[]} */
    const answers = [];
    talks.addEventListener('message', ({ data }) => answers.push(data));
    const closed = new Promise((resolve) => talks.addEventListener('close', resolve));
    assert.deepEqual([talks.readyState, talks.bufferedAmount], [1, 0]);
    talks.send(Int16Array.of(0, 0, -300, 300, 5).subarray(2));
    const { code, reason } = await closed;
    assert.deepEqual(answers, ['{"dropped":7}']);
    assert.deepEqual([code, reason], [1013, 'somebody else is talking']);
    const said = fake.received.at(-1);
    assert.ok(Buffer.isBuffer(said), 'it went as binary');
    assert.deepEqual([said.length, said.readInt16LE(0), said.readInt16LE(2), said.readInt16LE(4)], [6, -300, 300, 5]);
  });

  it('notices a connection that is silently dead', async () => {
    const fake = await start({ answer: () => {} });
    const client = await connect(fake.url, { keepAlive: 30, timeout: 30 });
    await until(() => fake.counters.attempts >= 2, 'the dead connection was kept');
    assert.equal(fake.received[0].command, 'system.get_status');
    client.close();
  });

  it('waits as long as a box asks that has trouble', async () => {
    const fake = await start();
    fake.box.httpStatus = 503;
    const client = new AmoraClient({ url: fake.url });
    cleanups.push(() => client.close());
    const connecting = client.connect().catch(() => {});
    await until(() => client.connection.status === 'reconnecting');
    assert.deepEqual([client.connection.retryIn, client.connection.error?.code], [3000, 'unavailable']);
    client.close();
    await connecting;
  });

  it('keeps listeners apart: one that throws does not silence another', async () => {
    const fake = await start();
    const client = await connect(fake.url);
    const before = globalThis.reportError;
    const thrown = new Promise((resolve) => {
      globalThis.reportError = resolve;
    });
    cleanups.push(() => {
      globalThis.reportError = before;
    });
    client.on('event', () => {
      throw new Error('mine');
    });
    const heard = client.once('event');
    fake.send({ event: { time: 1, event: 'player.slept', data: {} } });
    assert.equal((await heard).event, 'player.slept');
    assert.equal(/** @type {Error} */ (await thrown).message, 'mine');
  });

  it('is over after close()', async () => {
    const fake = await start();
    const client = await connect(fake.url);
    client.close();
    await until(() => fake.sockets.size === 0);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(fake.counters.attempts, 1);
    assert.equal(client.connection.status, 'closed');
  });
});
