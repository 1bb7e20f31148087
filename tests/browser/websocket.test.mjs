// SPDX-License-Identifier: Apache-2.0
// /api/ws as other people's clients see it: the npm package `ws`, and a page in Chromium.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { Deployment, finish, open, until } from "./harness.mjs";

let d;
const clients = [];

before(async () => { d = await Deployment.create(); });
after(async () => { for (const c of clients) c.terminate(); await finish(); await d.stop(); });

async function connect(options = {}) {
  const ws = new WebSocket(`ws://127.0.0.1:${d.port}/api/ws`, "tilewire.v1", options);
  clients.push(ws);
  ws.messages = [];
  ws.on("message", (data, binary) => { assert.equal(binary, false); ws.messages.push(JSON.parse(data)); });
  ws.closed = new Promise((done) => ws.on("close", (code, reason) => done([code, String(reason)])));
  ws.say = (message) => ws.send(JSON.stringify(message));
  await new Promise((done, fail) => { ws.on("open", done); ws.on("error", fail); });
  return ws;
}

const find = (ws, predicate) => until("a message", () => ws.messages.find(predicate), 30000);
const settled = (ws) => new Promise((done) => { ws.once("pong", () => done()); ws.ping("so far"); });

test("the package `ws` subscribes, unsubscribes, resumes and closes", async () => {
  const ws = await connect({ perMessageDeflate: true });
  assert.equal(ws.protocol, "tilewire.v1");
  assert.equal(ws.extensions, "");
  ws.say({ subscribe: ["orders.created", "queue.*"] });
  await settled(ws);
  assert.deepEqual(ws.messages.map((m) => `${m.event} ${m.key}`).sort(), ["tile orders.created", "tile queue.depth"]);
  d.insert("order.created", "o1");
  const seen = await find(ws, (m) => m.key === "orders.created" && m.data.value === 1);
  ws.say({ unsubscribe: ["queue.*"] });
  await settled(ws);
  d.insert("metrics.updated", null, { metric: "queue.depth", value: 5 });
  d.insert("order.created", "o2");
  await find(ws, (m) => m.key === "orders.created" && m.data.value === 2);
  assert(!ws.messages.some((m) => m.key === "queue.depth" && m.data.value === 5), "not subscribed any more");
  ws.close(1000, "enough");
  assert.equal((await ws.closed)[0], 1000);

  const again = await connect();
  again.say({ subscribe: ["orders.created", "work.*"], form: "patch", cursor: seen.id });
  await find(again, (m) => m.key === "orders.created" && m.data.value === 2);
  await settled(again);
  assert.deepEqual(again.messages.filter((m) => m.key === "work.backlog"), [], "it had not changed since the cursor");
});

test("raw events, and a message in many fragments", async () => {
  const ws = await connect();
  const text = JSON.stringify({ subscribe: ["work_item_*"], stream: "events" });
  for (let i = 0; i < text.length; i++) ws.send(text[i], { fin: i === text.length - 1 });
  await settled(ws);
  d.insert("work_item_created", "w1", null, "ü ✓");
  const event = await find(ws, (m) => m.event === "work_item_created");
  assert.equal(event.summary, "ü ✓");
  assert.equal(event.event_type, "work_item_created");
});

test("what is wrong is closed with its code, and a reason", async () => {
  const cases = { 1003: (ws) => ws.send(Buffer.from([1, 2, 3])), 1008: (ws) => ws.send("hello"), 1009: (ws) => ws.say({ subscribe: ["x".repeat(20000)] }) };
  for (const [code, send] of Object.entries(cases)) {
    const ws = await connect();
    send(ws);
    const [got, reason] = await ws.closed;
    assert.equal(got, Number(code));
    assert.match(reason, /\w+/);
  }
});

test("a page of the gateway may connect, one of another origin may not", async () => {
  const ask = (url) => new Promise((done) => {
    const ws = new WebSocket(url, "tilewire.v1");
    ws.onopen = () => ws.send(JSON.stringify({ subscribe: ["orders.created"] }));
    ws.onmessage = ({ data }) => { done(JSON.parse(data).key ?? data); ws.close(); };
    ws.onclose = ({ code }) => done(code);
  });
  const url = `ws://127.0.0.1:${d.port}/api/ws`;
  const own = await open(d.url);
  assert.equal(await own.evaluate(ask, url), "orders.created");
  assert.deepEqual(own.errors, []);
  const other = await open(`http://localhost:${d.port}/healthz`);
  assert.equal(await other.evaluate(ask, url), 1006);
  assert.match(await (await fetch(`${d.url}/metrics`)).text(), /^tilewire_gateway_websockets_refused_origin_total 1$/m);
});

test("a gateway that stops says so", async () => {
  const ws = await connect();
  ws.say({ subscribe: ["*"] });
  await settled(ws);
  await d.kill("gateway", "SIGTERM");
  assert.equal((await ws.closed)[0], 1001);
});
