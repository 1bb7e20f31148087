// SPDX-License-Identifier: Apache-2.0
// Between browser and gateway: proxies that hold streams back, and ways that lead to another gateway all of a sudden.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { Deployment, finish, open, shots, status, until } from "./harness.mjs";
import { Proxy } from "./proxy.mjs";

let d, proxy;

before(async () => { d = await Deployment.create(); });
after(async () => { await finish(); await d.stop(); });
afterEach(async () => { await proxy?.stop(); });

let count = 0;

// A row that the page shows, by whatever way it came.
async function follow(page) {
  const target = `order-${++count}`;
  d.insert("order.created", target);
  await until(`${target} in the table`, async () => (await page.locator("#events tr").first().textContent()).includes(target));
}

const way = (page) => page.getAttribute("#status", "title");
const by = (page, name) => until(`the connection by ${name}`, async () => (await status(page)) === "Connected" && (await way(page)) === `by ${name}`);

// Lets more than a minute pass for the page, which hears something all the while.
async function aMinute(page) {
  for (const seconds of [33, 33]) {
    await follow(page);
    await page.clock.fastForward(seconds * 1000);
  }
}

test("streams that a proxy holds back: WebSockets carry, else long-polling, and streams again when they can", async () => {
  proxy = await new Proxy(d.url).listen();
  proxy.buffers = true;
  const page = await open(proxy.url, { clock: true });
  await by(page, "server-sent events"); // it opened; that nothing comes through has yet to be found
  await page.clock.fastForward(30000);
  await by(page, "WebSocket");
  await follow(page);
  await page.screenshot({ path: join(shots, "buffered-websocket.png") });

  proxy.websockets = false;
  proxy.cut();
  await until("the loss", async () => (await status(page)) !== "Connected" || (await way(page)) === "by server-sent events");
  await by(page, "server-sent events");
  await page.clock.fastForward(30000);
  await by(page, "long-polling");
  await follow(page);
  await follow(page);
  await page.screenshot({ path: join(shots, "buffered-long-polling.png") });

  proxy.buffers = false;
  await aMinute(page);
  await until("the climb", async () => {
    await follow(page); // the first word of the stream that is tried
    return (await way(page)) === "by server-sent events";
  });
  const ids = await page.locator("#events tr").evaluateAll((all) => all.map((tr) => Number(tr.dataset.id)));
  assert.deepEqual(ids, ids.map((_, i) => ids[0] - i), "each once, none missing");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("a gateway whose data is late says so, until it is not", async () => {
  proxy = await new Proxy(d.url).listen();
  const page = await open(proxy.url);
  await until("the connection", async () => (await status(page)) === "Connected");
  const now = () => new Date().toISOString();
  proxy.say("heartbeat", { now: now(), as_of: new Date(Date.now() - 60000).toISOString(), lag_ms: 60000 });
  await until("yellow", async () => (await status(page)) === "Connected · data is late");
  await until("its age", async () => /^data of 1m .*ago$/.test(await page.textContent("#as-of")));
  await page.screenshot({ path: join(shots, "late.png") });
  proxy.say("heartbeat", { now: now(), as_of: now(), lag_ms: 5 });
  await until("green", async () => (await status(page)) === "Connected");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("by each transport, from one gateway to another and back: every event once, in order, and the tiles of now", async () => {
  const gateways = [d.url, await d.startSecondGateway()];
  proxy = await new Proxy(d.url).listen();
  const page = await open(`${proxy.url}/assets/icon.svg`); // a page without streams of its own
  await page.evaluate(async () => {
    const { connect } = await import("/assets/client/index.js");
    globalThis.heard = {};
    globalThis.connections = {};
    for (const name of ["sse", "websocket", "long-poll"]) {
      globalThis.heard[name] = [];
      globalThis.connections[name] = connect({ transports: [name], onEvent: (event) => globalThis.heard[name].push(event.target_id) });
    }
  });
  const each = (what) => page.evaluate(what);
  const allConnected = () => until("all connections", () => each(() => Object.values(globalThis.connections).every((c) => c.status === "connected")));
  await allConnected();
  const expected = [];
  const insert = (n) => {
    for (let i = 0; i < n; i++) {
      expected.push(`move-${expected.length}`);
      d.insert("order.created", expected.at(-1));
    }
  };
  const heard = () => each(() => Object.fromEntries(Object.entries(globalThis.heard).map(([k, v]) => [k, v.filter((t) => t?.startsWith("move-"))])));
  const all = () => until("what was inserted", async () => Object.values(await heard()).every((list) => list.length >= expected.length));
  insert(3);
  await all();
  for (let round = 0; round < 4; round++) {
    insert(2);
    proxy.target = gateways[(round + 1) % 2];
    proxy.cut();
    insert(3);
    await allConnected();
    insert(1);
    await all();
  }
  // The gateway at the other end dies for good.
  await d.kill(proxy.target === d.url ? "gateway" : "gateway-2");
  insert(3);
  proxy.target = gateways.find((url) => url !== proxy.target);
  await all();
  for (const [name, list] of Object.entries(await heard())) assert.deepEqual(list, expected, name);
  const served = async () => (await (await fetch(`${proxy.target}/api/tiles`)).json()).tiles.map((t) => `${t.key} ${t.version}`).sort();
  const held = () => each(() => Object.values(globalThis.connections).map((c) => c.list().map((t) => `${t.key} ${t.version}`).sort()));
  await until("the same tiles everywhere", async () => {
    const truth = JSON.stringify(await served());
    return (await held()).every((list) => JSON.stringify(list) === truth);
  });
  assert.deepEqual(page.errors, []);
  await page.context().close();
});
