import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { drawCover } from './covers.mjs';
import { Box, Refusal } from './model.mjs';

const PAGE = fileURLToPath(new URL('../../page/', import.meta.url));
const CLIENT = fileURLToPath(new URL('../../../../../amora-client/src/', import.meta.url));
export const CODE = 'K7QM-3XPW-9RTD';

/** As strict as the real door: nothing inline, nothing from elsewhere. */
const POLICY = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/** @type {Record<string, string>} */
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.webmanifest': 'application/manifest+json', '.ts': 'text/plain', '.json': 'application/json' };
/** Sockets of sound: only for who is logged in. */
const SOUND = ['/api/listen', '/api/hear', '/api/talk'];
/** @type {Record<string, number>} */
const STATUS = { malformed: 400, invalid_parameter: 400, login_required: 401, not_allowed: 403, unknown_command: 404, not_found: 404, conflict: 409, busy: 429, failed: 500, unavailable: 503 };

/**
 * Serves the page, the client and a box in memory, as the web door does.
 * @param {{ box?: Box, openStatus?: boolean, port?: number }} [options]
 */
export async function startFakeBox({ box = new Box(), openStatus = false, port = 0 } = {}) {
  /** @type {Map<string, string>} */
  const sessions = new Map();
  const control = { openStatus, loginsLeft: 5, silent: false };
  /** @type {Set<import('ws').WebSocket & { levels?: boolean, admitted?: boolean }>} */
  const sockets = new Set();
  /** @type {Set<import('ws').WebSocket>} */
  const listeners = new Set();
  /** @type {Set<import('ws').WebSocket>} */
  const hearers = new Set();
  const sessionOf = (/** @type {import('node:http').IncomingMessage} */ request) => /amora_session=(\w+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
  const admitted = (/** @type {import('node:http').IncomingMessage} */ request) => sessions.has(sessionOf(request)) || request.headers.authorization === `Bearer ${CODE}`;

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      const code = error instanceof Refusal ? error.code : 'failed';
      if (error.retryAfter) response.setHeader('Retry-After', error.retryAfter);
      send(response, STATUS[code] ?? 500, { result: false, error: { code, message: error.message, field: error.field } });
    });
  });

  /** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
  async function answer(request, response) {
    const url = new URL(request.url ?? '/', 'http://box');
    const route = `${request.method} ${url.pathname}`;
    if (route === 'GET /api/session') {
      return send(response, 200, { authenticated: admitted(request), open_status: control.openStatus, name: box.state.system.name, csrf: sessions.get(sessionOf(request)) ?? null });
    }
    if (route === 'POST /api/session') {
      const { code } = JSON.parse(await bodyOf(request));
      if (control.loginsLeft <= 0) throw Object.assign(new Refusal('busy', 'Too many wrong codes.'), { retryAfter: 30 });
      if (code !== CODE) {
        control.loginsLeft -= 1;
        throw new Refusal('login_required', 'That is not the code of this box.');
      }
      const [session, csrf] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')];
      sessions.set(session, csrf);
      response.setHeader('Set-Cookie', `amora_session=${session}; HttpOnly; SameSite=Strict; Path=/`);
      return send(response, 200, { csrf });
    }
    if (route === 'DELETE /api/session') {
      if (request.headers['x-amora-csrf'] !== sessions.get(sessionOf(request))) throw new Refusal('not_allowed', 'the CSRF token is missing');
      sessions.delete(sessionOf(request));
      for (const socket of sockets) if (!control.openStatus) socket.close();
      return send(response, 200, {});
    }
    if (url.pathname.startsWith('/api/')) {
      if (!admitted(request) && !control.openStatus) throw new Refusal('login_required', 'log in first');
      if (url.pathname === '/api/state') return send(response, 200, box.state);
      if (url.pathname === '/api/cover') return cover(response, url.searchParams.get('file') ?? '');
      if (route === 'POST /api/update') {
        if (!admitted(request) || (request.headers.authorization === undefined && request.headers['x-amora-csrf'] !== sessions.get(sessionOf(request)))) throw new Refusal('not_allowed', 'the CSRF token is missing');
        return send(response, 200, { result: true, data: await box.updates.receive(request, url.searchParams) });
      }
      const command = /^POST \/api\/commands\/(.+)$/.exec(route)?.[1];
      if (command && admitted(request)) return send(response, 200, { result: true, data: box.execute(decodeURIComponent(command), JSON.parse((await bodyOf(request)) || '{}')) });
      throw new Refusal('not_found', 'there is nothing here');
    }
    return file(response, url.pathname);
  }

  /** @param {import('node:http').ServerResponse} response @param {string} name */
  function cover(response, name) {
    const { album } = box.find(name);
    if (album === 'Unknown') return send(response, 404, {});
    response.writeHead(200, { 'Content-Type': 'image/svg+xml', 'Cache-Control': 'private, max-age=3600' });
    response.end(drawCover(album));
  }

  server.on('upgrade', (request, socket, head) => {
    const path = new URL(request.url ?? '/', 'http://box').pathname;
    if (!(path === '/api/socket' ? admitted(request) || control.openStatus : admitted(request) && SOUND.includes(path))) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    upgrader.handleUpgrade(request, socket, head, (client) => {
      if (path === '/api/listen') {
        listeners.add(client);
        client.on('close', () => listeners.delete(client));
      } else if (path === '/api/hear') {
        if (!box.state.voice) return client.close(1008, 'this box does not hear: it has no voice desk');
        hearers.add(client);
        client.on('close', () => hearers.delete(client));
      } else if (path === '/api/talk') {
        box.room.connect(client);
      } else {
        connect(Object.assign(client, { admitted: admitted(request) }));
      }
    });
  });
  const upgrader = new WebSocketServer({ noServer: true });

  /** @param {import('ws').WebSocket & { levels?: boolean, admitted?: boolean }} socket */
  function connect(socket) {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.send(JSON.stringify({ state: box.state }));
    socket.on('message', (text) => {
      const message = JSON.parse(String(text));
      if (message.subscribe) socket.levels = true;
      if (message.unsubscribe) socket.levels = false;
      if (message.command && !control.silent) socket.send(JSON.stringify({ reply: { id: message.id, ...reply(socket, message) } }));
    });
  }

  /** @param {{ admitted?: boolean }} socket @param {{ command: string, params: any }} message */
  function reply(socket, { command, params }) {
    try {
      if (!socket.admitted) throw new Refusal('not_allowed', 'log in to change things');
      return { result: true, data: box.execute(command, params ?? {}) };
    } catch (error) {
      const { code = 'failed', message, field } = /** @type {Refusal} */ (error);
      return { result: false, error: { code, message, field } };
    }
  }

  const tell = (/** @type {object} */ message) => {
    for (const socket of sockets) socket.send(JSON.stringify(message));
  };
  box.onChange = (state) => tell({ state });
  box.onEvent = (event) => tell({ event });
  const levels = setInterval(() => {
    const sway = (/** @type {number} */ shift) => -13 + 7 * Math.sin(Date.now() / 310 + shift) + 2 * Math.sin(Date.now() / 87);
    const peak = [sway(0), sway(0.7)];
    for (const socket of sockets) if (socket.levels) socket.send(JSON.stringify({ levels: { peak, rms: peak.map((level) => level - 9), limiting: 0, ducking: 0 } }));
  }, 50);

  await new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    box,
    control,
    sessions,
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    /** Sends one message to every connected page, as it is. @param {string} text */
    sendRaw: (text) => sockets.forEach((socket) => socket.send(text)),
    /** Sends a block of sound to whoever listens. @param {Int16Array} block */
    sendSound: (block) => listeners.forEach((socket) => socket.send(Buffer.from(block.buffer, block.byteOffset, block.byteLength))),
    get listening() {
      return listeners.size;
    },
    /** Sends a block to whoever hears what the box hears. @param {Int16Array} block */
    sendHeard: (block) => hearers.forEach((socket) => socket.send(Buffer.from(block.buffer, block.byteOffset, block.byteLength))),
    get hearing() {
      return hearers.size;
    },
    /** Sends whoever hears away. @param {string} reason */
    stopHearing: (reason) => hearers.forEach((socket) => socket.close(1008, reason)),
    get connected() {
      return sockets.size;
    },
    /** Breaks every connection off, without a word. */
    cut: () => [...sockets, ...listeners, ...hearers].forEach((socket) => socket.terminate()),
    async stop() {
      clearInterval(levels);
      for (const socket of [...sockets, ...listeners, ...hearers]) socket.terminate();
      box.room.present?.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** @param {import('node:http').ServerResponse} response @param {string} path */
async function file(response, path) {
  const [folder, name] = path.startsWith('/client/') ? [CLIENT, path.slice('/client/'.length)] : [PAGE, path === '/' ? 'index.html' : path.slice(1)];
  const target = join(folder, normalize(`/${decodeURIComponent(name)}`));
  const body = await readFile(target).catch(() => {
    throw new Refusal('not_found', `there is no ${path}`);
  });
  response.writeHead(200, { 'Content-Type': TYPES[extname(target)] ?? 'application/octet-stream', 'Content-Security-Policy': POLICY, 'X-Content-Type-Options': 'nosniff', 'Permissions-Policy': 'camera=(), geolocation=(), microphone=(self)', 'Cache-Control': 'no-cache' });
  response.end(body);
}

/** @param {import('node:http').ServerResponse} response @param {number} status @param {object} body */
function send(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** @param {import('node:http').IncomingMessage} request */
async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}
