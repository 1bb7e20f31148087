// SPDX-License-Identifier: Apache-2.0
// A world made by hand for a link: its clock, its EventSources, its WebSockets, its answers.
import { Link } from "../link.js";

class World {
  constructor() {
    this.time = 0;
    this.timers = new Map();
    this.sources = [];
    this.sockets = [];
    this.requests = [];
    this.up = true;
    const world = this;
    const later = (f, ms, every) => {
      const id = this.timers.size + this.time + Math.random();
      this.timers.set(id, { f, at: this.time + ms, every });
      return id;
    };
    this.env = {
      now: () => this.time,
      random: () => 1,
      setTimeout: (f, ms) => later(f, ms),
      setInterval: (f, ms) => later(f, ms, ms),
      clearTimeout: (id) => this.timers.delete(id),
      clearInterval: (id) => this.timers.delete(id),
      fetch: async (url, options) => {
        this.requests.push(url);
        const answer = this.answer?.(url, options) ?? {};
        if (!this.up) throw new TypeError("no answer");
        return { ok: true, status: 200, headers: new Headers(), json: async () => ({ tiles: [], events: [] }), ...(await answer) };
      },
      EventSource: class {
        constructor(url) {
          Object.assign(this, { url, types: {}, closed: false });
          world.sources.push(this);
        }
        addEventListener(type, f) { this.types[type] = f; }
        close() { this.closed = true; }
        say(type, data, id = "") { this.types[type]({ type, data: JSON.stringify(data), lastEventId: id }); }
      },
      WebSocket: class {
        constructor(url) {
          Object.assign(this, { url, sent: [], closed: false });
          world.sockets.push(this);
        }
        send(text) { this.sent.push(JSON.parse(text)); }
        close() { this.closed = true; }
        say(data) { this.onmessage({ data: JSON.stringify(data) }); }
      },
    };
  }

  async settle() {
    for (let i = 0; i < 20; i++) await null;
  }

  async pass(ms) {
    const end = this.time + ms;
    for (;;) {
      await this.settle();
      const [id, next] = [...this.timers].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at)[0] ?? [];
      if (!next) break;
      this.time = next.at;
      if (next.every) next.at += next.every;
      else this.timers.delete(id);
      next.f();
    }
    this.time = end;
    await this.settle();
  }

  live() {
    return this.sources.filter((s) => !s.closed);
  }
}

// lastEventId: "" when the first list has yet to come.
export function begin({ answer, lastEventId = "7", ...options } = {}) {
  const world = Object.assign(new World(), { answer });
  const heard = { tiles: [], lists: 0, events: [], status: [], errors: [] };
  const sink = {
    tile: (t) => heard.tiles.push(t), patch: () => false, expired: () => {}, event: (e) => heard.events.push(e), lastEventId: () => lastEventId,
    expectTiles() {}, takeTiles: () => heard.lists++, expectEvents() {}, takeEvents: () => { lastEventId ||= "0"; }, heartbeat() {},
    heard() {}, dated() {}, failed: (e) => heard.errors.push(e), setStatus: (status, transport) => heard.status.push(transport ? `${status} ${transport}` : status),
  };
  const link = new Link({ base: "", env: world.env, sink, ...options });
  link.start({ keys: ["a", "b*"], events: true });
  return { world, heard, link };
}

export const connect = (world) => world.live().forEach((s) => { s.onopen(); s.say("heartbeat", {}); });
