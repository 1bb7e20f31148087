// SPDX-License-Identifier: Apache-2.0
// <live-tile> in a page of another origin.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { serveDocsPage } from "./docs-page.mjs";
import { Deployment, becomes, finish, open, shots, until, wrongsOf } from "./harness.mjs";

let d, server, home;

before(async () => {
  d = await Deployment.create("", ', cors_origins: ["*"]');
  for (const region of ["eu", "us"]) d.insert("order.created", "o", { region });
  d.insert("metrics.updated", null, { metric: "queue.depth", value: 12 });
  d.insert("ticket.opened", "t1", { due_at: new Date(Date.now() + 3600e3).toISOString() });
  d.insert("work_item_created", "w1");
  await d.serves({
    "orders.created": { value: 2 }, "orders.by_region/eu": { value: 1 }, "orders.by_region/us": { value: 1 },
    "queue.depth": { value: 12 }, "tickets.sla": { ok: 1 }, "work.backlog": { total: 1 },
  });
  const keys = ["orders.created", "orders.rate", "queue.depth", "tickets.sla", "work.backlog", "orders.by_region", "orders.by_region/eu", "unheard.of"];
  const page = `<!doctype html><html lang="en"><title>Another site</title><style>main { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px }
    live-tile { --tilewire-accent: #c2410c; --tilewire-radius: 2px } live-tile::part(card) { border-width: 3px }</style>
    <script type="module" src="${d.url}/assets/live-tile.js"></script><main><h1>Elsewhere</h1>${keys.map((key) => `<live-tile key="${key}"></live-tile>`).join("")}
    <live-tile id="night" key="orders.created" theme="dark"></live-tile></main></html>`;
  server = createServer((_, answer) => answer.setHeader("Content-Type", "text/html; charset=utf-8").end(page));
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  home = `http://127.0.0.1:${server.address().port}/`;
});
after(async () => {
  await finish();
  server?.close();
  await d?.stop();
});

test("every type is drawn in a page of another origin, over one connection, and follows events", async () => {
  const page = await open(home);
  const tile = (key) => page.locator(`live-tile[key="${key}"]:not(#night)`);
  await until("live tiles", async () => (await page.locator('live-tile[state="live"]').count()) === 8);
  assert.equal(await tile("unheard.of").getAttribute("state"), "missing");
  assert.equal(await tile("orders.created").locator(".big").textContent(), "2");
  assert.equal(await tile("queue.depth").locator(".big").textContent(), "12");
  assert.equal(await tile("tickets.sla").locator(".ok b").textContent(), "1");
  assert.equal(await tile("work.backlog").locator(".big").textContent(), "1");
  assert.deepEqual(await tile("orders.by_region").locator(".name").allTextContents(), ["eu", "us"]);
  assert.equal(await tile("orders.by_region/eu").locator(".big").textContent(), "1");
  await until("the chart", async () => (await tile("orders.rate").locator("canvas").count()) === 1);
  const look = await tile("orders.created").locator(".card").evaluate((n) => [getComputedStyle(n).borderTopWidth, getComputedStyle(n).borderRadius]);
  assert.deepEqual(look, ["3px", "2px"], "::part and custom properties");
  const background = (selector) => page.locator(selector).locator(".card").evaluate((n) => getComputedStyle(n).backgroundColor);
  assert.notEqual(await background("#night"), await background('live-tile[key="queue.depth"]'));
  d.insert("order.created", "o3", { region: "eu" });
  await becomes("the change", () => tile("orders.created").locator(".big").textContent(), "3");
  await becomes("the family's change", () => tile("orders.by_region").locator("b").first().textContent(), "2");
  assert.equal(page.requests.filter((url) => url.includes("/api/tiles/stream")).length, 1);
  assert.equal(page.requests.filter((url) => url.includes("/api/events")).length, 0);
  await page.screenshot({ path: join(shots, "live-tile.png") });
  assert.deepEqual((await wrongsOf(page)).filter((w) => w.includes("live-tile")), []);
  await d.kill("gateway");
  await until("offline", async () => (await page.locator('live-tile[state="offline"]').count()) === 8);
  await d.start("gateway");
  await until("live again", async () => (await page.locator('live-tile[state="live"]').count()) === 8, 40000);
  assert.deepEqual(page.errors, []);
});

test("any number of different tiles is shown, over one connection", async () => {
  const page = await open(home);
  await until("live tiles", async () => (await page.locator('live-tile[state="live"]').count()) === 8);
  await page.evaluate(() => {
    const more = Array.from({ length: 150 }, (_, i) => Object.assign(document.createElement("live-tile"), { tile: i % 50 === 0 ? "orders.created" : `unheard.of.${i}` }));
    document.querySelector("main").append(...more);
  });
  await until("all of them", async () => (await page.locator('live-tile[state="missing"]').count()) === 148 && (await page.locator('live-tile[state="live"]').count()) === 11);
  const numbers = () => page.locator('live-tile[tile="orders.created"] .big').allTextContents();
  const [shown] = await numbers();
  d.insert("order.created", "o4", { region: "eu" });
  await becomes("the change everywhere", numbers, Array(3).fill(String(Number(shown) + 1)));
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("the page in docs shows each type, by day and by night, and with a look of its own", async () => {
  const site = await serveDocsPage(d.url);
  const page = await open(site.url);
  await until("live tiles", async () => (await page.locator('live-tile[state="live"]').count()) === 15 && (await page.locator("canvas").count()) === 3);
  const types = await page.locator("live-tile").evaluateAll((all) => all.map((tile) => tile.shadowRoot.querySelector(".card").classList[1]));
  const each = ["count", "trend", "gauge", "sla_risk", "backlog", "family"];
  assert.deepEqual(types, [...each, ...each, "count", "trend", "family"]);
  const looks = await page.locator('live-tile[key="orders.created"]').evaluateAll((all) => all.map((tile) => {
    const { backgroundColor, fontFamily, borderTopWidth } = getComputedStyle(tile.shadowRoot.querySelector(".card"));
    return [backgroundColor, fontFamily.split(",")[0], borderTopWidth];
  }));
  assert.deepEqual(looks, [["rgb(255, 255, 255)", "Inter", "1px"], ["rgb(20, 28, 39)", "Inter", "1px"], ["rgb(255, 248, 245)", "Georgia", "2px"]]);
  assert.deepEqual(await wrongsOf(page), []);
  await page.screenshot({ path: join(shots, "live-tile-docs.png"), fullPage: true });
  assert.deepEqual(page.errors, []);
  await page.context().close();
  site.close();
});
