// SPDX-License-Identifier: Apache-2.0
// The link in a world made by hand (world.js).
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin, connect } from "./world.js";

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

// A link whose streams are held back, carried by WebSockets.
async function onSockets() {
  const { world, heard, link } = begin();
  world.live().forEach((s) => s.onopen()); // headers come through, nothing else ever does
  await world.pass(25000);
  world.sockets.forEach((s) => s.onopen());
  world.sockets[0].say({ event: "tile", key: "a", id: "1-9" });
  return { world, heard, link };
}

test("a stream that a proxy holds back gives way to WebSockets, and is tried again beside them", async () => {
  const { world, heard } = await onSockets();
  assert.deepEqual(world.sockets.map((s) => s.sent), [
    [{ subscribe: ["a", "b*"], form: "patch" }], [{ subscribe: ["*"], stream: "events", cursor: "7" }]]);
  assert.deepEqual(heard.tiles, [{ key: "a" }]);
  world.sockets[1].say({ event: "order.created", event_type: "order.created", id: 8 });
  world.sockets[1].say({ event: "heartbeat", event_type: "heartbeat", id: 9 }); // an event may be called anything
  assert.deepEqual(heard.events.map((e) => e.id), [8, 9]);
  assert.equal(heard.status.at(-1), "connected websocket");
  while (!world.live().length) {
    await world.pass(5000);
    world.sockets[0].say({ event: "heartbeat" });
  }
  assert.match(world.live()[0].url, /lastEventId=1-9/);
  world.live().forEach((s) => s.onopen());
  await world.settle();
  assert.equal(heard.status.at(-1), "connected websocket", "opening proves nothing");
  const open = world.live();
  await world.pass(15000);
  world.sockets[0].say({ event: "heartbeat" });
  await world.pass(6000);
  assert.ok(open.every((s) => s.closed), "it was given its time");
  assert.equal(heard.status.at(-1), "connected websocket");
  while (!world.live().length) {
    await world.pass(5000);
    world.sockets[0].say({ event: "heartbeat" });
  }
  connect(world);
  assert.equal(heard.status.at(-1), "connected sse");
  assert.ok(world.sockets.every((s) => s.closed));
});

test("from long-polling it climbs to WebSockets where streams are still held back", async () => {
  const { world, heard } = begin();
  world.answer = async (url) => {
    if (/wait=20s/.test(url)) return new Promise(() => {});
    return { headers: new Headers({ ETag: '"1"', "Preference-Applied": "wait=1" }), json: async () => ({ tiles: [], events: [{ id: 7 }] }) };
  };
  world.live().forEach((s) => s.onopen());
  await world.pass(25000);
  world.sockets[0].onclose(); // not through this proxy
  await world.settle();
  assert.equal(heard.status.at(-1), "connected long-poll");
  const refused = world.sockets.length;
  for (let i = 0; i < 40 && world.sockets.length === refused; i++) {
    await world.pass(2500);
    world.live()[0]?.onerror();
  }
  world.sockets.slice(refused).forEach((s) => { s.onopen(); s.say({ event: "heartbeat" }); });
  await world.settle();
  assert.equal(heard.status.at(-1), "connected websocket");
});

test("what is no message of a gateway ends the connection, without an error", async () => {
  const { world, heard } = await onSockets();
  world.sockets[0].onmessage({ data: "<html>Log in to the network" });
  assert.equal(heard.status.at(-1), "reconnecting");
});

test("long-polling follows events by the last one, and begins anew where that is not kept", async () => {
  const { world, heard, link } = begin({ order: ["sse", "long-poll"] });
  const asked = [];
  const answers = [{ events: [{ id: 8 }, { id: 9 }] }, null];
  world.answer = (url) => {
    const headers = new Headers({ ETag: '"1"', "Preference-Applied": "wait=1" });
    if (!url.includes("after=")) return url.includes("wait=20s") ? new Promise(() => {}) : { headers };
    asked.push(url);
    if (answers.length === 0) return new Promise(() => {});
    const body = answers.shift();
    return body ? { headers, json: async () => body } : { ok: false, status: 404 };
  };
  link.failures = 5;
  link.answers = true;
  world.live()[0].onerror();
  await world.settle();
  assert.match(asked[0], /^\/api\/events\?after=7&limit=1000&wait=1s$/);
  assert.deepEqual(heard.events.map((e) => e.id), [8, 9]);
  assert.equal(asked.length, 2);
  const listed = world.requests.filter((url) => url === "/api/events?limit=100").length;
  await world.pass(999);
  assert.equal(asked.length, 2, "not in a circle");
  await world.pass(1);
  assert.equal(world.requests.filter((url) => url === "/api/events?limit=100").length, listed + 1);
  assert.equal(asked.length, 3);
});

test("an id that a number cannot hold is asked behind as it was told", async () => {
  for (const [transport, lastEventId] of [["long-poll", "9007199254740993"], ["sse", "9223372036854775807"], ["websocket", "9007199254740993"]]) {
    const { world } = begin({ order: [transport], lastEventId });
    await world.settle();
    world.sockets.forEach((s) => s.onopen());
    const asked = [...world.requests, ...world.sources.map((s) => s.url), ...world.sockets.flatMap((s) => s.sent.map((m) => `cursor=${m.cursor}`))];
    assert.ok(asked.some((text) => text.includes(`=${lastEventId}`)), `${transport}: ${asked}`);
  }
});

test("back online, or looked at again: a waiting attempt is made at once, and a dead connection found at once", async () => {
  const { world, heard, link } = begin();
  connect(world);
  world.live()[0].onerror();
  link.tryNow();
  assert.equal(world.live().length, 2, "without waiting for the second to pass");
  connect(world);
  world.time += 3600e3; // the computer slept: no timer ran
  link.tryNow();
  assert.equal(heard.status.at(-1), "reconnecting");
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

test("events are streamed from where their list ends, and only then it is connected", async () => {
  let list;
  const answer = (url) => (url.startsWith("/api/events") ? new Promise((done) => { list = done; }) : {});
  const { world, heard } = begin({ answer, lastEventId: "" });
  world.live()[0].onopen();
  world.live()[0].say("heartbeat", {});
  await world.settle();
  assert.deepEqual(world.live().map((s) => s.url), ["/api/tiles/stream?keys=a%2Cb*&form=patch"], "not before the list");
  assert.deepEqual(heard.status, []);
  list({});
  await world.settle();
  assert.equal(world.live()[1].url, "/api/events/stream?event=message&lastEventId=0");
  assert.deepEqual(heard.status, []);
  world.live()[1].onopen();
  await world.pass(99);
  assert.deepEqual(heard.status, [], "it may yet be refused");
  await world.pass(1);
  assert.deepEqual(heard.status, ["connected sse"]);
});

test("a stream that is refused by a stream was never connected", async () => {
  const { world, heard } = begin();
  for (const backoff of [1000, 2000, 4000]) {
    world.live()[0].onopen();
    world.live()[0].say("refused", { status: 429 });
    await world.pass(backoff);
  }
  assert.deepEqual(heard.status, ["reconnecting", "polling"]);
});

test("one that is tried beside another takes over when both its ways are open", async () => {
  const { world, heard } = begin();
  world.live().forEach((s) => s.onopen());
  await world.pass(25000);
  world.sockets[0].onopen();
  world.sockets[0].say({ event: "tile", key: "a", id: "1-9" });
  assert.notEqual(heard.status.at(-1), "connected websocket", "events could not come yet");
  world.sockets[1].onopen();
  assert.equal(heard.status.at(-1), "connected websocket");
  assert.deepEqual(heard.tiles, [{ key: "a" }]);
});

test("after reset a list is fetched that was made after it", async () => {
  const { world, heard } = begin();
  connect(world);
  await world.settle();
  let list;
  world.answer = (url) => (list || !url.startsWith("/api/tiles") ? {} : new Promise((done) => { list = done; }));
  world.sources[1].say("reset", {});
  await world.settle();
  world.sources[1].say("reset", {});
  await world.settle();
  const asked = () => world.requests.filter((url) => url.startsWith("/api/events")).length;
  const before = asked();
  list({});
  await world.settle();
  assert.equal(asked(), before + 1);
  assert.equal(heard.lists, 3);
});

test("an answer after an outage brings an attempt at once, and the wait goes on growing while there is none", async () => {
  const { world, heard } = begin({ order: ["sse"] });
  connect(world);
  await world.settle();
  world.up = false;
  for (let i = 0; i < 5; i++) {
    while (world.live().length === 0) await world.pass(100);
    world.live()[0].onerror();
  }
  assert.equal(heard.status.at(-1), "disconnected");
  const from = world.time;
  world.up = true;
  while (world.live().length === 0) await world.pass(100);
  assert.ok(world.time - from <= 5100, `${world.time - from} ms: the next poll, and not the backoff of 16 s`);
  world.live()[0].onerror();
  const again = world.time;
  while (world.live().length === 0) await world.pass(100);
  assert.ok(world.time - again > 16000, "a gateway that answers, but does not stream, is not asked all the time");
});
