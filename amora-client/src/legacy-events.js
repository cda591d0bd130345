/** @typedef {import('./state.d.ts').State} State */
/** @typedef {import('./state.d.ts').PlayerState} PlayerState */

/**
 * The events of the original SDK that one change of state amounts to, in its order.
 * @param {State | undefined} before
 * @param {State} after
 * @returns {Array<['stateChange' | 'positionChange' | 'volumeChange' | 'playlistChange', any]>}
 */
export function legacyEvents(before, after) {
  /** @type {Array<['stateChange' | 'positionChange' | 'volumeChange' | 'playlistChange', any]>} */
  const events = [];
  const [was, is] = [before?.player, after.player];
  if (is && differs(was, is, ['state', 'song', 'repeat', 'random', 'single', 'consume', 'error'])) events.push(['stateChange', is]);
  if (is && differs(was, is, ['position', 'position_at'])) events.push(['positionChange', is.position]);
  if (after.audio && before?.audio?.volume !== after.audio.volume) events.push(['volumeChange', after.audio.volume]);
  if (is && differs(was, is, ['playlist', 'queue_version', 'playlists_version'])) {
    events.push(['playlistChange', { playlist: is.playlist, queueVersion: is.queue_version, playlistsVersion: is.playlists_version }]);
  }
  return events;
}

/**
 * @param {PlayerState | null | undefined} was
 * @param {PlayerState} is
 * @param {(keyof PlayerState)[]} keys
 */
function differs(was, is, keys) {
  return !was || keys.some((key) => JSON.stringify(was[key]) !== JSON.stringify(is[key]));
}
