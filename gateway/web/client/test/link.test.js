// The link with a world made by hand: its clock, its EventSources, its WebSockets, its answers.
import assert from "node:assert/strict";
import { test } from "node:test";
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

function begin(options = {}) {
  const world = new World();
  const heard = { tiles: [], lists: 0, events: [], status: [] };
  const sink = {
    tile: (t) => heard.tiles.push(t), patch: () => false, expired: () => {}, event: (e) => heard.events.push(e), lastEventId: () => "7",
    expectTiles() {}, takeTiles: () => heard.lists++, expectEvents() {}, takeEvents() {}, beat() {},
    setStatus: (status, transport) => heard.status.push(transport ? `${status} ${transport}` : status),
  };
  const link = new Link({ base: "", env: world.env, sink, ...options });
  link.start({ keys: ["a", "b*"], events: true });
  return { world, heard, link };
}

const connect = (world) => world.live().forEach((s) => { s.onopen(); s.say("heartbeat", {}); });

test("asks for what is wanted, resumes where it was, and refreshes after a reconnect", async () => {
  const { world, heard } = begin();
  assert.deepEqual(world.sources.map((s) => s.url), ["/api/tiles/stream?keys=a%2Cb*&form=patch", "/api/events/stream?event=message&lastEventId=7"]);
  connect(world);
  world.sources[0].say("tile", { key: "a" }, "1-5");
  await world.settle();
  assert.deepEqual([heard.status, heard.tiles.length, heard.lists], [["connected sse"], 1, 1]);
  world.sources[1].onerror();
  assert.equal(world.live().length, 0, "both are given up together");
  await world.pass(999);
  assert.equal(world.live().length, 0);
  await world.pass(1);
  assert.match(world.live()[0].url, /lastEventId=1-5/);
  connect(world);
  await world.settle();
  assert.deepEqual(heard.status, ["connected sse", "reconnecting", "connected sse"]);
  assert.equal(heard.lists, 2);
});

test("backs off 1, 2, 4, 8, 16, 30, 30 s, polls each 5 s meanwhile, and says what it knows", async () => {
  const { world, heard } = begin({ order: ["sse"] });
  connect(world);
  await world.settle();
  world.up = false;
  const times = [];
  for (let i = 0; i < 7; i++) {
    world.live()[0].onerror();
    const from = world.time;
    const known = world.sources.length;
    while (world.sources.length === known) await world.pass(100);
    times.push(Math.round((world.time - from) / 1000));
  }
  assert.deepEqual(times, [1, 2, 4, 8, 16, 30, 30]);
  assert.deepEqual(heard.status, ["connected sse", "reconnecting", "disconnected"]);
  const before = world.requests.filter((url) => url.startsWith("/api/tiles")).length;
  world.up = true;
  await world.pass(10000);
  assert.equal(world.requests.filter((url) => url.startsWith("/api/tiles")).length, before + 2);
  assert.equal(heard.status.at(-1), "polling");
});

test("a connection that opens and breaks before a word does not begin the backoff anew", async () => {
  const { world } = begin({ order: ["sse"] });
  const times = [];
  for (let i = 0; i < 4; i++) {
    world.live().forEach((s) => s.onopen());
    world.live()[0].onerror();
    const from = world.time;
    while (world.live().length === 0) await world.pass(100);
    times.push(Math.round((world.time - from) / 1000));
  }
  assert.deepEqual(times, [1, 2, 4, 8]);
});

test("an open connection that falls silent is given up", async () => {
  const { world, heard } = begin();
  connect(world);
  await world.pass(40000);
  assert.deepEqual(heard.status, ["connected sse"]);
  await world.pass(5000);
  assert.equal(heard.status[1], "reconnecting");
});

test("a stream that a proxy holds back gives way to a WebSocket, and is tried again beside it", async () => {
  const { world, heard } = begin();
  world.live().forEach((s) => s.onopen()); // headers come through, nothing else ever does
  await world.pass(25000);
  assert.equal(world.sockets.length, 1);
  const [socket] = world.sockets;
  socket.onopen();
  assert.deepEqual(socket.sent, [{ subscribe: ["a", "b*"], form: "patch" }]);
  socket.onmessage({ data: JSON.stringify({ event: "tile", key: "a", id: "1-9" }) });
  assert.deepEqual(heard.tiles, [{ key: "a" }]);
  assert.equal(heard.status.at(-1), "connected websocket");
  while (!world.live().length) {
    await world.pass(5000);
    socket.onmessage({ data: JSON.stringify({ event: "heartbeat" }) });
  }
  assert.match(world.live()[0].url, /lastEventId=1-9/);
  connect(world);
  assert.equal(heard.status.at(-1), "connected sse");
  assert.ok(socket.closed);
});

test("long-polling is used where the gateway knows it, and only there", async () => {
  for (const knows of [true, false]) {
    const { world, heard } = begin({ order: ["sse", "long-poll"] });
    const waiting = [];
    world.answer = (url) => {
      if (!/wait=20s/.test(url)) {
        return { headers: new Headers({ ETag: '"1"', ...(knows ? { "Preference-Applied": "wait=1" } : {}) }) };
      }
      return new Promise((done) => waiting.push(done));
    };
    for (let i = 0; i < 3; i++) {
      world.live()[0].onerror();
      const carried = () => heard.status.at(-1)?.includes("long-poll");
      while (world.live().length === 0 && !carried()) await world.pass(500);
      if (carried()) break;
    }
    assert.equal(heard.status.at(-1), knows ? "connected long-poll" : "polling");
    assert.ok(world.requests.filter((url) => url.includes("wait=")).length <= 8, "no storm of requests");
  }
});

test("a base that is not held is fetched, once", async () => {
  const { world, heard } = begin();
  connect(world);
  world.sources[0].say("patch", { key: "a/b", base: "1-1", version: "1-2", patch: {} });
  world.sources[0].say("patch", { key: "a/b", base: "1-2", version: "1-3", patch: {} });
  await world.settle();
  assert.equal(world.requests.filter((url) => url === "/api/tiles/a%2Fb").length, 1);
  assert.equal(heard.tiles.length, 1);
});

test("a lagging gateway is told", async () => {
  const { world, heard } = begin();
  connect(world);
  world.sources[0].say("heartbeat", { lag_ms: 60000 });
  world.sources[0].say("heartbeat", { lag_ms: 10 });
  assert.deepEqual(heard.status, ["connected sse", "stale sse", "connected sse"]);
});

test("after reset the stream is begun anew from everything", async () => {
  const { world, heard } = begin();
  connect(world);
  world.sources[0].say("tile", { key: "a" }, "1-5");
  await world.settle();
  world.sources[0].say("reset", {});
  await world.settle();
  assert.equal(heard.lists, 2);
  world.sources[0].onerror();
  await world.pass(1000);
  assert.doesNotMatch(world.live()[0].url, /tiles.*lastEventId/);
});
