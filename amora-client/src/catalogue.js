/** Generated from docs/contract by scripts/generate.mjs. */

/**
 * Every command a box knows, as the published contract names it.
 * @type {Readonly<Record<'audio' | 'box' | 'player' | 'system' | 'update' | 'voice', readonly string[]>>}
 */
export const CATALOGUE = Object.freeze({
  audio: [
    'change_volume', 'chime', 'get_status', 'set_exclusive', 'set_mute', 'set_volume', 'test',
  ],
  box: [
    'factory_reset', 'power_off', 'restart',
  ],
  player: [
    'add_track', 'browse', 'create_playlist', 'delete_playlist', 'find', 'get_cover', 'get_favourites', 'get_outputs',
    'get_playlist', 'get_playlists', 'get_queue', 'get_status', 'get_volume', 'list', 'next', 'pause', 'play', 'play_playlist',
    'play_track', 'previous', 'queue_add', 'queue_clear', 'queue_find', 'queue_move', 'queue_playlist', 'queue_remove',
    'queue_save', 'queue_shuffle', 'remove_track', 'rename_playlist', 'reorder_track', 'search', 'seek', 'set_consume',
    'set_crossfade', 'set_favourite', 'set_output', 'set_random', 'set_repeat', 'set_replay_gain', 'set_single', 'set_sleep_timer',
    'set_volume', 'stop', 'toggle', 'update_library',
  ],
  system: [
    'configure', 'diagnose', 'get_config', 'get_state', 'get_status', 'reload',
  ],
  update: [
    'cancel', 'confirm', 'get_status', 'install', 'restart', 'roll_back',
  ],
  voice: [
    'connect', 'disconnect', 'get_status', 'mute',
  ],
});

/** @param {string} name a command's verb, `snake_case` */
export function methodName(name) {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}
