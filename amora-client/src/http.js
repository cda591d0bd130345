import { AmoraError } from './errors.js';
import { send } from './upload.js';

/** Longest wait for an HTTP answer that is not a command's. */
const REQUEST_TIMEOUT = 10_000;

/**
 * `restart`: when to restart into the update; as configured when missing. `reference`: a word of the caller's own.
 * @typedef {import('./upload.js').UploadOptions & { restart?: import('./state.d.ts').RestartPolicy, reference?: string }} SendUpdate
 */

/** @typedef {{ authenticated: boolean, open_status: boolean, name: string, csrf: string | null }} SessionInfo */

/** The HTTP half of a box's API: the session, and commands one by one. Keeps the cookie itself where there is no browser to do it. */
export class HttpApi {
  /** @type {string | undefined} */
  #cookie;
  /** @type {string | null} */
  #csrf = null;

  /** The box's clock at its last answer, to the second: milliseconds since 1970. @type {number | undefined} */
  boxTime;

  /** @param {{ url: string, bearer?: string, fetch?: typeof globalThis.fetch }} options */
  constructor({ url, bearer, fetch = globalThis.fetch }) {
    this.url = new URL(url.endsWith('/') ? url : `${url}/`);
    this.bearer = bearer;
    this.fetch = fetch.bind(globalThis);
  }

  /** Header fields that prove who asks, for requests and for sockets that browsers do not open. */
  get credentials() {
    /** @type {Record<string, string>} */
    const headers = {};
    if (this.bearer) headers.Authorization = `Bearer ${this.bearer}`;
    if (this.#cookie) headers.Cookie = this.#cookie;
    return headers;
  }

  /** Whether we are logged in, and what may be read without. @returns {Promise<SessionInfo>} */
  async session() {
    const session = await this.#json('GET', 'api/session');
    this.#csrf = session.csrf ?? null;
    return session;
  }

  /** @param {string} code the box's login code */
  async login(code) {
    const { csrf } = await this.#json('POST', 'api/session', { code });
    this.#csrf = csrf ?? null;
  }

  async logout() {
    await this.#json('DELETE', 'api/session');
    this.#csrf = null;
    this.#cookie = undefined;
  }

  /**
   * @param {string} name `section.verb`
   * @param {object} [params]
   * @param {number} [timeout] milliseconds
   */
  async command(name, params = {}, timeout = REQUEST_TIMEOUT) {
    const reply = await this.#json('POST', `api/commands/${encodeURIComponent(name)}`, params, timeout);
    return reply.data ?? {};
  }

  /** The whole state document. @returns {Promise<import('./state.d.ts').State>} */
  state() {
    return this.#json('GET', 'api/state');
  }

  /** Where a song's cover is. @param {string} file */
  coverUrl(file) {
    return new URL(`api/cover?file=${encodeURIComponent(file)}`, this.url).href;
  }

  /**
   * Sends a signed update (`.swu`) and has it written to the other slot. Done when it is installed; meanwhile `update` of the state
   * tells how far it is.
   * @param {import('./upload.js').UploadSource} source
   * @param {SendUpdate} [options]
   * @returns {Promise<import('./state.d.ts').UpdateState>}
   */
  async sendUpdate(source, { restart, reference, ...options } = {}) {
    const url = new URL('api/update', this.url);
    if (restart) url.searchParams.set('restart', restart);
    if (reference !== undefined) url.searchParams.set('reference', reference);
    const headers = { ...this.#headers('POST'), 'Content-Type': 'application/octet-stream' };
    const answer = await send({ ...options, url, headers, source });
    const document = parse(answer.text);
    if (answer.status === 200 && document !== undefined) return document.data ?? {};
    throw failure(answer, document);
  }

  /** @param {string} method */
  #headers(method) {
    /** @type {Record<string, string>} */
    const headers = { Accept: 'application/json', ...this.credentials };
    if (this.#csrf && method !== 'GET') headers['X-Amora-CSRF'] = this.#csrf;
    return headers;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {number} [timeout]
   * @returns {Promise<any>}
   */
  async #json(method, path, body, timeout = REQUEST_TIMEOUT) {
    const headers = this.#headers(method);
    if (body) headers['Content-Type'] = 'application/json';
    let response;
    let text;
    try {
      response = await this.fetch(new URL(path, this.url), {
        method,
        headers,
        body: body && JSON.stringify(body),
        credentials: 'same-origin',
        cache: 'no-store',
        signal: AbortSignal.timeout(timeout),
      });
      text = await response.text();
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === 'TimeoutError') {
        throw new AmoraError('timed_out', `no answer from the box within ${timeout / 1000} s`, { cause });
      }
      throw new AmoraError('offline', 'the box cannot be reached', { cause });
    }
    this.#keepCookie(response);
    this.boxTime = Date.parse(response.headers.get('Date') ?? '') || undefined;
    const document = parse(text);
    if (response.ok && document !== undefined) return document;
    if (response.ok && response.status === 204) return {};
    const { status, statusText } = response;
    throw failure({ status, statusText, retryAfter: response.headers.get('Retry-After') }, document);
  }

  /** @param {Response} response */
  #keepCookie(response) {
    const cookie = response.headers.getSetCookie?.().find((line) => line.startsWith('amora_session='));
    if (cookie) this.#cookie = cookie.split(';')[0];
  }
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * @param {{ status: number, statusText: string, retryAfter: string | null }} response
 * @param {any} document
 */
function failure(response, document) {
  const seconds = Number(response.retryAfter);
  const retryAfter = Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
  const told = document?.error && AmoraError.from(document.error);
  const code = response.status === 401 ? 'login_required' : (told?.code ?? codeOf(response.status));
  const message = told?.message ?? `the box answered ${response.status} ${response.statusText}`.trim();
  return new AmoraError(code, message, { field: told?.field, retryAfter });
}

/** @param {number} status @returns {import('./errors.js').AmoraErrorCode} */
function codeOf(status) {
  switch (status) {
    case 403: return 'not_allowed';
    case 404: return 'not_found';
    case 409: return 'conflict';
    case 413: return 'too_large';
    case 429: return 'busy';
    case 503: return 'unavailable';
    case 504: return 'timed_out';
    default: return status < 500 && status >= 400 ? 'malformed' : 'failed';
  }
}
