/** Songs asked for at once. */
const PAGE = 500;

/** Songs of one album or artist that are looked at: no record is longer. */
const MOST = 5000;

/**
 * Every song that matches.
 * @param {import('/client/client.js').AmoraClient} client
 * @param {import('/client/commands.d.ts').TagFilter[]} filters
 */
export async function findAll(client, filters) {
  /** @type {import('/client/state.d.ts').Song[]} */
  const songs = [];
  let more = true;
  while (more && songs.length < MOST) {
    const reply = await client.player.find({ filters, start: songs.length, limit: PAGE });
    songs.push(...reply.songs);
    more = reply.more && reply.songs.length > 0;
  }
  return songs;
}
