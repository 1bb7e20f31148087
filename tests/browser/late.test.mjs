// SPDX-License-Identifier: Apache-2.0
// What the page says while it hears nothing, while its data is late, and when its clock is wrong. Times pass by a fake clock
// where a test would have to wait for minutes.
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";
import { join } from "node:path";
import { Deployment, becomes, card, finish, open, shots, status, until, wrongsOf } from "./harness.mjs";
import { Stage } from "./stage.mjs";

const MINUTE = 60000;
let stage;

beforeEach(async () => { stage = await Stage.create(); });
afterEach(async () => { await stage.close(); });
after(finish);

const iso = (ms) => new Date(ms).toISOString();

// Puts a tile of each type that says something about time.
function tiles() {
  const now = stage.now();
  const bucket = Math.floor(now / 10000) * 10000;
  stage.put("orders", "count", { value: 12 });
  stage.put("depth", "gauge", { value: 7, min: 0, max: 9 });
  stage.put("by/eu", "count", { value: 3 }, { group: { by: "payload.region", value: "eu" } });
  stage.put("work", "backlog", { total: 1, buckets: { open: 1 }, oldest_at: iso(now - 3 * MINUTE) });
  stage.put("rate", "trend", { step_ms: 10000, aggregate: "count", points: { [bucket - 20000]: 4, [bucket]: 2 } });
  stage.put("sla", "sla_risk", { ok: 1, at_risk: 1, breached: 1, next_breach_at: iso(now + MINUTE), worst: [{ id: "t1", due_at: iso(now - MINUTE) }, { id: "t2", due_at: iso(now + MINUTE) }] });
}

async function connected(options) {
  const page = await open(stage.url, options);
  await until("the connection", async () => (await status(page)) === "Connected");
  await until("the chart", async () => (await page.locator("canvas").count()) === 1);
  return page;
}

async function done(page) {
  assert.deepEqual(page.errors, []);
  await page.context().close();
}

const stalePart = (page) => page.locator(".card").evaluateAll((all) => all.filter((n) => n.classList.contains("stale")).length / all.length);
const line = (page, key) => card(page, key).locator(".history path:last-child").getAttribute("d");

for (const opened of [false, true]) {
  test(`a gateway that dies ${opened ? "with its streams open" : "and ends its streams"} is seen: the wall goes grey, and says since when`, async () => {
    tiles();
    const page = await connected({ clock: true });
    stage.beat();
    await page.clock.runFor(3000);
    assert.equal(await page.locator("#silence").isVisible(), false);
    stage.fallSilent({ open: opened });
    if (!opened) await until("the loss", async () => (await status(page)) !== "Connected");
    await page.clock.runFor(opened ? 28000 : 12000);
    await until("a word about it", () => page.isVisible("#silence"));
    assert.match(await page.textContent("#silence"), /^No answer since \d\d:\d\d:\d\d, \d+s ago\. What you see is of then\.$/);
    assert.match(await card(page, "orders").locator(".body").evaluate((n) => getComputedStyle(n).filter), /grayscale\(1\)/);
    const earlier = await line(page, "orders");
    await page.clock.runFor(70000);
    await becomes("all cards stale", () => stalePart(page), 1);
    assert.match(await card(page, "orders").locator(".age").textContent(), /^stale for 1m /);
    assert.equal(await line(page, "orders"), earlier, "nobody knows what the value was");
    if (!opened) {
      assert.deepEqual(await wrongsOf(page), []);
      await page.screenshot({ path: join(shots, "silent.png") });
      stage.silent = false;
      tiles();
      stage.kept.forEach((answer) => answer.destroy());
      for (let i = 0; i < 12 && (await page.isVisible("#silence")); i++) await page.clock.runFor(5000);
      await becomes("colours again", () => stalePart(page), 0);
      assert.equal(await page.locator("#silence").isVisible(), false);
    }
    await done(page);
  });
}

test("on a wall that is grey what was wrong can still be read", async () => {
  stage.put("risk", "sla_risk", { ok: 5, at_risk: 1, breached: 12, worst: [] }, { status: "critical", status_since: stage.time() });
  const page = await open(stage.url);
  await until("the ribbon", () => page.isVisible("#trouble"));
  stage.fallSilent();
  await until("the bar", () => page.isVisible("#silence"));
  assert.deepEqual(await wrongsOf(page), []);
  const [ribbon, bar] = [await page.locator("#trouble").boundingBox(), await page.locator("#silence").boundingBox()];
  assert.ok(Math.abs(ribbon.y + ribbon.height - bar.y) < 1.5, "nothing between the two");
  await done(page);
});

test("an open stream that is quiet between two heartbeats is no silence", async () => {
  tiles();
  const page = await connected({ clock: true });
  for (let i = 0; i < 8; i++) {
    await page.clock.runFor(14000);
    assert.equal(await page.locator("#silence").isVisible(), false);
    stage.beat();
    const at = iso(await page.evaluate(() => Date.now()));
    for (const tile of stage.tiles.values()) stage.put(tile.key, tile.type, tile.data, { group: tile.group, updated_at: at });
    await until("the heartbeat", () => page.evaluate((time) => document.querySelector("#tiles .card") && time, at));
  }
  assert.equal(await stalePart(page), 0);
  await done(page);
});

// Keeps each chart, so that a test can ask for its data.
const KEEP_CHARTS = `globalThis.charts = [];
Object.defineProperty(globalThis, "uPlot", { configurable: true, set(library) {
  Object.defineProperty(globalThis, "uPlot", { value: class extends library { constructor(...args) { super(...args); globalThis.charts.push(this); } } });
}, get() { return undefined; } });`;

test("while data is late, lines end where it does, and a countdown that has passed says so", async () => {
  stage.lagMs = 5 * MINUTE;
  const asOf = stage.now() - stage.lagMs;
  const bucket = Math.floor(asOf / 10000) * 10000;
  stage.put("rate", "trend", { step_ms: 10000, aggregate: "count", points: { [bucket - 20000]: 4, [bucket]: 2 } });
  const due = (minutes) => iso(asOf + minutes * MINUTE);
  stage.put("sla", "sla_risk", { ok: 0, at_risk: 7, breached: 1, next_breach_at: due(2), worst: [{ id: "t1", due_at: due(-1) }, { id: "t2", due_at: due(2) }, { id: "t3", due_at: due(65) }] });
  const page = await connected({ init: KEEP_CHARTS });
  stage.beat();
  await becomes("the status", () => status(page), "Connected · data is late");
  await until("how late", async () => /^data of 5m( \d+s)? ago$/.test(await page.textContent("#as-of")));
  assert.match(await card(page, "sla").locator(".next").textContent(), /^a breach was due 3m( \d+s)? ago$/);
  const [t1, t2, t3] = await card(page, "sla").locator(".worst b").evaluateAll((all) => all.map((n) => `${n.className}:${n.textContent}`));
  assert.match(t1, /^over:6m( \d+s)? over$/);
  assert.match(t2, /^:due 3m( \d+s)? ago$/);
  assert.match(t3, /^:in 59m|^:in 1h/);
  const end = () => page.evaluate(() => 1000 * globalThis.charts[0].data[0].at(-1));
  assert.equal(await end(), bucket);
  // The data goes on without rows: the line does, too, to the last bucket that is over.
  stage.lagMs -= 45000;
  await becomes("the line's end", end, Math.floor(stage.beat() / 10000) * 10000 - 10000);
  await page.screenshot({ path: join(shots, "late-data.png") });
  await done(page);
});

test("a browser's clock that is wrong by minutes changes no countdown, no age and no chart", async () => {
  const texts = async (page) => ({
    over: await card(page, "sla").locator(".worst b").evaluateAll((all) => all.map((n) => n.className)),
    next: /^next breach in \d+s$/.test(await card(page, "sla").locator(".next").textContent()),
    oldest: /^oldest 3m/.test(await card(page, "work").locator(".quiet").textContent()),
    end: Math.abs((await page.evaluate(() => 1000 * globalThis.charts[0].data[0].at(-1))) - stage.now()) < 30000,
    notes: await page.locator(".age").evaluateAll((all) => all.map((n) => n.textContent).filter(Boolean)),
  });
  const right = { over: ["over", ""], next: true, oldest: true, end: true, notes: [] };
  for (const skewMs of [5 * MINUTE, -5 * MINUTE]) {
    stage.skewMs = skewMs; // The browser's clock is that of this machine.
    tiles();
    const page = await connected({ init: KEEP_CHARTS });
    await becomes("by the list", () => texts(page), right);
    stage.beat();
    tiles();
    await becomes("by a heartbeat", () => texts(page), right);
    await card(page, "orders").locator(".title").click();
    assert.match(await page.locator("#detail dl").first().textContent(), /Published\d+s ago/);
    await done(page);
  }
});

test("a dead ingestor is noticed within 15 s, and one that is back at once", async () => {
  const d = await Deployment.create();
  try {
    const page = await open(d.url);
    await until("the connection", async () => (await status(page)) === "Connected");
    await d.kill("ingestor");
    const from = Date.now();
    await becomes("the status", () => status(page), "Connected · data is late", 60000);
    assert.ok(Date.now() - from < 15000, `after ${Date.now() - from} ms`);
    await d.start("ingestor");
    await becomes("the status", () => status(page), "Connected", 12000);
    await done(page);
  } finally {
    await d.stop();
  }
});
