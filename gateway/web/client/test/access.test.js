// SPDX-License-Identifier: Apache-2.0
// Tokens: how requests and streams carry them, and what happens when they expire.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Access } from "../access.js";
import { EventParser, FetchSource } from "../fetch-source.js";

// A gateway that knows one token, and a page that gives them by number.
function world(good) {
  const w = { given: 0, seen: [], good };
  w.env = {
    fetch: async (url, options = {}) => {
      w.seen.push(options.headers?.Authorization ?? null);
      const ok = options.headers?.Authorization === `Bearer ${w.good}`;
      return { ok, status: ok ? 200 : 401, body: w.body };
    },
    EventSource: class {
      constructor(...a) { this.arguments = a; }
    },
  };
  w.access = new Access({ env: w.env, token: async () => `t${++w.given}` });
  return w;
}

test("a token is asked for once, and sent with each request", async () => {
  const w = world("t1");
  const answers = await Promise.all([w.access.fetch("/a"), w.access.fetch("/b", { headers: { Accept: "x" } })]);
  assert.deepEqual(answers.map((a) => a.status), [200, 200]);
  assert.deepEqual(w.seen, ["Bearer t1", "Bearer t1"]);
  assert.equal(w.given, 1);
});

test("a token that is refused is replaced, once for all who were refused with it", async () => {
  const w = world("t2");
  const answers = await Promise.all([w.access.fetch("/a"), w.access.fetch("/b")]);
  assert.deepEqual(answers.map((a) => a.status), [200, 200]);
  assert.equal(w.given, 2);
  w.good = "never";
  assert.equal((await w.access.fetch("/c")).status, 401, "a new one that is refused as well is the answer");
  assert.equal(w.given, 3);
});

test("a token that has expired is not sent again", async () => {
  const w = world("t1");
  await w.access.fetch("/a");
  w.access.forget();
  w.good = "t2";
  assert.equal((await w.access.fetch("/a")).status, 200);
  assert.deepEqual(w.seen, ["Bearer t1", "Bearer t2"]);
});

test("a page that has no token yet is asked again next time", async () => {
  const w = world("t1");
  const answers = [Promise.reject(new Error("signed out")), Promise.resolve("t1")];
  w.access = new Access({ env: w.env, token: () => answers.shift() });
  await assert.rejects(w.access.fetch("/a"), /signed out/);
  assert.equal((await w.access.fetch("/a")).status, 200);
});

test("without a token the browser's cookies speak, and are sent to other origins when that is asked for", async () => {
  const w = world("t1");
  const seen = [];
  w.env.fetch = async (url, options) => seen.push(options);
  await new Access({ env: w.env }).fetch("/a", { cache: "no-cache" });
  await new Access({ env: w.env, credentials: true }).fetch("/a", { cache: "no-cache" });
  assert.deepEqual(seen, [{ cache: "no-cache" }, { cache: "no-cache", credentials: "include" }]);
  assert.deepEqual(new Access({ env: w.env }).eventSource("/s").arguments, ["/s"]);
  assert.deepEqual(new Access({ env: w.env, credentials: true }).eventSource("/s").arguments, ["/s", { withCredentials: true }]);
});

test("events are taken apart wherever the text is cut", () => {
  const text = "retry: 1\n\n: comment\nid: 1k\nevent: tile\ndata: {\"a\":\ndata: 1}\n\ndata: x\r\n\r\nevent: empty\n\nid\ndata:y\n\ndata: unfinished";
  const expected = [
    { type: "tile", data: "{\"a\":\n1}", lastEventId: "1k" }, { type: "message", data: "x", lastEventId: "1k" }, { type: "message", data: "y", lastEventId: "" },
  ];
  for (let size = 1; size <= text.length; size++) {
    const events = [];
    const parser = new EventParser((event) => events.push(event));
    for (let i = 0; i < text.length; i += size) parser.feed(text.slice(i, i + size));
    assert.deepEqual(events, expected, `in pieces of ${size}`);
  }
});

const settled = () => new Promise((done) => setTimeout(done, 0));

function sourceOf(w) {
  const said = [];
  const source = new FetchSource("/s", w.access);
  source.onopen = () => said.push("open");
  source.onerror = () => said.push("error");
  source.addEventListener("tile", (event) => said.push(event.data));
  return { source, said };
}

test("a stream is opened with the token, and tells its end", async () => {
  const w = world("t1");
  let controller;
  w.body = new ReadableStream({ start: (c) => { controller = c; } });
  const { said } = sourceOf(w);
  await settled();
  const bytes = new TextEncoder().encode("event: tile\ndata: ä\n\nevent: other\ndata: 2\n\n");
  controller.enqueue(bytes.slice(0, 19)); // within a character
  controller.enqueue(bytes.slice(19));
  await settled();
  assert.deepEqual(said, ["open", "ä"]);
  controller.close();
  await settled();
  assert.deepEqual(said, ["open", "ä", "error"]);
});

test("a stream that is refused, or closed, says so or nothing", async () => {
  const w = world("never");
  const refused = sourceOf(w);
  await settled();
  assert.deepEqual(refused.said, ["error"]);
  w.good = "t3";
  w.body = new ReadableStream({});
  const closed = sourceOf(w);
  closed.source.close();
  await settled();
  assert.deepEqual(closed.said, []);
});

test("where there is no EventSource, streams are read by fetch", async () => {
  const env = { fetch: async () => new Response('event: tile\nid: 7\ndata: {"key":"a"}\n\n') };
  const source = new Access({ env }).eventSource("/s");
  const event = await new Promise((done) => source.addEventListener("tile", done));
  assert.deepEqual(event, { type: "tile", data: '{"key":"a"}', lastEventId: "7" });
  source.close();
});

test("headers are sent with each request and stream, with a token and without", async () => {
  const seen = [];
  const env = { fetch: async (url, { headers }) => seen.push([url, headers]) && new Response(""), EventSource: class {} };
  const headers = { "X-Tenant": "north" };
  await new Access({ env, headers }).fetch("/a", { headers: { Accept: "x" } });
  const source = new Access({ env, headers, token: () => "t1" }).eventSource("/s");
  await new Promise((done) => { source.onerror = done; });
  assert.deepEqual(seen, [
    ["/a", { Accept: "x", "X-Tenant": "north" }],
    ["/s", { Accept: "text/event-stream", "X-Tenant": "north", Authorization: "Bearer t1" }],
  ]);
});
