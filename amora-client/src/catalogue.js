/**
 * Every command a box knows, as the published contract names it.
 * @type {Readonly<Record<'player' | 'audio' | 'system', readonly string[]>>}
 */
export const CATALOGUE = Object.freeze({
  player: [
    'play', 'pause', 'toggle', 'stop', 'next', 'previous', 'seek',
    'set_volume', 'get_volume', 'set_repeat', 'set_random', 'set_single', 'set_consume', 'set_crossfade', 'set_replay_gain',
    'get_status', 'get_queue', 'queue_add', 'queue_remove', 'queue_move', 'queue_clear', 'queue_shuffle', 'queue_save',
    'get_playlists', 'get_playlist', 'play_playlist', 'queue_playlist', 'create_playlist', 'rename_playlist', 'delete_playlist',
    'play_track', 'add_track', 'remove_track', 'reorder_track',
    'browse', 'search', 'list', 'find', 'update_library', 'get_cover',
    'get_outputs', 'set_output', 'set_favourite', 'get_favourites', 'set_sleep_timer',
  ],
  audio: ['set_volume', 'change_volume', 'set_mute', 'chime', 'test', 'set_exclusive', 'get_status'],
  system: ['get_state', 'get_status', 'get_config', 'reload'],
});

/** @param {string} name a command's verb, `snake_case` */
export function methodName(name) {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}
