// SPDX-License-Identifier: Apache-2.0
// What a card knows of the world around its tile, from a client's connection: what time it is for the gateway, for which time
// its data is, and whether it says anything.

const SILENT_MS = 10000;

export class World {
  // connection: what connect() returns; null: a tile that nothing is known about but itself.
  constructor(connection = null) {
    this.connection = connection;
    this.marks = null; // the marks on lines (marks.js), where there are any
  }

  // The time by the gateway's clock.
  now() {
    return this.connection?.now() ?? Date.now();
  }

  // The time for which a tile is true: it was told with the tile, or with all tiles since.
  asOf(tile) {
    return Math.max(Date.parse(tile.as_of?.time) || 0, this.connection?.asOf ?? 0) || this.now();
  }

  get silentMs() {
    return this.connection?.silentMs ?? 0;
  }

  // True when nothing has been heard for so long that what is shown is of the past.
  get silent() {
    return this.silentMs > SILENT_MS;
  }

  // True when nothing has refreshed a tile for its time to live: the gateway says so, or it says nothing at all.
  stale(tile) {
    return tile.stale || Math.min(this.silentMs, this.now() - Date.parse(tile.updated_at)) > tile.ttl_ms;
  }

  // True while a tile's value is that of now.
  fresh(tile) {
    return !this.silent && !this.stale(tile) && this.connection?.status !== "stale";
  }
}
