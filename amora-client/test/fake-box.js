import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

export const CODE = 'K7QM-3XPW-9RTD';

/** The least state a box has. */
export const STATE = {
  revision: 7,
  system: { id: 'kitchen', name: 'Kitchen', version: '1', started_at: 1, health: {} },
  audio: { volume: 40, mute: false },
  player: { state: 'stop', song: null, position: 0, position_at: 1, playlist: null, queue_version: 1, playlists_version: 1, repeat: false, random: false, single: false, consume: false },
};

/**
 * A web door that says what a test tells it to.
 * @param {{ open?: boolean, port?: number, answer?: (message: any, socket: import('ws').WebSocket) => void }} [options]
 */
export async function startFakeBox({ open = false, port = 0, answer } = {}) {
  /** @type {any[]} */
  const received = [];
  /** @type {Set<import('ws').WebSocket>} */
  const sockets = new Set();
  const counters = { logins: 0, attempts: 0, requests: /** @type {any[]} */ ([]) };
  const box = { open, session: '', state: /** @type {any} */ (structuredClone(STATE)), greet: true, httpStatus: 0 };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    counters.requests.push({ method: request.method, url: request.url, headers: request.headers, body });
    const send = (/** @type {number} */ status, /** @type {any} */ document, headers = {}) => response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(typeof document === 'string' ? document : JSON.stringify(document));
    const known = box.session !== '' && (request.headers.cookie ?? '').includes(box.session);
    if (box.httpStatus) return send(box.httpStatus, '<html>trouble</html>', { 'Retry-After': '3' });
    if (request.url === '/api/session' && request.method === 'GET') return send(200, { authenticated: known, open_status: box.open, name: 'Kitchen', csrf: known ? 'token' : null });
    if (request.url === '/api/session' && request.method === 'POST') {
      counters.logins += 1;
      if (JSON.parse(body).code !== CODE) return send(401, { result: false, error: { code: 'not_allowed', message: 'wrong code' } });
      box.session = `session${counters.logins}`;
      return send(200, { csrf: 'token' }, { 'Set-Cookie': `amora_session=${box.session}; HttpOnly; SameSite=Strict` });
    }
    if (request.url === '/api/session') {
      if (request.headers['x-amora-csrf'] !== 'token') return send(403, { result: false, error: { code: 'not_allowed', message: 'no CSRF token' } });
      box.session = '';
      return send(200, {});
    }
    if (request.headers.authorization !== `Bearer ${CODE}`) return send(401, { result: false, error: { code: 'not_allowed', message: 'log in first' } });
    if (request.url === '/api/state') return send(200, box.state);
    if (request.url === '/api/commands/player.seek') return send(400, { result: false, error: { code: 'invalid_parameter', message: 'parameter `position`: is required', field: 'position' } });
    return send(200, { result: true, data: { echoed: JSON.parse(body) } });
  });
  const upgrader = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    counters.attempts += 1;
    const known = box.session !== '' && (request.headers.cookie ?? '').includes(box.session);
    if (!known && !box.open) return void socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
    upgrader.handleUpgrade(request, socket, head, (client) => {
      if (request.url === '/api/hear') return client.send(Int16Array.of(1, -2, 3, -4));
      if (request.url === '/api/talk') {
        return client.on('message', (data, binary) => {
          received.push(binary ? data : String(data));
          client.send('{"dropped":7}', () => client.close(1013, 'somebody else is talking'));
        });
      }
      sockets.add(client);
      client.on('close', () => sockets.delete(client));
      client.on('message', (text) => {
        const message = JSON.parse(String(text));
        received.push(message);
        answer?.(message, client);
      });
      if (box.greet) client.send(JSON.stringify({ state: box.state }));
    });
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    box, counters, received, sockets,
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    /** @param {any} message */
    send: (message) => sockets.forEach((socket) => socket.send(typeof message === 'string' ? message : JSON.stringify(message))),
    cut: () => sockets.forEach((socket) => socket.terminate()),
    async stop() {
      sockets.forEach((socket) => socket.terminate());
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Answers a command on a socket.
 * @param {import('ws').WebSocket} socket @param {number} id @param {any} data
 */
export const reply = (socket, id, data = {}) => socket.send(JSON.stringify({ reply: { id, result: true, data } }));

/** Asks until there is an answer. @template T @param {() => T | Promise<T>} question @returns {Promise<NonNullable<T>>} */
export async function until(question, message = 'it did not come to pass') {
  const end = Date.now() + 15_000;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(message);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
