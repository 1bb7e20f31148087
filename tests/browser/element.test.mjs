// SPDX-License-Identifier: Apache-2.0
// <live-tile> as frameworks use it, and at addresses that do not answer; and what the client tells of faults.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { becomes, finish, freePort, open, until } from "./harness.mjs";
import { Stage } from "./stage.mjs";

let stage, site, home;

before(async () => {
  stage = await Stage.create();
  for (const [key, value] of [["one", 1], ["two", 2]]) stage.put(key, "count", { value });
  site = createServer((_, answer) => answer.setHeader("Content-Type", "text/html; charset=utf-8").end("<!doctype html><html lang=en><title>Another site</title><main></main>"));
  await new Promise((listening) => site.listen(0, "127.0.0.1", listening));
  home = `http://127.0.0.1:${site.address().port}/`;
});
after(async () => {
  await finish();
  site?.close();
  await stage?.close();
});

const load = (page) => page.addScriptTag({ type: "module", url: `${stage.url}/assets/live-tile.js` });
const state = (page) => page.locator("live-tile").getAttribute("state");
const shown = (page) => page.locator("live-tile .body .big, live-tile p.quiet").allTextContents();

async function done(page) {
  assert.deepEqual(page.errors, []);
  await page.context().close();
}

test("the tile is named by an attribute or a property, before or after it is in the page, and can be another one", async () => {
  const page = await open(home);
  // As a framework does: made before the element is defined, with a property that the class will have.
  await page.evaluate(() => document.querySelector("main").append(Object.assign(document.createElement("live-tile"), { tile: "one" })));
  await load(page);
  await becomes("the property from before", () => shown(page), ["1"]);
  const set = (change) => page.evaluate(`(() => { const tile = document.querySelector("live-tile"); ${change} })()`);
  await set('tile.tile = "two"');
  await becomes("another tile", () => shown(page), ["2"]);
  await set('tile.removeAttribute("tile")');
  await becomes("none", async () => [await shown(page), await state(page)], [[], null]);
  await set('tile.setAttribute("key", "one")');
  await becomes("by key", () => shown(page), ["1"]);
  await set('tile.tile = "unheard.of"');
  await becomes("one that is not there", async () => [await shown(page), await state(page)], [["There is no tile unheard.of."], "missing"]);
  await set('tile.tile = null; tile.key = "x"; const main = tile.parentNode; tile.remove(); tile.setAttribute("key", "two"); main.append(tile)');
  await becomes("after it was out of the page", () => shown(page), ["2"]);
  await set('const other = document.createElement("live-tile"); tile.replaceWith(other); other.setAttribute("tile", "one"); other.theme = "dark"');
  await becomes("named once it is in the page", async () => [await shown(page), await page.locator("live-tile").getAttribute("theme")], [["1"], "dark"]);
  await done(page);
});

test("a page whose policy allows no styles but its own, and nothing of others but the gateway's scripts and data, shows tiles as they look", async () => {
  const strict = createServer((_, answer) => answer.writeHead(200, { "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": `default-src 'none'; script-src ${stage.url}; connect-src ${stage.url}; style-src 'none'` })
    .end(`<!doctype html><html lang=en><title>Strict</title><live-tile tile="one"></live-tile><live-tile tile="rate"></live-tile><script type="module" src="${stage.url}/assets/live-tile.js"></script>`));
  await new Promise((listening) => strict.listen(0, "127.0.0.1", listening));
  stage.put("rate", "trend", { step_ms: 10000, aggregate: "count", points: { [Math.floor(Date.now() / 10000) * 10000]: 5 } });
  const page = await open(`http://127.0.0.1:${strict.address().port}/`);
  await becomes("the tile", () => page.locator("live-tile .big").first().textContent(), "1");
  await until("its look", async () => (await page.locator("live-tile .card").first().evaluate((n) => getComputedStyle(n).borderRadius)) === "12px");
  await page.locator("live-tile canvas").waitFor();
  assert.equal(await page.locator("live-tile .u-over").evaluate((n) => getComputedStyle(n).position), "absolute");
  stage.remove("rate");
  strict.closeAllConnections();
  strict.close();
  await done(page);
});

test("an address that refuses, that never answers, that is none or no gateway's is said to be so", async () => {
  const silent = createServer(() => {});
  await new Promise((listening) => silent.listen(0, "127.0.0.1", listening));
  const refusing = await freePort();
  const page = await open(home);
  await load(page);
  const at = (src) => page.evaluate((address) => {
    const tile = Object.assign(document.createElement("live-tile"), { tile: "one", src: address });
    document.querySelector("main").replaceChildren(tile);
  }, src);
  for (const [src, expected, sentence] of [
    ["http://", "invalid", "“http://” is no address of a gateway."],
    ["ftp://example.com", "invalid", "“ftp://example.com” is no address of a gateway."],
    [`http://127.0.0.1:${refusing}`, "offline", `No answer from http://127.0.0.1:${refusing}.`],
    [`http://127.0.0.1:${silent.address().port}/`, "offline", `No answer from http://127.0.0.1:${silent.address().port}.`],
  ]) {
    await at(src);
    await becomes(src, async () => [await state(page), await shown(page)], [expected, [sentence]]);
  }
  await at(stage.url);
  await becomes("one that answers", async () => [await state(page), await shown(page)], ["live", ["1"]]);
  silent.closeAllConnections();
  silent.close();
  await done(page);
});

test("a handler that throws keeps no other from hearing, and is reported", async () => {
  const page = await open(home);
  await page.evaluate(async (url) => {
    globalThis.heard = [];
    globalThis.reported = [];
    globalThis.addEventListener("error", (event) => {
      globalThis.reported.push(event.message);
      event.preventDefault();
    });
    const { connect } = await import(`${url}/assets/client/index.js`);
    const bad = () => { throw new Error("a handler of the page"); };
    connect({ url, onTile: bad, onTiles: bad, onStatus: bad, onHeartbeat: bad, onExpired: bad, onEvent: bad });
    connect({ url, onTile: (tile) => globalThis.heard.push(tile.key), onHeartbeat: () => globalThis.heard.push("heartbeat"), onExpired: (key) => globalThis.heard.push(`no ${key}`), onStatus: (status) => globalThis.heard.push(status) });
  }, stage.url);
  const heard = (what) => until(what, () => page.evaluate((word) => globalThis.heard.includes(word), what));
  await heard("connected");
  await heard("two");
  stage.beat();
  await heard("heartbeat");
  stage.put("three", "count", { value: 3 });
  await heard("three");
  stage.remove("three");
  await heard("no three");
  assert.deepEqual(await page.evaluate(() => [...new Set(globalThis.reported)]), ["Uncaught Error: a handler of the page"]);
  assert.ok((await page.evaluate(() => globalThis.reported.length)) >= 6);
  await page.context().close();
});

test("the client tells one failure of requests from another", async () => {
  const page = await open(home);
  const told = [];
  await page.exposeFunction("tell", (...error) => told.push(error));
  const use = (url) => page.evaluate(async ([gateway, at]) => {
    const { connect } = await import(`${gateway}/assets/client/index.js`);
    globalThis.connection?.close();
    globalThis.connection = connect({ url: at, share: false, onError: ({ kind, status, detail, retryAfterMs }) => globalThis.tell(at, kind, status ?? null, detail ?? "", retryAfterMs ?? null) });
  }, [stage.url, url]);
  for (const [code, kind] of [[401, "signed-out"], [403, "forbidden"], [429, "too-many"], [503, "unavailable"], [500, "refused"]]) {
    stage.refuse = (path, answer) => {
      answer.writeHead(code, { "Content-Type": "application/problem+json", "Retry-After": "7", "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After" });
      answer.end(JSON.stringify({ status: code, detail: "Why." }));
      return true;
    };
    await use(stage.url);
    await until(kind, () => told.some((error) => JSON.stringify(error) === JSON.stringify([stage.url, kind, code, "Why.", 7000])));
  }
  stage.refuse = null;
  const nobody = `http://127.0.0.1:${await freePort()}`;
  await use(nobody);
  await until("a fault of the network", () => told.some(([at, kind, code]) => at === nobody && kind === "network" && code === null));
  await page.context().close();
});
