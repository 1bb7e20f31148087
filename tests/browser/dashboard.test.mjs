// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";
import { Deployment, becomes, card, finish, open, refresh, shots, status, until } from "./harness.mjs";

let d;

before(async () => { d = await Deployment.create(); });
after(async () => { await finish(); await d.stop(); });

const NO_SOCKETS = "delete globalThis.WebSocket";
const big = (page, key) => card(page, key).locator(".big").textContent();
const rows = (page) => page.locator("#events tr");

test("tiles of each type are drawn right, and follow events", async () => {
  const page = await open(d.url);
  await until("the connection", async () => (await status(page)) === "Connected");
  assert.match(await page.getAttribute("#status", "class"), /connected/);
  await until("a bucket of the chart with time left", () => Date.now() % 10000 < 4000); // so that all three orders fall into one
  d.insert("order.created", "o1", { region: "eu", amount: 3 });
  d.insert("order.created", "o2", { region: "eu" });
  d.insert("order.created", "o3", { region: "us" });
  d.insert("metrics.updated", null, { metric: "queue.depth", value: 12 });
  d.insert("metrics.updated", null, { metric: "queue.depth", value: 8 });
  d.insert("ticket.opened", "t1", { due_at: new Date(Date.now() + 3600e3).toISOString() });
  d.insert("ticket.opened", "t2", { due_at: new Date(Date.now() + 55e3).toISOString() });
  d.insert("ticket.opened", "t3", { due_at: new Date(Date.now() - 60e3).toISOString() });
  d.insert("work_item_created", "w1");
  d.insert("work_item_created", "w2");
  d.insert("work_item_claimed", "w2", null, "ada took w2");
  await becomes("the count", () => big(page, "orders.created"), "3");
  await becomes("the gauge", () => big(page, "queue.depth"), "8");
  assert.match(await card(page, "queue.depth").textContent(), /jobs.*min 8.*max 12/s);
  await becomes("the backlog's states", () => card(page, "work.backlog").locator(".stack").getAttribute("aria-label"), "open 1, in progress 1");
  assert.equal(await big(page, "work.backlog"), "2");
  const risk = (name) => card(page, "tickets.sla").locator(`.${name} b`).textContent();
  await becomes("the SLA", async () => [await risk("ok"), await risk("at_risk"), await risk("breached")], ["1", "1", "1"]);
  const worst = await card(page, "tickets.sla").locator(".worst li").allTextContents();
  assert.match(worst[0], /^t3.*over$/);
  assert.match(worst[1], /^t2in \d+s$/);
  const earlier = worst[1];
  await until("the countdown", async () => (await card(page, "tickets.sla").locator(".worst li").nth(1).textContent()) !== earlier);
  await becomes("the chart", () => card(page, "orders.rate").locator("canvas").count(), 1);
  await becomes("the chart's running bucket", () => card(page, "orders.rate").locator(".ghost").textContent(), "3 so far");
  await becomes("the chart's last full bucket", () => big(page, "orders.rate"), "0");
  await becomes("the family", () => card(page, "orders.by_region").locator("li").allTextContents(), ["eu2", "us1"]);
  await page.screenshot({ path: join(shots, "dashboard.png") });
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("events come at once, newest first, each once", async () => {
  const page = await open(d.url);
  await until("the connection", async () => (await status(page)) === "Connected");
  d.insert("something.unheard", "x1", null, "a type that the page has never seen");
  await until("the event", async () => (await rows(page).first().textContent()).includes("never seen"));
  d.insert("work_item_created", "w9");
  await until("the next", async () => (await rows(page).first().getAttribute("data-type")) === "work_item_created");
  const ids = await rows(page).evaluateAll((all) => all.map((tr) => Number(tr.dataset.id)));
  assert.deepEqual(ids, [...new Set(ids)].sort((a, b) => b - a));
  await page.selectOption("#type-filter", "something.unheard");
  assert.equal(await page.locator("#events tr:visible").count(), 1);
  await page.selectOption("#type-filter", "");
  await page.click("#pause");
  const orders = Number(await big(page, "orders.created"));
  d.insert("order.created", "while-paused");
  await until("the tile", async () => Number(await big(page, "orders.created")) > orders);
  assert.notEqual(await rows(page).first().getAttribute("data-type"), "order.created");
  await page.click("#pause");
  await until("the event that waited", async () => (await rows(page).first().textContent()).includes("while-paused"));
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("only this gateway is asked, by EventSource and not by polling", async () => {
  const page = await open(d.url);
  await until("the connection", async () => (await status(page)) === "Connected");
  assert.ok(page.requests.every((url) => url.startsWith(d.url)), page.requests.join(" "));
  await becomes("one stream of events", () => page.requests.filter((url) => url.includes("/api/events/stream")).length, 1);
  const earlier = page.requests.length;
  d.insert("order.created", "o9");
  await until("the event", async () => (await rows(page).first().textContent()).includes("o9"));
  assert.equal(page.requests.length, earlier, "an event costs no request");
  await page.context().close();
});

test("a gateway that dies and comes back: reconnecting, disconnected and polling, connected, nothing missed", async () => {
  const page = await open(d.url);
  await until("the connection", async () => (await status(page)) === "Connected");
  await d.kill("gateway");
  await until("yellow", async () => (await status(page)) === "Reconnecting…");
  assert.match(await page.getAttribute("#status", "class"), /reconnecting/);
  await page.screenshot({ path: join(shots, "reconnecting.png") });
  await until("red", async () => (await status(page)).startsWith("Disconnected"));
  assert.match(await page.getAttribute("#status", "class"), /disconnected/);
  assert.equal(await refresh(page), "No answer");
  await page.screenshot({ path: join(shots, "disconnected.png") });
  d.insert("order.created", "missed-1");
  d.insert("order.created", "missed-2");
  await d.start("gateway");
  await until("green again", async () => (await status(page)) === "Connected", 40000);
  await until("what was missed", async () => {
    const texts = (await rows(page).allTextContents()).join("\n");
    return texts.includes("missed-1") && texts.includes("missed-2");
  });
  const ids = await rows(page).evaluateAll((all) => all.map((tr) => Number(tr.dataset.id)));
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("without streams of any kind the page polls, and the refresh button works", async () => {
  const page = await open(d.url, { init: NO_SOCKETS });
  await until("the connection", async () => (await status(page)) === "Connected");
  await page.route(/\/stream|wait=/, (route) => route.abort());
  await d.kill("gateway");
  await d.start("gateway");
  await until("red", async () => (await status(page)).startsWith("Disconnected"));
  d.insert("work_item_created", "by-button");
  await until("the row, by the button", async () => {
    await page.click("#refresh");
    return (await rows(page).first().textContent()).includes("by-button");
  });
  d.insert("work_item_created", "by-polling");
  await until("the row, by polling", async () => (await rows(page).first().textContent()).includes("by-polling"));
  await becomes("an honest status", () => status(page), "Disconnected · polling");
  await page.screenshot({ path: join(shots, "polling.png") });
  await page.unroute(/\/stream|wait=/);
  await until("green again", async () => (await status(page)) === "Connected", 40000);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test("attempts back off: 1, 2, 4, 8, 16, 30, 30 seconds", async () => {
  const page = await open(d.url);
  const waits = await page.evaluate(async () => {
    const { backoffMs } = await import("/assets/client/backoff.js");
    return [0, 1, 2, 3, 4, 5, 6, 20].map((n) => [backoffMs(n, 0), backoffMs(n, 1)]);
  });
  [1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000].forEach((ms, i) => {
    assert.ok(Math.abs(waits[i][0] - 0.9 * ms) < 1 && Math.abs(waits[i][1] - ms) < 1, `${waits[i]}`);
  });
  await page.context().close();
});

test("attempts follow one another at those times, by a fake clock", async () => {
  const page = await open(d.url, { clock: true, init: NO_SOCKETS });
  await until("the connection", async () => (await status(page)) === "Connected");
  const attempts = () => page.requests.filter((url) => url.includes("/api/tiles/stream")).length;
  await page.route(/\/stream|wait=/, (route) => route.abort());
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 1000); // from here on time passes only by runFor
  await d.kill("gateway");
  await d.start("gateway");
  await until("the drop", async () => (await status(page)) === "Reconnecting…");
  // An answer needs real time, and would be late by the fake clock if that ran on meanwhile.
  const pass = async (ms) => {
    for (let left = ms; left > 0; left -= 2000) {
      await page.clock.runFor(Math.min(left, 2000));
      await until("its answers", () => page.asking.size === 0);
    }
  };
  for (const seconds of [1, 2, 4, 8, 16, 30]) {
    const earlier = attempts();
    await pass(seconds * 900 - 50); // jitter takes a tenth off at most
    assert.equal(attempts(), earlier, `no attempt before ${seconds} s`);
    await pass(seconds * 100 + 50);
    await until(`the attempt after ${seconds} s`, () => attempts() > earlier);
    await becomes("its failure", () => status(page), "Disconnected · polling");
  }
  await page.context().close();
});

test("stale tiles are greyed, and gone ones go", async () => {
  const short = await Deployment.create(", ttl: 2s, grace: 3s");
  try {
    short.insert("order.created", "o1", { region: "eu" });
    const page = await open(short.url);
    await becomes("the count", () => big(page, "orders.created"), "1");
    await short.kill("ingestor");
    await until("grey", async () => /stale/.test(await card(page, "orders.created").getAttribute("class")));
    for (const key of ["orders.created", "orders.by_region"]) {
      await until(`the age of ${key}`, async () => /^stale for/.test(await card(page, key).locator(".age").textContent()));
    }
    await page.screenshot({ path: join(shots, "stale.png") });
    await until("none left", async () => (await page.locator(".card").count()) === 0);
    await until("a word about it", () => page.isVisible("#empty"));
    await short.start("ingestor");
    await until("all back", async () => (await page.locator(".card").count()) === 6);
    assert.deepEqual(page.errors, []);
    await page.context().close();
  } finally {
    await short.stop();
  }
});

test("phones, laptops, dark rooms and walls", async () => {
  for (const [name, options] of [["phone", { viewport: { width: 390, height: 844 } }], ["laptop", {}], ["dark", { colorScheme: "dark" }],
    ["wall", { viewport: { width: 2560, height: 1440 }, colorScheme: "dark" }]]) {
    const page = await open(d.url, options);
    await until("the connection", async () => (await status(page)) === "Connected");
    await until("the chart", async () => (await page.locator("canvas").count()) === 1);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(overflow, 0, "nothing is wider than the page");
    await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
    assert.deepEqual(page.errors, []);
    await page.context().close();
  }
});
