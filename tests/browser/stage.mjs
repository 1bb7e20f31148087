// SPDX-License-Identifier: Apache-2.0
// A gateway made by hand: it serves the dashboard's files, and whatever tiles, events and heartbeats a test wants, also such as
// no real gateway would. What real programs do is tested with those (harness.mjs).
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const web = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "gateway", "web");
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'";

const assets = new Map(readFileSync(join(web, "assets.txt"), "utf8").split("\n").filter((line) => line.startsWith("/"))
  .map((line) => line.split(" ")).map(([path, file, type]) => [path, { file, type: type.replace("|", ";") }]));

export class Stage {
  static async create() {
    const stage = new Stage();
    stage.tiles = new Map();
    stage.streams = new Set(); // those of tiles and of events
    stage.requests = [];
    stage.skewMs = 0; // the gateway's clock minus that of this machine
    stage.lagMs = 0;
    stage.silent = false; // true: nothing is answered any more
    stage.lastVersion = 0;
    stage.server = createServer((request, answer) => stage.answer(request, answer));
    await new Promise((listening) => stage.server.listen(0, "127.0.0.1", listening));
    stage.port = stage.server.address().port;
    stage.url = `http://127.0.0.1:${stage.port}`;
    return stage;
  }

  now() {
    return Date.now() + this.skewMs;
  }

  time(ms = 0) {
    return new Date(this.now() + ms).toISOString();
  }

  // Sets a tile, and tells all streams. `more` are members of the tile besides its data.
  put(key, type, data, more = {}) {
    const at = this.time(-this.lagMs);
    const tile = { key, type, title: key, version: `1-${(++this.lastVersion).toString(36)}`, as_of: { position: "1", time: at }, updated_at: at, ttl_ms: 60000, stale: false, ...more, data };
    this.tiles.set(key, tile);
    this.say("/api/tiles/stream", "tile", tile, tile.version);
    return tile;
  }

  remove(key) {
    this.tiles.delete(key);
    this.say("/api/tiles/stream", "expired", { key });
  }

  // Sends a heartbeat. Returns the time for which the data is, by it.
  beat() {
    const now = this.now();
    const asOf = now - this.lagMs;
    this.say("/api/", "heartbeat", { now: new Date(now).toISOString(), as_of: new Date(asOf).toISOString(), lag_ms: this.lagMs, page: this.edition });
    return asOf;
  }

  say(path, type, data, id) {
    if (this.silent) return;
    for (const stream of this.streams) {
      if (stream.path.startsWith(path)) stream.answer.write(`${id ? `id: ${id}\n` : ""}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
    }
  }

  // Says nothing more to anybody: the streams end, or stay open and silent.
  fallSilent({ open = false } = {}) {
    this.silent = true;
    if (!open) for (const { answer } of this.streams) answer.destroy();
  }

  json(answer, body, status = 200) {
    answer.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-cache", Date: new Date(this.now()).toUTCString(), "Access-Control-Allow-Origin": "*" });
    answer.end(JSON.stringify(body));
  }

  answer(request, answer) {
    const { pathname: path, searchParams } = new URL(request.url, this.url);
    this.requests.push(request.url);
    const asset = assets.get(path);
    if (asset) {
      answer.writeHead(200, { "Content-Type": asset.type, "Content-Security-Policy": POLICY, "Access-Control-Allow-Origin": "*" });
      answer.end(this.assets?.[path] ?? readFileSync(join(web, asset.file)));
    } else if (this.silent) {
      this.kept ??= [];
      this.kept.push(answer);
    } else if (this.refuse?.(path, answer)) {
      // The test has answered.
    } else if (path.endsWith("/stream")) {
      this.open(path, answer);
    } else if (path === "/api/tiles") {
      const keys = searchParams.get("keys")?.split(",");
      const wanted = (key) => !keys || keys.some((pattern) => (pattern.endsWith("*") ? key.startsWith(pattern.slice(0, -1)) : key === pattern));
      this.json(answer, { cursor: "1-0", tiles: [...this.tiles.values()].filter((tile) => wanted(tile.key)) });
    } else if (path === "/api/views") {
      this.json(answer, this.views ?? { views: [] });
    } else if (path === "/api/events") {
      const types = (searchParams.get("types") ?? "").replace("*", "");
      this.json(answer, { events: (this.events ?? []).filter((event) => event.event_type.startsWith(types)) });
    } else {
      this.json(answer, { status: 404 }, 404);
    }
  }

  open(path, answer) {
    answer.writeHead(200, { "Content-Type": "text/event-stream", "Access-Control-Allow-Origin": "*" });
    const stream = { path, answer };
    this.streams.add(stream);
    answer.on("close", () => this.streams.delete(stream));
    answer.write("retry: 1000\n\n");
    if (path === "/api/tiles/stream") for (const tile of this.tiles.values()) answer.write(`id: ${tile.version}\nevent: tile\ndata: ${JSON.stringify(tile)}\n\n`);
  }

  async close() {
    const closed = new Promise((done) => this.server.close(done));
    this.server.closeAllConnections();
    await closed;
  }
}
