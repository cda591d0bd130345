/**
 * The part of a WebSocket that this package uses.
 * @typedef {{ send(message: string | ArrayBufferView<ArrayBuffer>): void, close(code?: number): void, binaryType: string, readonly bufferedAmount: number, readonly readyState: number,
 *   addEventListener(type: string, listener: (event: any) => void): void }} Socket
 */

/**
 * Opens a WebSocket: the browser's own, or ours in Node, which can carry the session's cookie.
 * @param {string} url
 * @param {Record<string, string>} credentials
 * @returns {Promise<Socket>}
 */
export async function openSocket(url, credentials) {
  if (typeof process === 'object' && process.versions?.node && typeof document === 'undefined') {
    const { NodeSocket } = await import('./node-socket.js');
    return new NodeSocket(url, { headers: credentials });
  }
  return new WebSocket(url);
}

/**
 * A page's address turned into that of a socket beside it.
 * @param {URL} base
 * @param {string} path
 */
export function socketUrl(base, path) {
  const url = new URL(path, base);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
