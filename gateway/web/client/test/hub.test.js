// SPDX-License-Identifier: Apache-2.0
// A whole connection: connect() with a world of the test's making beneath it.
import assert from "node:assert/strict";
import { test } from "node:test";
import v8 from "node:v8";
import vm from "node:vm";
import { connect } from "../index.js";
import { unite } from "../hub.js";

v8.setFlagsFromString("--expose-gc");
const gc = vm.runInNewContext("gc");

const tile = (n, keys) => ({ key: `t${n % keys}`, type: "count", version: `1-${n.toString(36)}`, updated_at: String(n), as_of: {}, stale: false, data: { value: n } });
const event = (n) => ({ id: n, timestamp: String(n), event_type: "order.created", summary: `order ${n} from somewhere` });

// Streams that the test writes, and a list of tiles.
function fakeBrowser(t, listed = []) {
  const sources = [];
  class EventSource {
    constructor(url) {
      this.url = url;
      this.on = {};
      sources.push(this);
      queueMicrotask(() => this.onopen?.());
    }
    addEventListener(type, f) { this.on[type] = f; }
    close() { this.closed = true; }
    say(type, data, lastEventId = "") { this.on[type]({ type, data: JSON.stringify(data), lastEventId }); }
  }
  const before = { EventSource: globalThis.EventSource, fetch: globalThis.fetch, document: globalThis.document };
  const document = new EventTarget();
  Object.assign(globalThis, { EventSource, document, fetch: async () => ({ ok: true, headers: new Headers(), json: async () => ({ tiles: listed, events: [] }) }) });
  t.after(() => Object.assign(globalThis, before));
  const open = (options) => {
    const connection = connect({ share: false, ...options });
    t.after(() => connection.close());
    return connection;
  };
  return { open, sources, document, live: () => sources.filter((s) => !s.closed) };
}

const settle = () => new Promise((done) => setImmediate(done));

test("memory stays flat over a million updates", async (t) => {
  const { open, live } = fakeBrowser(t);
  let tiles = 0, events = 0;
  const connection = open({ url: "http://memory", onTile: () => tiles++, onEvent: () => events++ });
  await settle();
  const [tileStream, eventStream] = live();
  const updates = (from, to) => {
    for (let n = from; n < to; n++) {
      const id = `1-${n.toString(36)}`;
      if (n % 4 === 0) eventStream.say("message", event(n));
      else if (n % 4 === 1 && n > 400) tileStream.say("patch", { key: `t${n % 32}`, base: connection.get(`t${n % 32}`).version, version: id, as_of: {}, patch: { data: { value: n } } }, id);
      else tileStream.say("tile", tile(n, 32), id);
    }
  };
  const heap = () => { gc(); return process.memoryUsage().heapUsed; };
  updates(1, 100_000);
  await settle();
  const before = heap();
  updates(100_000, 1_100_000);
  await settle();
  const grown = heap() - before;
  assert.equal(tiles + events, 1_100_000 - 1);
  assert.ok(grown < 1_000_000, `${grown} bytes more after a million updates`);
  assert.equal(connection.list().length, 24);
  connection.close();
});

test("a page that is looked at again, or is online again, tries at once", async (t) => {
  const { open, document, live } = fakeBrowser(t);
  const statuses = [];
  const connection = open({ url: "http://tries", onStatus: (s) => statuses.push(s) });
  await settle();
  live()[0].say("heartbeat", { now: "" });
  assert.deepEqual(statuses, ["connected"]);
  live()[0].onerror();
  assert.equal(live().length, 0);
  document.hidden = true;
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(live().length, 0, "hidden pages are in no hurry");
  document.hidden = false;
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(live().length, 1);
  await settle();
  live()[0].say("heartbeat", { now: "" });
  assert.deepEqual(statuses, ["connected", "reconnecting", "connected"]);
  connection.close();
  assert.equal(live().length, 0);
});

test("who connects later hears what is known, and each hears only what it selected", async (t) => {
  const { open, live, sources } = fakeBrowser(t, [tile(1, 32), tile(2, 32)]);
  const all = open({ url: "http://later", keys: ["t*"] });
  await settle();
  live()[0].say("heartbeat", { now: "" });
  const heard = [];
  const one = open({ url: "http://later/", keys: ["t2"], onTile: ({ key }) => heard.push(key), onStatus: (s) => heard.push(s) });
  await settle();
  assert.deepEqual(heard.slice(0, 2), ["connected", "t2"]);
  assert.equal(one.get("t1"), undefined);
  assert.deepEqual(all.list().map(({ key }) => key), ["t1", "t2"]);
  assert.equal(live().length, 1, `one connection: ${sources.map((s) => s.url)}`);
  one.close();
  all.close();
});

test("a selection that is larger than a gateway takes is a selection of all", () => {
  const want = (n, length = 1) => ({ keys: Array.from({ length: n }, (_, i) => `${"k".repeat(length)}${i}`), events: false });
  assert.equal(unite([want(256)]).keys.length, 256);
  assert.deepEqual(unite([want(200), { keys: Array.from({ length: 57 }, (_, i) => `x${i}`), events: true }]), { keys: null, events: true });
  assert.equal(unite([want(100, 60)]).keys, null);
});
