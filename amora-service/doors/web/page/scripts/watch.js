/** @typedef {import('/client/client.js').AmoraClient} AmoraClient */
/** @typedef {import('/client/state.d.ts').State} State */

/**
 * Calls `render` with what `select` takes from the state, now and whenever that part changes, until `signal` ends it.
 * @template Value
 * @param {AmoraClient} client
 * @param {(state: State) => Value} select
 * @param {(value: Value) => void} render
 * @param {AbortSignal} signal
 */
export function watch(client, select, render, signal) {
  /** @type {string | undefined} */
  let shown;
  /** @param {State} state */
  const look = (state) => {
    const value = select(state);
    const key = JSON.stringify(value) ?? 'nothing';
    if (key === shown) return;
    shown = key;
    render(value);
  };
  const end = client.on('state', look);
  signal.addEventListener('abort', end);
  if (client.state) look(client.state);
}

/**
 * @param {AmoraClient} client
 * @param {(connection: import('/client/client.js').Connection) => void} render
 * @param {AbortSignal} signal
 */
export function watchConnection(client, render, signal) {
  signal.addEventListener('abort', client.on('connection', render));
  render(client.connection);
}
