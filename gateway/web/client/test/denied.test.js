// SPDX-License-Identifier: Apache-2.0
// The link when the gateway asks who it is: a token that ends, a gateway that lets nobody in, or only to a part.
import assert from "node:assert/strict";
import { test } from "node:test";
import { begin, connect } from "./world.js";

const problem = (status, more = {}) => ({ ok: false, status, json: async () => ({ status, ...more }) });

test("a token that expires is renewed, and the streams go on by their cursors", async () => {
  const { world, heard } = begin();
  connect(world);
  world.sources[0].say("tile", { key: "a" }, "1-5");
  await world.settle();
  const before = world.sources.length;
  world.sources[0].say("expired-token", {});
  world.sources[1].onerror?.(); // the other stream ends as well, and nobody listens any more
  await world.settle();
  assert.equal(world.live().length, 2, "at once, without a pause");
  assert.match(world.sources[before].url, /lastEventId=1-5/);
  assert.match(world.sources[before + 1].url, /lastEventId=7/);
  connect(world);
  await world.settle();
  assert.deepEqual(heard.status, ["connected sse"], "nobody notices");
});

test("who is signed out is told at once, and where to sign in", async () => {
  const { world, heard, link } = begin();
  connect(world);
  await world.settle();
  world.answer = () => problem(401, { sign_in_url: "/oauth2/start" });
  world.sources[0].say("expired-token", {});
  await world.settle();
  assert.deepEqual([heard.status, link.signInUrl], [["connected sse", "signed-out"], "/oauth2/start"]);
  for (let i = 0; i < 3; i++) {
    world.live()[0]?.onerror();
    await world.pass(31000);
  }
  assert.deepEqual(heard.status, ["connected sse", "signed-out"], "and nothing else, however often it is tried");
  world.answer = undefined;
  do await world.pass(1000); while (!world.live().length);
  connect(world);
  await world.settle();
  assert.deepEqual(heard.status.slice(2), ["polling", "connected sse"]);
});

test("a page that opens signed out says so, and does not try other transports", async () => {
  const { world, heard } = begin({ answer: () => problem(401) });
  await world.settle();
  assert.deepEqual(heard.status, ["signed-out"]);
  for (let i = 0; i < 6; i++) {
    world.live()[0]?.onerror();
    await world.pass(31000);
  }
  assert.deepEqual([heard.status, world.sockets.length], [["signed-out"], 0]);
});

test("who may see no tiles is told that", async () => {
  const { world, heard } = begin({ answer: (url) => (url.startsWith("/api/tiles") ? problem(403, { sign_in_url: "https://login" }) : {}) });
  await world.settle();
  assert.deepEqual(heard.status, ["forbidden"]);
});

test("who may see tiles, but no events, gets the tiles", async () => {
  const { world, heard } = begin({ lastEventId: "", answer: (url) => (url.startsWith("/api/events") ? problem(403) : {}) });
  world.sources[0].onopen();
  world.sources[0].say("tile", { key: "a" }, "1-1");
  await world.settle();
  assert.equal(world.sources.length, 1, "no stream of events");
  assert.deepEqual([heard.status, heard.tiles.length], [["connected sse"], 1]);
});

test("events that are forbidden later cost one attempt", async () => {
  const { world, heard } = begin();
  connect(world);
  await world.settle();
  world.answer = (url) => (url.startsWith("/api/events") ? problem(403) : {});
  world.sources[1].onerror();
  await world.pass(1000);
  world.live()[1].onerror();
  await world.pass(2000);
  world.live().at(-1).onopen();
  world.live().at(-1).say("heartbeat", {});
  await world.settle();
  assert.equal(heard.status.at(-1), "connected sse");
});

test("with a token there are no WebSockets, to which a page cannot give one", async () => {
  const { link } = begin({ token: () => "t" });
  assert.deepEqual(link.order, ["sse", "long-poll"]);
  link.stop();
});
